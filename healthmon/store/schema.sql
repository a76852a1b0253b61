-- The whole truth about healthmon's database. A new database is made from this file; an older one is brought
-- here by migrations/, and a test proves that both ways end in the same schema.
--
-- Times are UTC text, 'YYYY-MM-DD HH:MM:SS.mmm': they compare correctly with datetime('now', ...), on the same
-- day too. Words that stand in a CHECK are proven equal to the enums of healthmon/model by a test.
-- The sqlite3 shell of Debian 12 (3.40) reads and writes all of it.

-- What the keeper puts here before the `-wal` is written back tells this file from one that somebody copies over it. First,
-- so that it lies where no other page has to be read for it.
CREATE TABLE watermark (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    mark TEXT NOT NULL
) STRICT;

CREATE TABLE services (
    service_id   INTEGER PRIMARY KEY,
    service_name TEXT NOT NULL UNIQUE,
    group_name   TEXT NOT NULL,
    critical     INTEGER NOT NULL CHECK (critical IN (0, 1)),
    removed_at   TEXT                    -- set when the configuration no longer has it; its history stays
) STRICT;

-- Every look at every service. Clustered by time, because that is how people ask for it: 40 bytes a check, and
-- the two history queries of the user's document run as fast as on a plain table with its best index.
-- The words are numbers here, to keep rows small: status 0 unhealthy, 1 healthy, 2 unknown;
-- kind 0 scheduled, 1 recheck, 2 requested.
CREATE TABLE checks (
    timestamp        TEXT NOT NULL,
    service_id       INTEGER NOT NULL REFERENCES services,
    sequence         INTEGER NOT NULL DEFAULT 0,   -- tells apart two looks in one millisecond
    kind             INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    status           INTEGER NOT NULL CHECK (status IN (0, 1, 2)),
    response_time_us INTEGER,
    status_code      INTEGER,
    reason           TEXT,                         -- NULL means ok
    error_message    TEXT,
    PRIMARY KEY (timestamp, service_id, sequence)
) STRICT, WITHOUT ROWID;

-- What the user's document calls health_checks: the scheduled looks that found something out.
CREATE VIEW health_checks AS
SELECT s.service_name,
       CASE c.status WHEN 1 THEN 'healthy' ELSE 'unhealthy' END AS status,
       c.response_time_us / 1e6 AS response_time,
       c.status_code,
       c.error_message,
       c.timestamp
FROM checks AS c
JOIN services AS s ON s.service_id = c.service_id
WHERE c.kind = 0 AND c.status < 2;

-- A check's neighbours in the same millisecond go with it.
CREATE TRIGGER health_checks_delete INSTEAD OF DELETE ON health_checks
BEGIN
    DELETE FROM checks
    WHERE timestamp = OLD.timestamp
      AND service_id = (SELECT service_id FROM services WHERE service_name = OLD.service_name);
END;

-- What the evaluator has not seen yet. Written in the transaction that writes the check, deleted in the one that
-- holds its effects: that makes it exactly once. Several processes commit in any order, so a mark of how far the
-- evaluator has read would lose what commits late.
CREATE TABLE inbox (
    inbox_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp  TEXT NOT NULL,
    service_id INTEGER NOT NULL,
    sequence   INTEGER NOT NULL
) STRICT;

-- What the state machine remembers of each service: model/status.py says what each column means.
CREATE TABLE service_states (
    service_id           INTEGER PRIMARY KEY REFERENCES services,
    status               TEXT NOT NULL CHECK (status IN ('healthy', 'unhealthy', 'unknown')),
    previous_status      TEXT CHECK (previous_status IN ('healthy', 'unhealthy', 'unknown')),
    status_since         TEXT,
    last_checked_at      TEXT,
    last_healthy_at      TEXT,
    last_reason          TEXT NOT NULL,
    last_error           TEXT,
    last_response_time_s REAL,
    last_status_code     INTEGER,
    consecutive_failures INTEGER NOT NULL,
    streak_started_at    TEXT,
    streak_confirmations INTEGER NOT NULL,
    unknown_looks        INTEGER NOT NULL,
    evidence_failures    INTEGER NOT NULL,
    evidence_started_at  TEXT,
    evidence_last_at     TEXT,
    accounted_until      TEXT,
    uptime_percentage    REAL,            -- of the known time of the last 24 hours; NULL when none is known
    uptime_coverage      REAL             -- percent of those 24 hours, or of the time watched, that is known
) STRICT;

-- What the user's document calls service_status.
CREATE VIEW service_status AS
SELECT s.service_name,
       coalesce(t.status, 'unknown')         AS current_status,
       t.last_healthy_at                     AS last_healthy,
       coalesce(t.consecutive_failures, 0)   AS consecutive_failures,
       t.uptime_percentage,
       t.last_checked_at                     AS last_updated
FROM services AS s
LEFT JOIN service_states AS t ON t.service_id = s.service_id
WHERE s.removed_at IS NULL;

-- How each service was, hour by hour: uptime is a sum over at most 25 rows of it. How long it was what is written by the
-- evaluator as time goes by; seconds, and what is missing to an hour was not watched at all. What its scheduled checks
-- found is counted by the keeper, from `checks`; response times in microseconds, and how they were spread as
-- history/histogram.py writes it.
CREATE TABLE service_hours (
    service_id     INTEGER NOT NULL REFERENCES services,
    hour           TEXT NOT NULL,         -- its first instant, 'YYYY-MM-DD HH:00:00.000'
    healthy_s      REAL NOT NULL DEFAULT 0,
    unhealthy_s    REAL NOT NULL DEFAULT 0,
    unknown_s      REAL NOT NULL DEFAULT 0,
    maintenance_s  REAL NOT NULL DEFAULT 0,
    checks         INTEGER NOT NULL DEFAULT 0,
    healthy_checks INTEGER NOT NULL DEFAULT 0,
    answers        INTEGER NOT NULL DEFAULT 0,   -- checks with a response time
    sum_us         INTEGER NOT NULL DEFAULT 0,
    minimum_us     INTEGER,
    maximum_us     INTEGER,
    histogram      BLOB,
    p50_us         REAL,                  -- follow from the histogram; kept, since a page asks for thousands of them
    p95_us         REAL,
    PRIMARY KEY (hour, service_id)        -- what is written together lies together
) STRICT, WITHOUT ROWID;

-- The same of whole days (of UTC), which are kept for ever: each is the sum of its hours.
CREATE TABLE service_days (
    service_id     INTEGER NOT NULL REFERENCES services,
    day            TEXT NOT NULL,         -- its first instant, 'YYYY-MM-DD 00:00:00.000'
    healthy_s      REAL NOT NULL,
    unhealthy_s    REAL NOT NULL,
    unknown_s      REAL NOT NULL,
    maintenance_s  REAL NOT NULL,
    checks         INTEGER NOT NULL,
    healthy_checks INTEGER NOT NULL,
    answers        INTEGER NOT NULL,
    sum_us         INTEGER NOT NULL,
    minimum_us     INTEGER,
    maximum_us     INTEGER,
    histogram      BLOB,
    p50_us         REAL,
    p95_us         REAL,
    PRIMARY KEY (service_id, day)
) STRICT, WITHOUT ROWID;

-- Which hours and days are to be counted anew. Who takes a check from the inbox, or books time, marks its hour in that
-- transaction; the keeper counts the whole hour again from `checks` and takes the mark away, unless its generation has
-- changed meanwhile. So a check counts once, however late it was committed and however often its hour is counted.
CREATE TABLE stale_rollups (
    span       TEXT NOT NULL CHECK (span IN ('hour', 'day')),
    start      TEXT NOT NULL,             -- as in service_hours and service_days
    generation INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (span, start)
) STRICT, WITHOUT ROWID;

-- How each service answered in the 24 hours before `counted_until`: merging a thousand histograms takes too long while
-- somebody waits.
CREATE TABLE service_percentiles (
    service_id    INTEGER PRIMARY KEY REFERENCES services,
    counted_until TEXT NOT NULL,
    p50_us        REAL NOT NULL,
    p95_us        REAL NOT NULL,
    p99_us        REAL NOT NULL
) STRICT;

-- What the checks of the last 24 hours add up to, by service and by hour: store/sums.py. The keeper makes both anew after each
-- count, and adds what came since then every minute.
CREATE TABLE service_sums (
    service_id INTEGER PRIMARY KEY REFERENCES services,
    checks     INTEGER NOT NULL,
    answers    INTEGER NOT NULL,
    sum_us     INTEGER NOT NULL,
    minimum_us INTEGER,
    maximum_us INTEGER
) STRICT;
CREATE TABLE hour_sums (
    hour           TEXT PRIMARY KEY,      -- as in service_hours
    checks         INTEGER NOT NULL,
    healthy_checks INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE incidents (
    incident_id        INTEGER PRIMARY KEY,
    service_id         INTEGER NOT NULL REFERENCES services,
    started_at         TEXT NOT NULL,     -- the first failed check
    detected_at        TEXT NOT NULL,     -- when it was confirmed
    episode_started_at TEXT NOT NULL,
    reason             TEXT NOT NULL,
    error_message      TEXT,
    healing            TEXT,              -- what the healing policy last said about it, for people
    healing_reason     TEXT,              -- the same as a word: heal/decision.py
    quarantined_at     TEXT,
    needs_person_at    TEXT,              -- when something happened that a person must hear of, though healing goes on
    resolved_at        TEXT,
    resolution         TEXT CHECK (resolution IN ('healed', 'recovered', 'removed')),
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_open_incident ON incidents (service_id) WHERE resolved_at IS NULL;
CREATE INDEX incidents_by_service ON incidents (service_id, started_at);
CREATE INDEX incidents_by_end ON incidents (resolved_at);
CREATE INDEX incidents_by_time ON incidents (started_at);

-- How far each rule is for each service; a rule whose condition does not hold has no row.
CREATE TABLE rule_states (
    service_id    INTEGER NOT NULL REFERENCES services,
    rule          TEXT NOT NULL,
    phase         TEXT NOT NULL CHECK (phase IN ('pending', 'firing', 'keeping')),
    since         TEXT NOT NULL,
    unknown_since TEXT,
    PRIMARY KEY (service_id, rule)
) STRICT, WITHOUT ROWID;

-- One outage of one service, as people are told of it: all its alerts are one conversation.
CREATE TABLE conversations (
    conversation_id    INTEGER PRIMARY KEY,
    service_id         INTEGER NOT NULL REFERENCES services,
    severity           TEXT NOT NULL CHECK (severity IN ('critical', 'warning', 'info')),
    opened_at          TEXT NOT NULL,
    started_at         TEXT NOT NULL,     -- since when what it tells of held: before its rule had waited it out
    alert_id           INTEGER NOT NULL,  -- its first alert
    alert_types        TEXT NOT NULL,     -- all so far, as a JSON list
    is_outage          INTEGER NOT NULL DEFAULT 0 CHECK (is_outage IN (0, 1)),  -- the service was unhealthy in it
    over_at            TEXT,              -- since when it is over
    root_service_id    INTEGER REFERENCES services,  -- the service that this one is ill because of
    because_of         TEXT,              -- the unmonitored container that it was told to be ill because of
    released_at        TEXT,              -- when what it was ill because of recovered
    urgent_at          TEXT,              -- when something happened that a person must hear of
    announced_at       TEXT,              -- the first message
    announced_severity TEXT CHECK (announced_severity IN ('critical', 'warning', 'info')),
    notified_at        TEXT,              -- the last message
    told_dependents    TEXT NOT NULL DEFAULT '[]',  -- the services that it named as ill because of this one, as a JSON list
    told_channels      TEXT NOT NULL DEFAULT '[]',  -- those that were told, as a JSON list
    escalated          TEXT NOT NULL DEFAULT '[]',  -- the steps that were taken, by their minutes, as a JSON list
    flapping_at        TEXT,              -- since when the service comes and goes; NULL while it does not
    told_flapping      INTEGER NOT NULL DEFAULT 0 CHECK (told_flapping IN (0, 1)),  -- people were told so, and not of its end
    acknowledged_at    TEXT,              -- a person has seen it
    acknowledged_by    TEXT,
    acknowledgement    TEXT,              -- why, in that person's words
    acknowledged_until TEXT,              -- NULL: until it is over
    closed_at          TEXT               -- all is said
) STRICT;
CREATE UNIQUE INDEX one_open_conversation ON conversations (service_id) WHERE closed_at IS NULL;
CREATE INDEX conversations_by_end ON conversations (closed_at);
CREATE INDEX conversations_acknowledged ON conversations (service_id, opened_at) WHERE acknowledged_at IS NOT NULL;

CREATE TABLE alert_log (
    alert_id     INTEGER PRIMARY KEY,
    service_id   INTEGER REFERENCES services,      -- NULL: about healthmon itself
    alert_type   TEXT NOT NULL,
    severity     TEXT NOT NULL CHECK (severity IN ('critical', 'warning', 'info')),
    message      TEXT NOT NULL,
    started_at   TEXT NOT NULL,           -- since when its condition held
    triggered_at TEXT NOT NULL,
    resolved_at  TEXT,
    removed      INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),  -- it did not end: its rule, or its service, was taken out
    explanation  TEXT,                    -- the operands that made it fire, as JSON: [["response_time", "5.2 s"], …]
    CHECK (removed = 0 OR resolved_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX one_firing_alert ON alert_log (coalesce(service_id, 0), alert_type) WHERE resolved_at IS NULL;
CREATE INDEX alerts_by_time ON alert_log (triggered_at);
CREATE INDEX alerts_by_end ON alert_log (resolved_at);

-- What the user's document calls alerts.
CREATE VIEW alerts AS
SELECT coalesce(s.service_name, 'healthmon') AS service_name, a.alert_type, a.severity, a.message, a.triggered_at, a.resolved_at,
       CASE WHEN a.resolved_at IS NULL THEN 'firing' WHEN a.removed THEN 'removed' ELSE 'resolved' END AS status
FROM alert_log AS a
LEFT JOIN services AS s ON s.service_id = a.service_id;
CREATE TRIGGER alerts_delete INSTEAD OF DELETE ON alerts
BEGIN
    DELETE FROM false_alarms WHERE alert_id IN (
        SELECT alert_id FROM alert_log
        WHERE triggered_at = OLD.triggered_at AND alert_type = OLD.alert_type
          AND coalesce((SELECT service_name FROM services WHERE service_id = alert_log.service_id), 'healthmon') = OLD.service_name);
    DELETE FROM alert_log
    WHERE triggered_at = OLD.triggered_at AND alert_type = OLD.alert_type
      AND coalesce((SELECT service_name FROM services WHERE service_id = alert_log.service_id), 'healthmon') = OLD.service_name;
END;

-- What people have not been told of yet, and waits for others: alerts of severity info, and whatever is about healthmon
-- itself, which any of its processes may enter: that it began, and that it ended.
CREATE TABLE untold_events (
    alert_id INTEGER PRIMARY KEY REFERENCES alert_log ON DELETE CASCADE,
    is_end   INTEGER NOT NULL DEFAULT 0 CHECK (is_end IN (0, 1))
) STRICT;
CREATE TRIGGER untold_beginning AFTER INSERT ON alert_log WHEN NEW.service_id IS NULL
BEGIN
    INSERT INTO untold_events (alert_id) VALUES (NEW.alert_id);
END;
CREATE TRIGGER untold_end AFTER UPDATE OF resolved_at ON alert_log
WHEN NEW.service_id IS NULL AND OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO untold_events (alert_id, is_end) VALUES (NEW.alert_id, 1);
END;

-- Which alerts were false, as people say.
CREATE TABLE false_alarms (
    alert_id  INTEGER PRIMARY KEY REFERENCES alert_log ON DELETE CASCADE,
    marked_by TEXT NOT NULL,
    marked_at TEXT NOT NULL,
    reason    TEXT NOT NULL
) STRICT;

-- What people told us, from the command line or the page. The evaluator obeys, and says what came of it.
CREATE TABLE operator_actions (
    action_id  INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('acknowledge', 'silence', 'end_silence', 'maintenance', 'end_maintenance',
                                           'hold', 'release', 'heal_now', 'false_alarm')),
    made_at    TEXT NOT NULL,
    author     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    content    TEXT NOT NULL,             -- JSON: model/operator_action.py
    applied_at TEXT,
    outcome    TEXT,
    CHECK ((applied_at IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX operator_actions_waiting ON operator_actions (action_id) WHERE applied_at IS NULL;

-- Of what nobody is to be told. `matchers` is a JSON list: ["service=doc_*", "severity!=critical"].
CREATE TABLE silences (
    silence_id INTEGER PRIMARY KEY,
    matchers   TEXT NOT NULL,
    starts_at  TEXT NOT NULL,
    ends_at    TEXT NOT NULL,
    author     TEXT NOT NULL,
    reason     TEXT NOT NULL
) STRICT;
CREATE INDEX silences_by_end ON silences (ends_at);

-- On which services people work, from the command line. `services` is a JSON list of names.
CREATE TABLE maintenances (
    maintenance_id INTEGER PRIMARY KEY,
    services       TEXT NOT NULL,
    starts_at      TEXT NOT NULL,
    ends_at        TEXT NOT NULL,
    author         TEXT NOT NULL,
    reason         TEXT NOT NULL
) STRICT;
CREATE INDEX maintenances_by_end ON maintenances (ends_at);

-- Which services are not to be restarted, because a person says so.
CREATE TABLE holds (
    hold_id    INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES services,
    starts_at  TEXT NOT NULL,
    ends_at    TEXT NOT NULL,
    author     TEXT NOT NULL,
    reason     TEXT NOT NULL
) STRICT;
CREATE INDEX holds_by_end ON holds (ends_at);

-- What people are told: a row a message, the same for every channel. `content` is JSON: model/notification.py.
CREATE TABLE notifications (
    notification_id INTEGER PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('firing', 'worsened', 'flapping', 'escalated', 'reminder', 'resolved', 'removed', 'event',
                                             'undelivered', 'test')),
    severity        TEXT NOT NULL CHECK (severity IN ('critical', 'warning', 'info')),
    created_at      TEXT NOT NULL,
    content         TEXT NOT NULL
) STRICT;
CREATE INDEX notifications_by_time ON notifications (created_at);

-- The outbox: a row for each message and single target, written in the transaction of what it tells of. Recorded as
-- sent only after it was: a repeat beats a loss. `attempts` is written before each; `unknown_attempts` of them may have
-- arrived, because their end was not seen.
CREATE TABLE deliveries (
    delivery_id     INTEGER PRIMARY KEY,
    notification_id INTEGER NOT NULL REFERENCES notifications ON DELETE CASCADE,
    channel         TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'parked', 'superseded')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    unknown_attempts INTEGER NOT NULL DEFAULT 0 CHECK (unknown_attempts <= attempts),
    next_attempt_at TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    last_error      TEXT,
    proof           TEXT,                 -- what the receiver answered
    closed_at       TEXT,
    UNIQUE (notification_id, channel),
    CHECK ((closed_at IS NULL) = (state = 'queued'))
) STRICT;
CREATE INDEX deliveries_queued ON deliveries (channel, delivery_id) WHERE closed_at IS NULL;
CREATE INDEX deliveries_by_end ON deliveries (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX deliveries_sent ON deliveries (channel, closed_at) WHERE state = 'sent';

-- How each channel fares: since when nothing gets through, why, and whether another channel has been told of it.
-- `target` is a digest of the address or URL behind the name, by which it is known again when the list is edited.
CREATE TABLE channel_states (
    channel       TEXT PRIMARY KEY,
    target        TEXT NOT NULL DEFAULT '',
    last_sent_at  TEXT,
    failing_since TEXT,
    last_error    TEXT,
    unreported_id INTEGER REFERENCES notifications ON DELETE SET NULL,  -- what it gave up, and nobody was told of yet
    unreported_why TEXT,
    reported_at   TEXT
) STRICT, WITHOUT ROWID;

-- When the certificate that a service showed last expires.
CREATE TABLE certificates (
    service_id INTEGER PRIMARY KEY REFERENCES services,
    expires_at TEXT NOT NULL
) STRICT;

-- What the command of a service measured when it last did: performance data, as plugins for Nagios write it.
-- `warning` and `critical` are ranges in their words, such as '10:20'.
CREATE TABLE performance_data (
    service_id  INTEGER NOT NULL REFERENCES services,
    label       TEXT NOT NULL,
    value       REAL NOT NULL,
    unit        TEXT NOT NULL,
    warning     TEXT NOT NULL,
    critical    TEXT NOT NULL,
    minimum     REAL,
    maximum     REAL,
    measured_at TEXT NOT NULL,
    PRIMARY KEY (service_id, label)
) STRICT, WITHOUT ROWID;

-- What each service's container (or supervised program) looked like to the healer when it last looked.
-- `problem` says why there is no target; then every fact is NULL.
CREATE TABLE targets (
    service_id        INTEGER PRIMARY KEY REFERENCES services,
    observed_at       TEXT NOT NULL,
    matched_by        TEXT,               -- 'container', 'compose_service', 'port', 'supervisor_program'
    problem           TEXT,
    kind              TEXT CHECK (kind IN ('docker', 'supervisor')),
    target_id         TEXT,
    started           TEXT,
    name              TEXT,
    state             TEXT CHECK (state IN ('created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead')),
    health            TEXT CHECK (health IN ('none', 'unknown', 'starting', 'healthy', 'unhealthy')),
    started_at        TEXT,
    image_id          TEXT,
    config_hash       TEXT,
    compose_project   TEXT,
    compose_service   TEXT,
    restart_policy    TEXT,
    restart_limit     INTEGER,
    restart_count     INTEGER,
    exit_code         INTEGER,
    oom_killed        INTEGER,
    error             TEXT,
    stop_timeout_s    INTEGER,
    published_ports   TEXT,               -- '5120,5121'
    stopped_by_person INTEGER,
    untouchable       TEXT,
    matched_since     TEXT,               -- since when it is this service's, where it was another's or nobody's before
    compose_depends_on TEXT,              -- 'redis,db': what its Compose file declares
    previous_exit_code INTEGER,           -- of the run before this one
    previous_oom_killed INTEGER,
    change            TEXT CHECK (change IN ('image', 'configuration')),  -- the last that was seen
    changed_at        TEXT,
    health_output     TEXT,               -- what its own health check wrote last, in one line
    health_grace_s    REAL,               -- how long after a start that check may take to say that it is ill
    network           TEXT CHECK (network IN ('own', 'shared', 'provider_stopped', 'provider_gone')),
    engine_away       INTEGER NOT NULL DEFAULT 0 CHECK (engine_away IN (0, 1)),  -- there is no target because nobody answers
    network_of        TEXT,               -- id of the container whose network it shares; '' for one of its own
    CHECK ((problem IS NULL) = (target_id IS NOT NULL))
) STRICT;

CREATE INDEX targets_ill_by_their_own_word ON targets (service_id) WHERE health = 'unhealthy';

-- When the target of a service was started anew, whoever did it: of the last hours, and for longer where it is known how
-- long it took to answer.
CREATE TABLE target_starts (
    service_id INTEGER NOT NULL REFERENCES services,
    started_at TEXT NOT NULL,
    image_id   TEXT NOT NULL,
    answered_after_s REAL,                -- until the first good look; NULL where none was made
    is_awaited INTEGER NOT NULL DEFAULT 1 CHECK (is_awaited IN (0, 1)),  -- the newest, until a good look at it
    PRIMARY KEY (service_id, started_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX target_starts_awaited ON target_starts (service_id) WHERE is_awaited = 1;

-- What the containers of services depend on by their Compose files, monitored or not: model/container_dependency.py.
CREATE TABLE container_dependencies (
    service_id INTEGER NOT NULL REFERENCES services,
    name       TEXT NOT NULL,             -- as Compose calls it
    container  TEXT NOT NULL,             -- '' where there is none
    watched_by INTEGER REFERENCES services,
    trouble    TEXT NOT NULL,             -- '' while it is well, else 'exited with code 137, killed'
    since      TEXT,
    PRIMARY KEY (service_id, name)
) STRICT, WITHOUT ROWID;

-- The containers that live in another one's network: they are deaf once that one has started anew.
CREATE TABLE network_sharers (
    target_id      TEXT PRIMARY KEY,
    provider_id    TEXT NOT NULL,
    started        TEXT NOT NULL,
    name           TEXT NOT NULL,
    started_at     TEXT NOT NULL,
    stop_timeout_s INTEGER NOT NULL,
    service_id     INTEGER REFERENCES services  -- that watches it; NULL where none does
) STRICT, WITHOUT ROWID;

-- What the containers of services use, while a rule asks for it: model/usage.py.
CREATE TABLE container_usage (
    service_id     INTEGER PRIMARY KEY REFERENCES services,
    observed_at    TEXT NOT NULL,
    memory_percent REAL NOT NULL,
    cpu_percent    REAL                   -- NULL until seen twice
) STRICT;

-- The ledger of restarts: written before the call, so that a crash can lose a restart but never make two.
CREATE TABLE heals (
    heal_id        INTEGER PRIMARY KEY,
    service_id     INTEGER NOT NULL REFERENCES services,
    incident_id    INTEGER REFERENCES incidents ON DELETE CASCADE,  -- NULL: a person restarts what is not ill
    attempt        INTEGER NOT NULL CHECK (attempt > 0),
    action         TEXT NOT NULL CHECK (action IN ('restart', 'start')),
    state          TEXT NOT NULL CHECK (state IN ('planned', 'issued', 'returned', 'verified', 'failed', 'dropped',
                                                  'gone', 'inconclusive', 'superseded', 'would_restart')),
    target_id      TEXT NOT NULL,
    started        TEXT NOT NULL,
    target_name    TEXT NOT NULL,
    stop_timeout_s INTEGER NOT NULL,
    planned_at     TEXT NOT NULL,
    issued_at      TEXT,
    returned_at    TEXT,
    closed_at      TEXT,
    new_target_id  TEXT,
    new_started    TEXT,
    detail         TEXT NOT NULL DEFAULT '',
    asked_by       TEXT,                  -- the person who wanted it; NULL: the policy decided
    why            TEXT NOT NULL DEFAULT '',  -- in that person's words
    forced         INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1)),
    follows        INTEGER REFERENCES heals ON DELETE CASCADE,  -- the restart of the container whose network it uses, which this one belongs to
    signature      TEXT NOT NULL DEFAULT '',  -- of the failure that it was made for: heal/signature.py
    failure        TEXT NOT NULL DEFAULT '',  -- the same, for people
    needless       INTEGER CHECK (needless IN (0, 1)),  -- it would have recovered by itself, soon; NULL: nobody knows
    CHECK ((closed_at IS NULL) = (state IN ('planned', 'issued', 'returned')))
) STRICT;
CREATE UNIQUE INDEX one_open_heal ON heals (service_id) WHERE closed_at IS NULL AND follows IS NULL;
CREATE UNIQUE INDEX one_open_heal_of_a_target ON heals (target_id) WHERE closed_at IS NULL;  -- two services may share one
CREATE INDEX heals_by_incident ON heals (incident_id);
CREATE INDEX heals_by_time ON heals (planned_at);
CREATE INDEX heals_by_failure ON heals (service_id, signature);

-- What healing has given up on, the last time of each service, and what has let it try again: model/quarantine.py.
CREATE TABLE quarantines (
    service_id        INTEGER PRIMARY KEY REFERENCES services,
    since             TEXT NOT NULL,
    last_heal_id      INTEGER NOT NULL,   -- up to it, nothing is held against the service any more once it is over
    target_id         TEXT,               -- what ran then
    started           TEXT,
    image_id          TEXT NOT NULL,
    config_hash       TEXT NOT NULL,
    awaits_dependency INTEGER NOT NULL DEFAULT 0 CHECK (awaits_dependency IN (0, 1)),  -- something that it depends on is ill
    rearmed_by        TEXT CHECK (rearmed_by IN ('image', 'configuration', 'started', 'released', 'acknowledged', 'dependency')),
    rearmed_at        TEXT,
    CHECK ((rearmed_at IS NULL) = (rearmed_by IS NULL))
) STRICT;

-- Times in which so many services were ill at once that the cause had to lie elsewhere: model/storm.py.
CREATE TABLE storms (
    storm_id   INTEGER PRIMARY KEY,
    began_at   TEXT NOT NULL,
    ill        INTEGER NOT NULL,          -- the most at once
    watched    INTEGER NOT NULL,          -- of so many
    calm_since TEXT,                      -- so few are ill now that it is over soon
    ended_at   TEXT
) STRICT;
CREATE UNIQUE INDEX one_open_storm ON storms ((ended_at IS NULL)) WHERE ended_at IS NULL;

-- What was kept of an ill service and its container, before and after a restart erased the rest of it: model/forensics.py.
CREATE TABLE forensics (
    forensics_id INTEGER PRIMARY KEY,
    service_id   INTEGER NOT NULL REFERENCES services,
    incident_id  INTEGER REFERENCES incidents ON DELETE CASCADE,  -- NULL: a person restarts what is not ill
    heal_id      INTEGER REFERENCES heals ON DELETE CASCADE,  -- of a moment before or after a restart
    moment       TEXT NOT NULL CHECK (moment IN ('detected', 'before_restart', 'after_failure')),
    taken_at     TEXT NOT NULL,
    took_s       REAL NOT NULL,
    target_id    TEXT NOT NULL,
    started      TEXT NOT NULL,
    last_lines   TEXT NOT NULL,           -- of the log, for messages: a JSON list
    parts        TEXT NOT NULL,           -- JSON: [{"name": "log", "lines": [...], "problem": ""}, ...], 256 KiB at most, without our secrets
    CHECK ((moment = 'detected') = (heal_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_forensics_of_a_moment ON forensics (coalesce(incident_id, 0), moment, coalesce(heal_id, 0));
CREATE INDEX forensics_by_heal ON forensics (heal_id);
CREATE INDEX forensics_by_time ON forensics (taken_at);
CREATE INDEX forensics_by_service ON forensics (service_id, taken_at);

-- What came of the commands that were run before and after restarts: model/hook_run.py.
CREATE TABLE hook_runs (
    hook_run_id INTEGER PRIMARY KEY,
    heal_id     INTEGER NOT NULL REFERENCES heals ON DELETE CASCADE,
    moment      TEXT NOT NULL CHECK (moment IN ('before', 'after')),
    began_at    TEXT NOT NULL,
    took_s      REAL NOT NULL,
    exit_code   INTEGER,                  -- NULL: not started, or killed
    problem     TEXT NOT NULL,
    output      TEXT NOT NULL             -- the end of it, without our secrets
) STRICT;
CREATE INDEX hook_runs_by_heal ON hook_runs (heal_id);

-- Looks that the evaluator asks the probe workers for, one row a service: every `every_s` until `until`.
CREATE TABLE probe_requests (
    service_id INTEGER PRIMARY KEY REFERENCES services,
    every_s    REAL NOT NULL,
    until      TEXT NOT NULL
) STRICT;

-- What our own processes use, once a minute each; the program `total` is all of them, with what they started. `cpu_s`
-- is since the process began; the total's `pss_bytes` is what the whole agent costs.
CREATE TABLE process_samples (
    timestamp  TEXT NOT NULL,
    program    TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    rss_bytes  INTEGER NOT NULL,
    pss_bytes  INTEGER NOT NULL,
    uss_bytes  INTEGER NOT NULL,
    cpu_s      REAL NOT NULL,
    threads    INTEGER NOT NULL,
    open_files INTEGER NOT NULL,
    PRIMARY KEY (timestamp, program)
) STRICT, WITHOUT ROWID;

-- How large the database was at the end of each day, without what it could give back.
CREATE TABLE database_sizes (
    day   TEXT PRIMARY KEY,               -- its first instant, as in service_days
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How many scheduled checks of each service ended how, and how long the answers took: store/tallies.py. For Prometheus,
-- whose counters never go back: what is deleted from `checks` stays counted here.
CREATE TABLE check_totals (
    service_id INTEGER NOT NULL REFERENCES services,
    reason     TEXT NOT NULL,             -- 'ok' is one, too
    checks     INTEGER NOT NULL,
    PRIMARY KEY (service_id, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE response_totals (
    service_id INTEGER PRIMARY KEY REFERENCES services,
    edges      TEXT NOT NULL,             -- microseconds, as a JSON list
    counts     TEXT NOT NULL,             -- one more than edges, as a JSON list
    sum_us     INTEGER NOT NULL
) STRICT;

-- The same of what happens more rarely: how often something ended how. `subject` is a service_id, or a channel.
CREATE TABLE totals (
    event   TEXT NOT NULL CHECK (event IN ('incident', 'heal', 'delivery')),
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (event, subject, outcome)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER incidents_count AFTER INSERT ON incidents
BEGIN
    INSERT INTO totals VALUES ('incident', CAST(NEW.service_id AS TEXT), 'opened', 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER heals_count AFTER UPDATE OF state ON heals WHEN OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL
BEGIN
    INSERT INTO totals VALUES ('heal', CAST(NEW.service_id AS TEXT), NEW.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER heals_count_dry AFTER INSERT ON heals WHEN NEW.closed_at IS NOT NULL
BEGIN
    INSERT INTO totals VALUES ('heal', CAST(NEW.service_id AS TEXT), NEW.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER deliveries_count AFTER UPDATE OF state ON deliveries WHEN NEW.state IN ('sent', 'parked')
BEGIN
    INSERT INTO totals VALUES ('delivery', NEW.channel, NEW.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;

-- What was applied, the last 200 times that something changed: the keys and values as they were written, without secrets.
CREATE TABLE configurations (
    number     INTEGER PRIMARY KEY,
    applied_at TEXT NOT NULL,
    author     TEXT NOT NULL,
    cause      TEXT NOT NULL CHECK (cause IN ('start', 'reload', 'discovery')),
    source     TEXT NOT NULL,             -- the file
    content    TEXT NOT NULL              -- JSON
) STRICT;

-- Small facts that processes tell each other, such as when Docker came back.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
