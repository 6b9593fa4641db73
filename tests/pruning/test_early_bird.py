import numpy as np

from uticket.config.pruning import Prune
from uticket.pruning.early_bird import EarlyBird
from uticket.ticket.mask import Mask

HALF = Prune(fraction=0.5, scope="global", early_time=False, early_time_threshold=0.6, early_bird=True)


def after(*orders: list[int], mask: Mask | None = None) -> EarlyBird:
    """Show a ticket of 200 weights epochs in which the weights of the numbers in `orders` are the smallest."""
    bird = EarlyBird(mask or Mask({"conv": np.ones((2, 100), dtype=bool)}), HALF)
    for smallest in orders:
        weights = np.full(200, 2.0)
        weights[smallest] = 1.0
        bird.see({"conv": weights.reshape(2, 100)})
    return bird


FIRST, SWAPPED_ONE, SWAPPED_TWO = range(100), [*range(99), 199], [*range(98), 198, 199]


def test_search_ends_when_five_masks_differ_in_less_than_two_percent():
    assert not after(*[FIRST] * 4).settled
    assert after(*[FIRST] * 5).settled
    assert after(*[FIRST] * 4, SWAPPED_ONE).settled  # 2 of 200 weights: 1 %
    assert not after(*[FIRST] * 4, SWAPPED_TWO).settled  # 4 of 200: 2 %
    assert not after(SWAPPED_TWO, *[FIRST] * 4).settled
    assert after(SWAPPED_TWO, *[FIRST] * 5).settled  # the sixth is forgotten


def test_distance_counts_the_weights_that_were_left():
    half = np.ones((2, 100), dtype=bool)
    half[1] = False
    swapped = [*range(49), 99]  # 2 of the 100 that are left
    assert not after(*[range(50)] * 4, swapped, mask=Mask({"conv": half})).settled


def test_search_resumes_with_the_masks_it_had():
    before = after(*[FIRST] * 4)
    again = after()
    again.recent = before.recent
    again.see({"conv": np.concatenate([np.full(100, 1.0), np.full(100, 2.0)]).reshape(2, 100)})
    assert again.settled
