"""Images, or frames of events, on the device: held as uint8, cut into batches, augmented and normalized there."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from uticket.config.training import Augment
from uticket.data.prepared import ImageSet, Prepared
from uticket.ticket.layer import Reads


@dataclass(frozen=True)
class Images:
    """Images, or frames with bins before channels, and labels on a device."""

    images: Tensor  # (images, channels, height, width) or (images, bins, channels, height, width), uint8
    labels: Tensor  # (images,), int64
    mean: Tensor  # (channels, 1, 1), over the training set, in [0, 255]
    deviation: Tensor  # (channels, 1, 1)
    reads: Reads = "image"  # what they are to a network: an image, or frames of spikes or of their counts

    def __len__(self) -> int:
        return len(self.labels)

    def normalized(self, images: Tensor) -> Tensor:
        """Return uint8 images as floats of mean 0 and deviation 1."""
        return (images.float() - self.mean) / self.deviation

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (normalized images, labels) of all images, in order; the last batch may be short."""
        for images, labels in zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True):
            yield self.normalized(images), labels

    def order(self, batch_size: int, rng: torch.Generator) -> Tensor:
        """Return the numbers of the images of one epoch, in an order drawn from `rng`.

        The images that do not fill the last batch are left out, different ones in each epoch, so that batch norm always
        sees whole batches.
        """
        order = torch.randperm(len(self), generator=rng, device=rng.device).to(self.images.device)
        return order[: self.num_batches(batch_size) * batch_size]

    def augmented(self, images: Tensor, augment: Augment, rng: torch.Generator) -> Tensor:
        """Return uint8 images normalized, each cropped, flipped and cut out at random; a cut-out is 0, the mean.

        All frames of a recording are changed alike.
        """
        shape = images.shape
        images = images.flatten(1, -3)  # bins as channels
        if augment.crop:
            images = _cropped(images, augment.crop, rng)
        if augment.flip:
            flip = _draw(2, len(images), images.device, rng).bool().view(-1, 1, 1, 1)
            images = torch.where(flip, images.flip(3), images)
        normalized = self.normalized(images.view(shape))
        if augment.cutout:
            holes = _holes(images, augment.cutout, rng)
            normalized = normalized.masked_fill(holes.view(-1, *[1] * (len(shape) - 3), *shape[-2:]), 0)
        return normalized

    def num_batches(self, batch_size: int) -> int:
        """Batches of an epoch; a set smaller than a batch is one batch."""
        return max(1, len(self) // batch_size)


def on_device(prepared: Prepared, device: torch.device) -> tuple[Images, Images]:
    """Return training and test images on `device`."""
    reads: Reads = "image"
    if prepared.has_frames:
        most = max(int(part.images.max()) for part in (prepared.train, prepared.test))
        reads = "counts" if most > 1 else "spikes"
    mean, deviation = (torch.tensor(values, device=device).view(-1, 1, 1) for values in prepared.statistics())

    def move(part: ImageSet) -> Images:
        images, labels = torch.from_numpy(part.images).to(device), torch.from_numpy(part.labels).to(device)
        return Images(images, labels, mean, deviation, reads)

    return move(prepared.train), move(prepared.test)


def _draw(high: int, count: int, device: torch.device, rng: torch.Generator) -> Tensor:
    """Draw `count` whole numbers in [0, high). A copy to a GPU is only queued: waiting for it would empty the queue."""
    return torch.randint(high, (count,), generator=rng, device=rng.device).to(device, non_blocking=True)


def _cropped(images: Tensor, padding: int, rng: torch.Generator) -> Tensor:
    """Shift each image by -padding .. padding pixels both ways; zeros move in from the border."""
    count, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    top, left = (_draw(2 * padding + 1, count, images.device, rng) for _ in range(2))
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    image = torch.arange(count, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _holes(images: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """Mark a square of `side` pixels around a random pixel of each image; it may reach over the border."""
    count, _, height, width = images.shape

    def near(size: int) -> Tensor:
        offset = torch.arange(size, device=images.device) - _draw(size, count, images.device, rng)[:, None] + side // 2
        return (offset >= 0) & (offset < side)

    return (near(height)[:, :, None] & near(width)[:, None, :])[:, None]
