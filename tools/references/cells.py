"""How is text kept from being taken for a table's own signs?"""

from __future__ import annotations


def cell(text: str) -> str:
    """Write prose into one cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def code(text: str) -> str:
    """Write what is typed as it is into one cell."""
    return f"`{text.replace('|', chr(92) + '|')}`"
