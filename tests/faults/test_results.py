"""Results are kept a line a row, and read as the table that docs/reliability.md shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults import harness, results

if TYPE_CHECKING:
    from pathlib import Path

DOCS = harness.TOP / "docs"


def a_row(name: str) -> harness.Row:
    return harness.Row(name=name, about="this | that", bound_s=5, run=lambda: 1.0)


def test_a_later_portion_adds_to_the_file_and_replaces_its_own_rows(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    results.keep(kept, harness.Result(row=a_row("F10"), seconds=(), problem="late"))
    results.keep(kept, harness.Result(row=a_row("F2"), seconds=(1.0,)))
    results.keep(kept, harness.Result(row=a_row("F10"), seconds=(2.0, 3.0)))
    told = results.load(kept)
    assert {name: one["seconds"] for name, one in told.items()} == {"F2": [1.0], "F10": [2.0, 3.0]}
    assert told["F10"]["problem"] == ""


def test_the_table_tells_failed_and_unmeasured_rows_from_passed_ones(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    results.keep(kept, harness.Result(row=a_row("F10"), seconds=(2.0, 3.0), figures={"kills": 7}, counts={"alerts": 3}))
    results.keep(kept, harness.Result(row=a_row("F2"), seconds=(9.0,), problem="late", counts={"alerts": 1, "lost": 1}))
    rows = {name: a_row(name) for name in ("leak", "F10", "F2")}
    table = results.table(rows, results.load(kept))
    assert [line.rpartition(" | ")[0] for line in table.splitlines()[-3:]] == [
        "| F2 | this \\| that | 5 s | **failed** | 1 | yes",
        "| F10 | this \\| that | 5 s | 3.0 s (7 kills) | 2 | yes",
        "| leak | this \\| that | 5 s | not run | 0 | yes",
    ]
    assert "3 rows: 1 passed, 1 failed, 0 skipped, 1 not run. In all of them 4 alerts and 0 messages were committed, of which 1 were lost;" in table


def test_the_documentation_shows_every_row_as_it_is() -> None:
    """When this fails: `tools/faults ROW --json docs/faults.json`, then put `--table docs/faults.json` into the page."""
    harness.enter_all()
    page = (DOCS / "reliability.md").read_text()
    shown = page.partition("<!-- table -->\n")[2].partition("<!-- /table -->")[0]
    assert shown.strip() == results.table(harness.ROWS, results.load(DOCS / "faults.json")).strip()
