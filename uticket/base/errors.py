"""The one error that a user can cause."""


class InputError(ValueError):
    """Wrong input: one line that says what, where, what was expected and what was found.

    Commands and stages print the line and exit with code 2 (`uticket.cli.oneline`); to a caller of the library it is a
    ValueError.
    """


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
