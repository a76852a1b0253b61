"""healthmon whose keeper waits for nothing: what it does within ten minutes, it does within seconds.

Run as `python -m tests.faults.hasty`. Nothing in the product knows of this file.
"""

from __future__ import annotations

from healthmon.cli.main import main
from healthmon.history import retention
from healthmon.processes.keeper import backing_up, counting, pruning, tidying

counting.EVERY_S = pruning.EVERY_S = 0.2
retention.CATCH_UP = 10_000.0
backing_up.FIRST_S, backing_up.LOOK_EVERY_S = 0.0, 1.1  # two within one second would have one name
backing_up.REST = 0.1
tidying.LOOK_EVERY_S = tidying.SPACE_EVERY_S = 0.2

if __name__ == "__main__":
    main()
