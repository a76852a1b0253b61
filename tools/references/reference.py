"""Writes docs/reference from the code, or says what of it is out of date."""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import api_page  # noqa: E402  beside this file
import commands_page  # noqa: E402
import configuration_page  # noqa: E402

INTO = ROOT / "docs" / "reference"
PAGES = {"configuration.md": configuration_page.written, "commands.md": commands_page.written, "api.md": api_page.written}
NOTE = "<!-- Written by tools/reference from the code: change it there. -->\n\n"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a page is not as the code has it.")
def main(*, check: bool) -> None:
    """Write docs/reference from the code."""
    pages = {INTO / name: NOTE + written() for name, written in PAGES.items()}
    stale = [path.relative_to(ROOT) for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        raise click.ClickException(f"not as the code has it: {', '.join(map(str, stale))}; run tools/reference and commit what it writes")
    for path, text in pages.items() if not check else ():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
