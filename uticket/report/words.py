"""Sentences that are written from numbers, and true whatever the numbers are."""

from collections.abc import Callable, Sequence
from math import sqrt

from uticket.base.files import Row
from uticket.base.spread import Mean, over_seeds, plus_minus, sd_of

MODELS = {"analytic": "analytic model", "events": "event model"}
MOST = 4  # methods that a sentence names; of more, the extremes
Format = Callable[[float], str]


def percent(fraction: float) -> str:
    """Return a fraction in percent."""
    return f"{plus_minus(lambda share: f'{100 * share:.1f}', fraction)} %"


def whole(number: float) -> str:
    """Return a count."""
    return plus_minus(lambda count: f"{count:,.0f}", number)


def known(value: object) -> bool:
    """Return whether a value of a table is a number."""
    return isinstance(value, int | float) and value == value  # not NaN


def less(saved_pct: float, cost: str = "") -> str:
    """Return a saving in words, such as `29.9 % less energy`, and whether the spread over seeds swallows it."""
    return f"{amount(saved_pct)} {cost}".rstrip() + swallowed(saved_pct)


def amount(saved_pct: float) -> str:
    """Return a saving in words, such as `29.9 % less` or `29.9 ± 1.2 % less`."""
    text = plus_minus(lambda percent: f"{abs(percent):.1f}", saved_pct)
    if text in ("0.0", "0.0 ± 0.0"):
        return "as much"
    return f"{text} % {'less' if saved_pct > 0 else 'more'}"


def swallowed(difference: float) -> str:
    """Return what is added to a difference that the spread over seeds swallows; nothing without a spread, or at 0."""
    if not isinstance(difference, Mean) or not difference.sd > 0 or not difference.is_swallowed:
        return ""
    return " (swallowed by the spread)"


def than(saved_pct: float, baseline: str) -> str:
    """Return the end of a comparison that `less` began."""
    return f"{'as' if amount(saved_pct) == 'as much' else 'than'} {baseline}"


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
    """Return an accuracy in percent: with its spread over seeds, or its standard error if the test set is known.

    In a run of several seeds an accuracy of one seed has neither: one ± in a table would be another error.
    """
    if images is None or isinstance(accuracy, Mean):
        return percent(accuracy)
    return f"{100 * accuracy:.1f} ± {100 * standard_error(accuracy, images):.1f} %"


def error_of_difference(accuracy: float, other: float, images: int) -> float:
    """Return the standard error of the difference of two accuracies, a fraction.

    It is that of two independent test sets, which is too large for the same images.
    """
    return sqrt(standard_error(accuracy, images) ** 2 + standard_error(other, images) ** 2)


def difference_in_points(own: float, other: float) -> float:
    """Return the difference of two fractions in points of percent, seed by seed if both have common seeds."""
    by_seed = over_seeds(lambda one, two: 100 * (one - two), own, other)
    return 100 * (own - other) if by_seed is None else by_seed


def compared(accuracy: float, other: float, images: int | None) -> str:
    """Say how an accuracy stands to another one: a difference is more than two errors, or more than the spread.

    images: of the test set, the same for both; None if it is unknown.
    """
    points = difference_in_points(accuracy, other)
    if isinstance(points, Mean) and sd_of(points) is not None:
        return _compared_by_seed(points)
    text = f"{abs(points):.1f} points {'higher' if points > 0 else 'lower'}" if points else "the same"
    if images is None:
        return f"{text} (error unknown, as is the size of the test set)"
    twice = (
        f"twice the standard error of the difference, {100 * error_of_difference(accuracy, other, images):.1f} points"
    )
    if abs(points) > 200 * error_of_difference(accuracy, other, images):
        return f"{text}, more than {twice}"
    return f"{text}, equal within the error ({twice})"


def one_seed(seed: int) -> str:
    """Say that one seed has no spread, and how to get one."""
    return f"One seed ({seed}): no spread is known; `uticket seeds {seed} {seed + 1} {seed + 2}` measures it."


def signed(difference: float) -> str:
    """Return a difference with its sign, and its spread over seeds: `+1.2 ± 0.4`."""
    sd = sd_of(difference)
    return f"{difference:+.1f}".replace("-", "\u2212") + ("" if sd is None else f" ± {sd:.1f}")


def interval(difference: Mean) -> str:
    """Return the 95 % confidence interval of a difference, such as `+0.3 to +2.1`."""
    return " to ".join(signed(end) for end in difference.interval)


def verdict(difference: Mean) -> str:
    """Say whether the spread over seeds swallows a difference, whose interval then contains 0."""
    if not any(difference.samples.values()):
        return "none in any seed"
    return "swallowed" if difference.is_swallowed else "less than the difference"


def judged(difference: Mean, unit: str) -> str:
    """Say how a difference stands to the spread: `swallowed by the spread over 3 seeds (95 % interval ...)`."""
    count = len(difference.samples)
    stands = "swallowed by" if difference.is_swallowed else "more than"
    wide = ", wide since they are two" if count == 2 else ""
    return f"{stands} the spread over {count} seeds (95 % interval {interval(difference)} {unit}{wide})"


def _compared_by_seed(difference: Mean) -> str:
    """Say how two accuracies differ, seed by seed. difference: in points."""
    if not any(difference.samples.values()):
        return "the same in every seed"
    text = plus_minus(lambda points: f"{abs(points):.1f}", difference)
    return f"{text} points {'higher' if difference > 0 else 'lower'}, {judged(difference, 'points')}"
