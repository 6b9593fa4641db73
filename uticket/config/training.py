"""Images, network and training (blocks `data`, `model`, `train`, `dense`, `rewind`, ...)."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from uticket.config.block import MOST, AtLeastOne, Bits, Block, Count, NotNegative, Pixels, Positive, Timesteps
from uticket.config.paths import CHECKPOINTS
from uticket.config.tables import DataSet, Network

Side = Annotated[Pixels, Field(ge=1)]


class Data(Block):
    """Which images the networks learn."""

    name: DataSet
    path: Annotated[str, Field(min_length=1)]  # folders: an ImageFolder tree, with or without train/ and test/
    size: Side  # folder: side to which images are resized, in pixels; events: of the frames
    channels: Literal[1, 3]  # folder: 1 is grey, 3 is RGB
    test_share: Annotated[float, Field(gt=0, lt=1)]  # folders without test/, cifar10dvs: share of images held out
    frames: Literal["binary", "counts"]  # events: whether a pixel has an event in a bin of time, or how many
    sensor: Annotated[tuple[Side, Side], Field(strict=False)]  # events_folder: height and width, in pixels


class Model(Block):
    """Which network, and the neuron of all its layers."""

    name: Network  # one of ours, or MODULE:FUNCTION
    # MODULE:FUNCTION: its file, or a folder with all that it imports
    path: Annotated[str, Field(min_length=1)] = "networks"
    width: Annotated[Positive, Field(le=16)]  # factor on the number of filters of every layer
    timesteps: Timesteps
    leak: Annotated[float, Field(ge=0, lt=1)]  # share of the membrane potential that the next timestep keeps
    spike_threshold: Positive
    surrogate_alpha: Positive  # steepness of the ATan surrogate gradient


class Augment(Block):
    """Random changes of each training image, made in batches on the device."""

    crop: Pixels  # pixels of zero padding around the image before the random crop
    flip: bool  # mirror left-right with probability 0.5
    cutout: Pixels  # side of the square that is blanked, in pixels


class Train(Block):
    """How every network is trained, the dense one and each ticket."""

    epochs: AtLeastOne
    batch_size: Annotated[int, Field(ge=2, le=MOST)]  # batch norm needs two images
    learning_rate: Positive  # at the start; cosine down to 0
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NotNegative
    loss: Literal["per_step", "mean"]
    augment: Augment
    device: Literal["auto", "cpu", "cuda"]
    sparse: Literal["auto", "off"]  # on CPUs, whether convolutions skip pruned weights, or inputs without a spike
    precision: Literal["auto", "fp32", "bf16"]  # auto: bf16 on GPUs, fp32 on CPUs
    compile: bool  # on GPUs, by torch.compile
    save_minutes: NotNegative  # between two saved states of a training; 0: every step


def _check_place(checkpoint: str) -> str:
    path = PurePosixPath(checkpoint)
    if path.parent != PurePosixPath(CHECKPOINTS) or path.suffix != ".safetensors":
        raise ValueError(f"expected {CHECKPOINTS}/NAME.safetensors, which uticket import writes, got {checkpoint!r}")
    return checkpoint


class Dense(Block):
    """Where the dense network, round 0, comes from."""

    checkpoint: Annotated[str, AfterValidator(_check_place)] | None  # null: it is trained


class Rewind(Block):
    """Where the weights of a ticket restart."""

    epoch: Count  # of the dense training; 0 is the initialization


class Quantize(Block):
    """At how many bits the accuracy of every ticket is tested, with each quantizer."""

    bits: Annotated[tuple[Bits, ...], Field(strict=False)]
