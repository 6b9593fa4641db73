"""Markdown that GitHub and MkDocs show alike."""

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; cells are Markdown, in which a | is text."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def plain(text: str) -> str:
    """Return text that has signs of Markdown as it is shown: `CLASS/*.png` with its star."""
    return text.replace("*", "\\*").replace("<", "&lt;")


def code(text: str) -> str:
    """Return text as code."""
    return f"`{text}`"


def made_by(command: str, what: str) -> str:
    """Return the line that says how a page is made."""
    return f"<!-- written by `{command}` from {what}; changes made here are lost -->"
