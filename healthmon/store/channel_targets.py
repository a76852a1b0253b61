"""Who is behind the name of each channel? Keeps what is a target's own with it when its name is another by now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon.notify.moves import corrected, moves
from healthmon.store.row import integer, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.store.connection import Connection

ON_ITS_WAY = "\x00"  # no name begins so: two that change places must not meet


def sync(connection: Connection, now: Mapping[str, str]) -> dict[str, str]:
    """Make the tables speak of the channels as they are called now; `now` is from name to a digest of the target.

    Return what is called otherwise from now on. What belonged to a target that is gone, and whose name is another's now,
    is kept under a name that no channel has.
    """
    before = {text(row[0]): text(row[1]) for row in connection.rows("SELECT channel, target FROM channel_states WHERE target <> ''")}
    if before == dict(now):
        return {}
    renamed = {old: new or f"{old} (was {before[old][:8]})" for old, new in moves(before, now).items()}
    with connection.transaction(durable=True):
        for table in ("deliveries", "channel_states"):
            _rename(connection, table, renamed)
        _rename_those_told(connection, renamed)
        connection.change_many(
            "UPDATE channel_states SET last_sent_at = NULL, failing_since = NULL, last_error = NULL, reported_at = NULL WHERE channel = ?",
            [(name,) for name in corrected(before, now)],
        )
        connection.change("UPDATE channel_states SET target = ''")
        connection.change_many(
            "INSERT INTO channel_states (channel, target) VALUES (?, ?) ON CONFLICT (channel) DO UPDATE SET target = excluded.target",
            list(now.items()),
        )
    return renamed


def _rename(connection: Connection, table: str, renamed: Mapping[str, str]) -> None:
    sql = f"UPDATE {table} SET channel = ? WHERE channel = ?"  # noqa: S608  names of ours
    connection.change_many(sql, [(ON_ITS_WAY + new, old) for old, new in renamed.items()])
    connection.change_many(sql, [(new, ON_ITS_WAY + new) for new in renamed.values()])


def _rename_those_told(connection: Connection, renamed: Mapping[str, str]) -> None:
    for number, told in connection.rows("SELECT conversation_id, told_channels FROM conversations WHERE closed_at IS NULL"):
        names = [renamed.get(name, name) for name in json.loads(text(told))]
        connection.change("UPDATE conversations SET told_channels = ? WHERE conversation_id = ?", json.dumps(names, ensure_ascii=False), integer(number))
