"""A VGG-16 with real spikes and made-up masks, for experiments about the array: tickets of the paper's size.

The network of width 1 is trained dense on the embedded digits, resized to 32 x 32. Training a chain of tickets of this
size takes hours; masks with the sparsity and the utilization of the paper's tickets are drawn instead, so that the
spikes are those of the dense network.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from uticket.base.seeds import generator
from uticket.config.params import Params
from uticket.config.paths import DOWNLOADS, TicketFiles
from uticket.data.prepared import ImageSet, Prepared
from uticket.data.sources import prepare
from uticket.pipeline.dense import train_dense
from uticket.pipeline.simulate import read_measured
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

SIDE = 32  # of the images, as CIFAR-10's
SHAPE = 11.0  # of the gamma distribution of densities: brings the utilization at 98.2 % to the paper's 0.59
CROP = {"crop": 2, "flip": False, "cutout": 0}
SETTINGS = {
    "model": {"name": "vgg16", "width": 1.0, "timesteps": 4},
    "train": {"epochs": 3, "batch_size": 16, "learning_rate": 0.1, "device": "cpu", "augment": CROP},  # minutes
    "rewind": {"epoch": 0},
    "report": {"sample_images": 4},
}


def params_of(params: Params, seed: int) -> Params:
    """Return params with the network and its training; all else, such as the learning rate, as in params.yaml."""
    values = params.model_dump()
    changed = {block: values[block] | settings for block, settings in SETTINGS.items()}
    return Params.model_validate(values | changed | {"seed": seed})


def folder_of(root: Path, seed: int) -> Path:
    """Return where the trained network of a seed is kept in the project."""
    return root / ".uticket" / f"vgg16-{seed}"


def trained(params: Params, root: Path) -> Ticket:
    """Return the dense network with the spikes of its sample images; train it if the project does not have it yet."""
    files = TicketFiles(folder_of(root, params.seed))
    if not files.metrics.exists():  # the last file that a training writes
        train_dense(params, enlarged(prepare(params.data, root / DOWNLOADS, params.seed)), files)
    return read_measured(files, spikes=True)


def enlarged(prepared: Prepared) -> Prepared:
    """Return a data set with its grey images resized to SIDE x SIDE."""

    def resize(part: ImageSet) -> ImageSet:
        images = [Image.fromarray(image[0]).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for image in part.images]
        return ImageSet(np.stack([np.asarray(image) for image in images])[:, np.newaxis], part.labels)

    return Prepared(f"{prepared.name}-{SIDE}", prepared.classes, resize(prepared.train), resize(prepared.test))


def draw_masks(ticket: Ticket, sparsity: float, seed: int) -> Mask:
    """Draw masks of a sparsity in [0, 1) for the layers on the PEs, shaped like those of lottery tickets.

    The density of a layer is that of Erdos-Renyi-kernel (Evci et al. 2020, "Rigging the Lottery"): small layers are
    denser. That of a filter is the layer's times a gamma variable of mean 1 and shape SHAPE. The number of weights is
    exact: those kept are drawn without replacement, with probabilities in these proportions. The layers that do not
    run on the PEs stay as they are.
    """
    keys, keep = {}, 1 - sparsity
    for layer in ticket.on_pes:
        rng = generator(seed, "masks", layer.name)
        filters = rng.gamma(SHAPE, 1 / SHAPE, size=(layer.filters, 1, 1, 1))
        # the smallest of exponential variables, each divided by its weight, are a draw in proportion to the weights
        keys[layer.name] = rng.exponential(size=layer.weight_shape) / (erk(layer) * filters)
    every = np.concatenate([values.ravel() for values in keys.values()])
    kept = round(keep * every.size)
    limit = np.partition(every, kept - 1)[kept - 1]
    return ticket.mask.replace({name: values <= limit for name, values in keys.items()})


def erk(layer: Layer) -> float:
    """Return the density of a layer by Erdos-Renyi-kernel, up to a factor that all layers share."""
    sizes = (layer.filters, layer.channels, *layer.kernel)
    return sum(sizes) / float(np.prod(sizes))
