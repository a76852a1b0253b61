"""How do an explanation and the history of restarts look on a terminal? As somebody wants to read them at three in the morning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.cli.table import MARKS, STYLES, age
from healthmon.cli.terminal import a_console, a_table, plain, say, styled
from healthmon.heal import budget
from healthmon.heal.explain import GateState
from healthmon.heal.words import ahead, answer_in_words, earliest_in_words, evidence_in_words, in_words
from healthmon.model.heal import OPEN_HEALS, HealState
from healthmon.model.status import ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from rich.text import Text

    from healthmon.heal.explain import GateResult
    from healthmon.heal.settings import HealSettings
    from healthmon.model.heal import Heal
    from healthmon.model.heal_evidence import HealEvidence
    from healthmon.model.hook_run import HookRun
    from healthmon.processes.evaluator.explaining import Explained
    from healthmon.store.heal_review import HealReview

GATE_MARKS = {GateState.PASSED: ("✔", "green"), GateState.OBJECTS: ("✖", "bold red")}
COUNTS = frozenset({"restarts", "helped", "did not", "needless", "dry run", "by people"})
IF_ANY = frozenset({"did not", "needless", "dry run", "by people"})  # columns that are most often empty
OUTCOMES = {
    HealState.VERIFIED: "green",
    HealState.FAILED: "bold red",
    HealState.INCONCLUSIVE: "yellow",
    HealState.WOULD_RESTART: "cyan",
    **dict.fromkeys(OPEN_HEALS, "yellow"),
}


def show_explanation(service: str, found: Explained) -> None:
    """Print how the service is, what healing does about it, each gate, and when there can be a restart at the earliest."""
    console, situation = a_console(), found.situation
    for line in (_status(service, found), _container(found)):
        say(console, line)
    decision = found.explanation.decision
    console.print()
    say(console, styled(f"healing: {in_words(decision, dry_run=situation.settings.dry_run)}", "bold"))
    table = a_table("", "gate", "answer")
    asked = [result for result in found.explanation.gates if result.state is not GateState.NOT_ASKED]
    for result in asked:
        table.add_row(styled(*GATE_MARKS[result.state]), styled(result.question), _answer(result, situation.now))
    left = len(found.explanation.gates) - len(asked)
    if left:
        table.add_row(*plain("·"), styled(f"{left} more questions", "dim"), styled("cannot be asked", "dim"))
    console.print(table)
    say(console, styled(earliest_in_words(found.explanation, situation.state.status, situation.now), "bold"))


def show_history(found: Iterable[tuple[Heal, HealEvidence, Sequence[HookRun]]], names: Mapping[int, str], now: datetime) -> None:
    """Print restarts, newest first."""
    console, lines = a_console(), list(found)
    if not lines:
        console.print("nothing was restarted yet")
        return
    table = a_table("heal", "when", "service", "what", "outcome", "detail", "evidence", numbers={"heal", "when"}, whole={"when", "outcome"})
    for heal, evidence, hooks in lines:
        what = f"{heal.action.value} {heal.attempt}" if heal.asked_by is None else f"{heal.action.value} for {heal.asked_by}"
        table.add_row(
            *plain(str(heal.heal_id), f"{age(heal.planned_at, now)} ago", names.get(heal.service_id, "?"), what),
            styled(heal.state.value.replace("_", " "), OUTCOMES.get(heal.state, "")),
            *plain("; ".join([heal.detail, *(run.words for run in hooks if run.exit_code != 0)]), evidence_in_words(heal, evidence)),
        )
    console.print(table)


def show_review(found: Iterable[HealReview], days: int) -> None:
    """Print whether restarts helped."""
    console, lines = a_console(), list(found)
    if not lines:
        console.print(f"nothing was restarted in the last {days} days")
        return
    columns = {
        "service": [line.service_name for line in lines],
        "restarts": [str(line.made or "") for line in lines],
        "helped": ["" if line.success_percentage is None else f"{line.verified} ({line.success_percentage:.0f} %)" for line in lines],
        "did not": [str(line.failed or "") for line in lines],
        "needless": [str(line.needless or "") for line in lines],
        "dry run": [str(line.would_restart or "") for line in lines],
        "by people": [str(line.by_people or "") for line in lines],
        "against": [line.failure for line in lines],
    }
    shown = {name: cells for name, cells in columns.items() if name not in IF_ANY or any(cells)}
    table = a_table(*shown, numbers=COUNTS, whole={"service", "helped"})
    for cells in zip(*shown.values(), strict=True):
        table.add_row(*plain(*cells))
    console.print(table)
    console.print(styled("needless: it would have recovered by itself, as far as earlier outages, or a dry run, can tell", "dim"))


def show_host_budget(settings: HealSettings, spent: Sequence[datetime], now: datetime) -> None:
    """Print how many restarts of the whole host are spent, and when there is one more."""
    budgets = budget.of_host(settings)
    at, _ = budget.next_free(budgets, spent, now)
    free = "one more is free now" if at <= now else f"one more is free {ahead(at, now)}"
    say(a_console(), styled(f"spent on this host: {budget.standing(budgets, spent, now)}; {free}"))


def _status(service: str, found: Explained) -> Text:
    state, now = found.situation.state, found.situation.now
    since = "" if state.status_since is None else f" for {age(state.status_since, now)}"
    error = f": {state.last_error}" if state.status is not ServiceStatus.HEALTHY and state.last_error else ""
    incident = "" if found.situation.incident is None else f", incident {found.situation.incident.incident_id}"
    return styled(f"{MARKS[state.status]} {service} is {state.status.value}{since}{error}{incident}", STYLES[state.status])


def _container(found: Explained) -> Text:
    report = found.report
    if report is None or report.target is None:
        return styled(f"container: {'the healer has not looked yet' if report is None else report.problem or 'none'}", "yellow")
    target = report.target
    since = "" if target.started_at is None else f", started {age(target.started_at, found.situation.now)} ago"
    return styled(f"container {target.name}, found by {(report.matched_by or '?').replace('_', ' ')}: {target.state.value}{since}")


def _answer(result: GateResult, now: datetime) -> Text:
    text = answer_in_words(result, now)
    if result.state is GateState.PASSED:
        return styled(text or "yes", "dim")
    return styled(text or "no", "yellow" if result.merely_waits else "bold red")
