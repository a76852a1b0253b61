"""Which commands and configurations does docs/HEALTH_MONITORING.md show, and what has to be there to run each?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[1]
PATH = TOP / "docs" / "HEALTH_MONITORING.md"
_FENCED = re.compile(r"^```(\w+)(?: ([\w-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_HOST = re.compile(r"\b(sudo|systemctl|journalctl|docker|git pull|chown|useradd)\b")
_CHANNELS = {"email_notifications", "slack_notifications", "webhook_notifications"}
_REPORTED = "total_services"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block, with the heading that it stands under."""

    section: str
    language: str
    tag: str
    text: str
    line: int

    @property
    def name(self) -> str:
        return f"{self.section}, line {self.line}"

    @property
    def is_command(self) -> bool:
        return self.language == "bash"

    @property
    def is_configuration(self) -> bool:
        return self.language == "json" and _REPORTED not in self.text

    @property
    def needs_a_host(self) -> bool:
        """Whether it changes or asks the system, and not only what lies in the working directory."""
        return bool(self.tag) or _HOST.search(self.text) is not None


def blocks() -> list[Block]:
    """Return every fenced block, in order."""
    text = PATH.read_text(encoding="utf-8")
    headings = [(found.start(), found[1]) for found in _HEADING.finditer(_without_fences(text))]
    return [
        Block(
            section=[title for at, title in headings if at < found.start()][-1],
            language=found[1],
            tag=found[2] or "",
            text=found[3],
            line=text.count("\n", 0, found.start()) + 1,
        )
        for found in _FENCED.finditer(text)
    ]


def _without_fences(text: str) -> str:
    """Blank what stands in fences, so that a comment of a shell is no heading; places stay as they are."""
    return _FENCED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def configuration(block: Block) -> str:
    """Return a whole configuration that holds what a block shows a part of."""
    text = block.text.strip()
    inner = text.removeprefix("{").removesuffix("}").strip().rstrip(",")
    if any(f'"{channel}"' in text for channel in _CHANNELS) and '"alerting"' not in text:
        inner = f'"alerting": {{ {inner} }}'
    if '"services"' not in text:
        inner += ',\n  "services": [{ "name": "s", "url": "http://localhost:1/" }]'
    return f"{{ {inner} }}\n"


def script(block: Block, *, follow_s: int = 3) -> str:
    """Return what a person types, with what would never end by itself ended after a moment, as by Ctrl-C."""
    lines = [_ended(line, follow_s) if re.search(r"( -f( \w+)?|_custom\.json)$", line) and _goes_on(line) else line for line in block.text.splitlines()]
    return "\n".join(["set -e", *lines]) + "\n"


def _goes_on(line: str) -> bool:
    return "journalctl" in line or "tail -f" in line or line.startswith("healthmon --config")


def _ended(line: str, follow_s: int) -> str:
    return f"timeout -s INT {follow_s} {line} || [ $? = 124 ] || [ $? = 130 ]"


def example() -> dict[str, Any]:
    """Return the output that the document shows of `--dashboard`."""
    [shown] = [block for block in blocks() if _REPORTED in block.text and block.language == "json"]
    found: dict[str, Any] = json.loads(shown.text)
    return found
