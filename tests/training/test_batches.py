from collections.abc import Iterator

import numpy as np
import pytest
import torch

from uticket.config.training import Augment
from uticket.data.prepared import ImageSet, Prepared
from uticket.training.batches import Images, on_device

PLAIN = Augment(crop=0, flip=False, cutout=0)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(count: int, size: int = 4, channels: int = 2) -> Images:
    """Images whose pixels are all different from 0, unnormalized, labelled by their place."""
    pixels = torch.arange(count * channels * size * size).remainder(200).add(1).to(torch.uint8)
    images = pixels.view(count, channels, size, size)
    return Images(images, torch.arange(count), torch.zeros(channels, 1, 1), torch.ones(channels, 1, 1))


def shuffled(images: Images, batch_size: int, draws: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of one epoch."""
    for chosen in images.order(batch_size, draws).split(batch_size):
        yield images.augmented(images.images[chosen], PLAIN, draws), images.labels[chosen]


def test_training_images_have_mean_0_and_deviation_1():
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (30, 3, 5, 5), dtype=np.uint8)
    images[:, 1] //= 4
    images[:, 2] = 9  # a channel without contrast stays finite
    part = ImageSet(images, np.arange(30) % 2)
    train, _ = on_device(Prepared("made-up", ("a", "b"), part, part), torch.device("cpu"))
    (batch, _), *rest = train.in_order(30)
    assert not rest
    torch.testing.assert_close(batch.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(batch.std((0, 2, 3), correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-5, rtol=0)


def test_epoch_shows_each_image_at_most_once_in_an_order_of_the_seed():
    images = numbered(10)
    labels = [torch.cat([seen for _, seen in shuffled(images, 4, rng(seed))]).tolist() for seed in (0, 0, 1)]
    assert labels[0] == labels[1] != labels[2]
    assert len(labels[0]) == len(set(labels[0])) == 8
    for batch, seen in shuffled(images, 4, rng()):
        assert torch.equal(batch, images.images[seen].float())


def test_set_smaller_than_a_batch_is_one_batch():
    assert [len(seen) for _, seen in shuffled(numbered(3), 8, rng())] == [3]


def test_all_images_are_tested_in_order():
    labels = [seen.tolist() for _, seen in numbered(5).in_order(2)]
    assert labels == [[0, 1], [2, 3], [4]]


def test_crop_shifts_each_image_by_its_own_offset_and_zeros_move_in():
    images = numbered(200, size=5)
    shifted = images.augmented(images.images, Augment(crop=2, flip=False, cutout=0), rng())
    offsets = set()
    for image, moved in zip(images.images.float(), shifted, strict=True):
        padded = torch.nn.functional.pad(image, (2, 2, 2, 2))
        found = [(y, x) for y in range(5) for x in range(5) if torch.equal(padded[:, y : y + 5, x : x + 5], moved)]
        assert len(found) == 1
        offsets.update(found)
    assert len(offsets) == 25


def test_flip_mirrors_about_half_of_the_images():
    images = numbered(200)
    flipped = images.augmented(images.images, Augment(crop=0, flip=True, cutout=0), rng())
    mirrored = (flipped == images.images.float().flip(3)).flatten(1).all(1)
    unchanged = (flipped == images.images.float()).flatten(1).all(1)
    assert (mirrored ^ unchanged).all()
    assert 70 < mirrored.sum() < 130


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_cutout_blanks_one_square_of_all_channels(side):
    images = numbered(100, size=6)
    cut = images.augmented(images.images, Augment(crop=0, flip=False, cutout=side), rng()) == 0
    assert torch.equal(cut[:, 0], cut[:, 1])
    sizes = set()
    for hole in cut[:, 0]:
        height, width = int(hole.any(1).sum()), int(hole.any(0).sum())
        assert 1 <= height <= side
        assert 1 <= width <= side
        assert hole.sum() == height * width
        sizes.add((height, width))
    assert (side, side) in sizes  # away from the border it is whole


def test_all_frames_of_a_recording_are_changed_alike():
    images, augment = numbered(20, size=6), Augment(crop=2, flip=True, cutout=3)
    repeated = images.images.unsqueeze(1).repeat(1, 3, 1, 1, 1)
    frames = images.augmented(repeated, augment, rng())
    assert frames.shape == (20, 3, 2, 6, 6)
    for timestep in range(3):
        assert torch.equal(frames[:, timestep], images.augmented(images.images, augment, rng()))
    apart = images.augmented(torch.cat([repeated[:, :1], 255 - repeated[:, 1:]], 1), PLAIN, rng())
    assert torch.equal(apart[:, 2], 255 - images.images.float())


@pytest.mark.parametrize(("most", "reads"), [(1, "spikes"), (2, "counts")])
def test_frames_are_not_normalized(most, reads):
    frames = np.random.default_rng(0).integers(0, most + 1, (30, 4, 2, 5, 5), dtype=np.uint8)
    part = ImageSet(frames, np.arange(30) % 2)
    train, test = on_device(Prepared("made-up", ("a", "b"), part, part), torch.device("cpu"))
    (batch, _), *_ = train.in_order(30)
    assert np.array_equal(batch.numpy(), frames)
    assert train.reads == test.reads == reads
