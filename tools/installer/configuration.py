"""Which configuration does an installation get? The one that is there, else the earlier script's, else the shipped one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from installer import environment
from installer.layout import CONFIG_NAME, Layout
from installer.machine import Machine, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from installer.earlier import Earlier

_FIRST_BRACE = re.compile(r"\A((?:\s|//[^\n]*\n|/\*.*?\*/)*\{)", re.DOTALL)
_DATA_DIR = re.compile(r'"data_dir"\s*:')


def put(machine: Machine, layout: Layout, earlier: Earlier | None) -> None:
    """Put it into /etc/healthmon where there is none, and have this version check it before it is used."""
    if not layout.config.exists():
        source = layout.checkout / "config" / CONFIG_NAME
        if earlier is not None and earlier.config is not None:
            source = earlier.config
        machine.say(f"the configuration is {source}'s, with data_dir {layout.data}")
        machine.file(layout.config, with_data_dir(source.read_text(encoding="utf-8"), layout.data, source), mode=0o640, group=layout.user)
    if machine.dry_run:
        return
    done = environment.run(layout, "-m", "healthmon", "validate", str(layout.config))
    if done.returncode != 0:
        raise Trouble(f"healthmon {layout.version} cannot use {layout.config}; what runs was not touched:\n{done.stderr.strip()}")


def with_data_dir(text: str, data: Path, source: Path) -> str:
    """Say in a configuration where everything is written."""
    if _DATA_DIR.search(text):
        return text
    if _FIRST_BRACE.match(text) is None:
        raise Trouble(f"{source} does not begin as JSON does: write data_dir {data} into it yourself, and copy it to /etc/healthmon")
    return _FIRST_BRACE.sub(lambda found: f'{found[1]}\n  "data_dir": "{data}",', text, count=1)
