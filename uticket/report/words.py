"""Sentences that are written from numbers, and true whatever the numbers are."""

from collections.abc import Callable, Sequence
from math import sqrt

from uticket.base.files import Row

MODELS = {"analytic": "analytic model", "events": "event model"}
MOST = 4  # methods that a sentence names; of more, the extremes
Format = Callable[[float], str]


def percent(fraction: float) -> str:
    """Return a fraction in percent."""
    return f"{100 * fraction:.1f} %"


def whole(number: float) -> str:
    """Return a count."""
    return f"{number:,.0f}"


def known(value: object) -> bool:
    """Return whether a value of a table is a number."""
    return isinstance(value, int | float) and value == value  # not NaN


def less(saved_pct: float) -> str:
    """Return a saving in words, such as `29.9 % less`."""
    text = f"{abs(saved_pct):.1f} %"
    if text == "0.0 %":
        return "as much"
    return f"{text} {'less' if saved_pct > 0 else 'more'}"


def than(saved_pct: float, baseline: str) -> str:
    """Return the end of a comparison that `less` began."""
    return f"{'as' if less(saved_pct) == 'as much' else 'than'} {baseline}"


def joined(texts: Sequence[str]) -> str:
    """Return texts as a list in a sentence."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def each(rows: Sequence[Row], name: str, form: Format) -> str:
    """Return the value of each method, such as `lth 57.3 % and uticket 100.0 %`; of many methods, the extremes."""
    rows = [row for row in rows if known(row.get(name))]
    if not rows:
        return "no method has a value"
    if len(rows) <= MOST:
        return joined([f"{row['method']} {form(row[name])}" for row in rows])
    low, high = (choose(rows, key=lambda row: row[name]) for choose in (min, max))
    if form(low[name]) == form(high[name]):
        return f"{form(low[name])} for each of {len(rows)} methods"
    return f"{len(rows)} methods between {form(low[name])} ({low['method']}) and {form(high[name])} ({high['method']})"


def standard_error(accuracy: float, images: int) -> float:
    """Return the binomial standard error of an accuracy, a fraction.

    As if at least one image were right and one wrong: that of 100 % would be 0, which no test set shows.
    """
    share = min(max(accuracy, 1 / images), 1 - 1 / images) if images > 1 else 0.5
    return sqrt(share * (1 - share) / images)


def with_error(accuracy: float, images: int | None) -> str:
    """Return an accuracy in percent with its standard error, if the number of test images is known."""
    if images is None:
        return f"{100 * accuracy:.1f} %"
    return f"{100 * accuracy:.1f} ± {100 * standard_error(accuracy, images):.1f} %"


def error_of_difference(accuracy: float, other: float, images: int) -> float:
    """Return the standard error of the difference of two accuracies, a fraction.

    It is that of two independent test sets, which is too large for the same images.
    """
    return sqrt(standard_error(accuracy, images) ** 2 + standard_error(other, images) ** 2)


def compared(accuracy: float, other: float, images: int | None) -> str:
    """Say how an accuracy stands to another one on the same test images: a difference is more than two errors."""
    points = 100 * (accuracy - other)
    text = f"{abs(points):.1f} points {'higher' if points > 0 else 'lower'}" if points else "the same"
    if images is None:
        return f"{text} (error unknown, as is the size of the test set)"
    twice = (
        f"twice the standard error of the difference, {100 * error_of_difference(accuracy, other, images):.1f} points"
    )
    if abs(points) > 200 * error_of_difference(accuracy, other, images):
        return f"{text}, more than {twice}"
    return f"{text}, equal within the error ({twice})"
