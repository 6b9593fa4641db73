"""The one error that a user can cause, and names of a file in a line of text."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST_CHARACTERS = 400  # of an error
LONGEST_NAME = 60


class InputError(ValueError):
    """Wrong input: one line that says what, where, what was expected and what was found.

    It has at most 400 characters, those that do not print are escaped: names of a file may hold anything. Commands and
    stages print the line and exit with code 2 (`uticket.cli.oneline`); to a caller of the library it is a ValueError.
    """

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message, MOST_CHARACTERS))


def one_line(error: BaseException, limit: int = 200) -> str:
    """Return the text of another library's error on one line of at most `limit` characters; its type if it has none.

    For an error of the operating system it is only the reason, without number and file.
    """
    text = str(error)
    if isinstance(error, OSError):
        text = error.strerror or text
    if isinstance(error, KeyError):
        text = f"nothing named {text}"
    return " ".join(text.split())[:limit] or type(error).__name__


def shortened(text: str, limit: int = LONGEST_NAME) -> str:
    """Return text on one line of at most `limit` characters: control characters escaped, the middle left out."""
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    if len(line) <= limit:
        return line
    end = (limit - 3) // 2
    return f"{line[: limit - 3 - end]}...{line[-end:]}"


def listed(names: Iterable[str], most: int = 3) -> str:
    """Return names of a file as text: the first few, shortened, and how many more there are."""
    every = list(names)
    first = ", ".join(shortened(name) for name in every[:most])
    return first if len(every) <= most else f"{first} and {len(every) - most} more"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the known name that a wrong one is near to, as the end of an error; nothing if none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {shortened(near[0])}?" if near else ""
