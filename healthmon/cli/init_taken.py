"""What is one monitor of another program's as a service of ours?"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Taken:
    """`entry` is what stands in `services`; empty where nothing of ours does what it did. `notes` say what is different now."""

    name: str
    entry: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def left(self, why: str) -> Taken:
        """Say why it is not taken over."""
        self.entry.clear()
        self.notes.append(why)
        return self
