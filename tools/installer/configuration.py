"""Which configuration does an installation get? The one that is there, or was applied last, else the earlier script's, else the shipped one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from installer import environment
from installer.layout import CONFIG_NAME, Layout
from installer.machine import Machine, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from installer.earlier import Earlier

LAST = """
import sys
from pathlib import Path
from healthmon import applied
from healthmon.paths import Paths
data, source = map(Path, sys.argv[1:])
found = applied.read(Paths(data_dir=data, database=data / "unknown"))
sys.stdout.write(found.text if found is not None and found.source == source else "")
"""
_FIRST_BRACE = re.compile(r"\A((?:\s|//[^\n]*\n|/\*.*?\*/)*\{)", re.DOTALL)
_DATA_DIR = re.compile(r'"data_dir"\s*:')


def put(machine: Machine, layout: Layout, earlier: Earlier | None) -> None:
    """Put it into /etc/healthmon where there is none, and have this version check it before it is used."""
    if not layout.config.exists():
        machine.file(layout.config, _text(machine, layout, earlier), mode=0o640, group=layout.user)
    if machine.dry_run:
        return
    done = environment.run(layout, "-m", "healthmon", "validate", str(layout.config))
    if done.returncode != 0:
        raise Trouble(f"healthmon {layout.version} cannot use {layout.config}; what runs was not touched:\n{done.stderr.strip()}")


def _text(machine: Machine, layout: Layout, earlier: Earlier | None) -> str:
    last = _applied(machine, layout)
    if last:
        machine.say(f"{layout.config} is gone: the configuration is what was applied of it last")
        return last
    source = layout.checkout / "config" / CONFIG_NAME
    if earlier is not None and earlier.config is not None:
        source = earlier.config
    machine.say(f"the configuration is {source}'s, with data_dir {layout.data}")
    return with_data_dir(source.read_text(encoding="utf-8"), layout.data, source)


def _applied(machine: Machine, layout: Layout) -> str:
    """Return what the file said when it was applied last; nothing where it never was. Who lost it wants no other one."""
    if machine.dry_run or not (layout.data / ".healthmon").is_dir():
        return ""
    done = environment.run(layout, "-c", LAST, str(layout.data), str(layout.config), user=layout.user)
    if done.returncode != 0:
        raise Trouble(f"{layout.config} is gone, and what was applied of it cannot be read; nothing was touched: {done.stderr.strip()[-300:]}")
    return done.stdout


def with_data_dir(text: str, data: Path, source: Path) -> str:
    """Say in a configuration where everything is written."""
    if _DATA_DIR.search(text):
        return text
    if _FIRST_BRACE.match(text) is None:
        raise Trouble(f"{source} does not begin as JSON does: write data_dir {data} into it yourself, and copy it to /etc/healthmon")
    return _FIRST_BRACE.sub(lambda found: f'{found[1]}\n  "data_dir": "{data}",', text, count=1)
