"""What becomes of a database when another version comes? It is looked at, copied, and then migrated by the agent's start."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from installer import environment
from installer.machine import Machine, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from installer.layout import Layout

    from healthmon.installation import Installation

KEPT = 2  # copies of before an upgrade
# Both run with this version's own SQLite, which is safe beside a running agent as the system's is not, and as the agent's
# account: files that root makes beside a database would keep the agent out.
LOOK = """
import sys
from pathlib import Path
from healthmon.store.inspection import inspect
inspect(Path(sys.argv[1]), limit_s=10)
"""
COPY = """
import os, sys
import apsw
os.umask(0o077)
source, target = sys.argv[1:]
os.makedirs(os.path.dirname(target), exist_ok=True)
original, copy = apsw.Connection(source, flags=apsw.SQLITE_OPEN_READONLY), apsw.Connection(target)
with copy.backup("main", original, "main") as backup:
    backup.step()
[(found,)] = copy.execute("PRAGMA integrity_check(1)")
sys.exit(0 if found == "ok" else found)
"""


def take_over(machine: Machine, layout: Layout, earlier: Path) -> None:
    """Enter the history of the earlier script, whose database stays where it is."""
    copy = layout.data / "earlier_script.db"
    machine.copy(earlier, copy)
    machine.say(f"take over the history in {earlier}")
    if machine.dry_run:
        return
    shutil.chown(copy, layout.user, layout.user)
    done = environment.run(layout, "-m", "healthmon", "--config", str(layout.config), "db", "import", str(copy), user=layout.user)
    if done.returncode == 0:
        machine.say(done.stdout.strip())
        copy.unlink()
    else:  # no reason to leave a host without a monitor
        machine.say(f"it was not taken over: {done.stderr.strip()[-500:]}\nTry again with `sudo healthmon db import {copy}`")


def look_after(machine: Machine, layout: Layout, before: Installation | None) -> None:
    """Refuse a database that this version does not understand, and copy it before another version touches it."""
    if machine.dry_run or not layout.database.exists():
        return
    done = environment.run(layout, "-c", LOOK, str(layout.database), user=layout.user)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:]
        raise Trouble(f"healthmon {layout.version} cannot use the database; nothing was touched: {''.join(said)}")
    if before is None or before.stamp == layout.stamp:
        return
    copy = layout.data / "backups" / f"before-{layout.version}-{time.strftime('%Y%m%dT%H%M%S')}.db"
    machine.say(f"copy the database to {copy}, in case the new version disappoints")
    done = environment.run(layout, "-c", COPY, str(layout.database), str(copy), user=layout.user)
    if done.returncode != 0:
        raise Trouble(f"the database could not be copied, so nothing was touched: {done.stderr.strip()[-500:]}")
    made = sorted(copy.parent.glob("before-[0-9]*.db"), key=lambda path: path.stat().st_mtime)
    for old in made[:-KEPT]:
        machine.remove(old)
