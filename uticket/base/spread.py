"""A number that was measured with several seeds: its mean, which knows the value of each seed.

It is a float, so that tables, sentences and figures of one seed take it as it is; those that print or draw it show one
standard deviation too.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from math import inf, isfinite, nan, sqrt
from statistics import fmean, stdev

CONFIDENCE = 0.95


class Mean(float):
    """The mean over seeds.

    samples: seed -> its value, sorted by seed, so that their order changes no bit of the mean.
    """

    samples: Mapping[int, float]

    def __new__(cls, samples: Mapping[int, float]) -> "Mean":
        """samples: at least one."""
        values = [samples[seed] for seed in sorted(samples)]
        mean = super().__new__(cls, values[0] if len(set(values)) == 1 else fmean(values))
        mean.samples = dict(zip(sorted(samples), values, strict=True))
        return mean

    @cached_property
    def sd(self) -> float:
        """Standard deviation of the values (n - 1 in the denominator); NaN of one value or infinite ones."""
        values = list(self.samples.values())
        if len(values) == 1 or not all(map(isfinite, values)):
            return nan
        return stdev(values)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the 95 % confidence interval of the mean, by Student's t; infinite of one value."""
        count = len(self.samples)
        if not self.sd >= 0:
            return -inf, inf
        half = students_t(count - 1) * self.sd / sqrt(count)
        return self - half, self + half

    @property
    def is_swallowed(self) -> bool:
        """Return whether the spread over seeds swallows it, a difference: the interval contains 0."""
        low, high = self.interval
        return low <= 0 <= high


def students_t(freedom: int) -> float:
    """Return how many standard errors of a mean the 95 % interval reaches to each side. freedom: values - 1."""
    from scipy.special import stdtrit  # takes longer to load than all the rest of a report of one seed

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def sd_of(value: object) -> float | None:
    """Return the standard deviation over seeds; None of a number without seeds, or of one seed."""
    return value.sd if isinstance(value, Mean) and value.sd >= 0 else None


def plus_minus(text: Callable[[float], str], value: float) -> str:
    """Return a number as `text` has it, and the standard deviation over seeds if it has one: `57.3 ± 1.2`."""
    sd = sd_of(value)
    return text(value) if sd is None else f"{text(value)} ± {text(sd)}"


def over_seeds(function: Callable[..., float | None], *values: float) -> float | None:
    """Return `function(*values)`; of means, seed by seed: the mean over the seeds that all of them have.

    A seed in which the function has no value (None) is left out; None if no seed is left.
    """
    means = [value for value in values if isinstance(value, Mean)]
    if not means:
        return function(*values)
    samples = {}
    for seed in means[0].samples:
        if all(seed in mean.samples for mean in means):
            of_seed = (value.samples[seed] if isinstance(value, Mean) else value for value in values)
            found = function(*of_seed)
            if found is not None:
                samples[seed] = found
    return Mean(samples) if samples else None
