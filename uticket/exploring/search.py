"""A search for the Pareto front of a space that is too large for its grid: NSGA-II, by Optuna."""

from collections.abc import Callable, Sequence

from uticket.base.errors import InputError
from uticket.config.space import Point, Space
from uticket.exploring.point import OBJECTIVES

GENERATION = 50  # points whose costs are known before the next ones are chosen


def search(
    space: Space, tries: int, seed: int, costs_of: Callable[[Sequence[Point]], Sequence[Sequence[float]]]
) -> None:
    """Try points, a generation at a time, more and more of them near the best ones so far.

    tries: points, some of which may be tried again. costs_of: called with each generation, returns OBJECTIVES of each
    point. The same seed and costs try the same points, so that a search that was killed finds its points kept.
    Raises InputError if Optuna is not installed.
    """
    try:
        import optuna  # imported here: optional, and takes a second
    except ImportError:
        raise InputError("--search: expected Optuna to be installed, got none; pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    size = min(GENERATION, max(tries // 4, 2))
    sampler = optuna.samplers.NSGAIISampler(population_size=size, seed=seed)
    study = optuna.create_study(directions=["minimize"] * len(OBJECTIVES), sampler=sampler)
    for begin in range(0, tries, size):
        trials = [study.ask() for _ in range(min(size, tries - begin))]
        points = [
            space.point(
                {knob: values[trial.suggest_int(knob, 0, len(values) - 1)] for knob, values in space.knobs.items()}
            )
            for trial in trials
        ]
        for trial, costs in zip(trials, costs_of(points), strict=True):
            study.tell(trial, list(costs))
