"""What does `sudo tools/install` do? Puts healthmon in place under systemd, brings it up to date, or takes it away."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tools")]

from installer import install, uninstall  # noqa: E402  found by the path above
from installer.layout import SHIPPED_PREFIX, SHIPPED_USER, Layout  # noqa: E402
from installer.machine import Machine, Trouble  # noqa: E402

from healthmon import __version__  # noqa: E402
from healthmon.installation import stamp_of  # noqa: E402

EXIT_USAGE, EXIT_FAILED = 2, 3


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/install", description="Install healthmon as a service of this host, or bring it up to date.")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--uninstall", action="store_true", help="take everything away but configuration, data and user")
    parser.add_argument("--purge", action="store_true", help="with --uninstall: those, too")
    parser.add_argument("--prefix", type=Path, default=Path(SHIPPED_PREFIX), help=f"where it lies (default: {SHIPPED_PREFIX})")
    parser.add_argument("--user", default=SHIPPED_USER, help=f"the account that it runs as (default: {SHIPPED_USER})")
    docker = parser.add_mutually_exclusive_group()
    for flag, value, about in (
        ("--docker", "unit", "the whole unit may use the Docker socket: as good as root"),
        ("--split-healer", "healer", "only the healer may, in a unit of its own"),
        ("--no-docker", "no", "nobody may: containers are neither known nor restarted"),
    ):
        docker.add_argument(flag, dest="docker", action="store_const", const=value, help=about)
    parser.add_argument("--replace-earlier", action="store_true", default=None, help="stop the earlier script, and take over its configuration and database")
    parser.add_argument("--older", action="store_true", help="also over a newer version, once its database was put out of the way")
    parser.add_argument("--no-start", action="store_true", help="do not enable and start it")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    if os.geteuid() != 0 and not given.dry_run:
        print("tools/install changes the system: sudo tools/install (or --dry-run, to see what it would do)", file=sys.stderr)
        return EXIT_USAGE
    prefix = given.prefix.resolve()
    layout = Layout(checkout=CHECKOUT, prefix=prefix, user=given.user, version=__version__, stamp=stamp_of(CHECKOUT))
    machine = Machine(dry_run=given.dry_run)
    try:
        if given.uninstall:
            uninstall.uninstall(machine, layout, purge=given.purge)
        else:
            choices = install.Choices(docker=given.docker, replace_earlier=given.replace_earlier, start=not given.no_start, older=given.older)
            install.install(machine, layout, choices)
    except Trouble as trouble:
        print(f"tools/install: {trouble}", file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:
        hint = "your account may not look there: sudo tools/install --dry-run" if os.geteuid() != 0 else "see to that, and run it again to go on"
        print(f"tools/install: {error.filename or 'this machine'}: {error.strerror or error}; {hint}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("\ntools/install: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


sys.exit(main())
