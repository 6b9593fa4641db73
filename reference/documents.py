"""The JSON files that a run writes: what their keys hold, in which unit."""

from collections.abc import Mapping
from dataclasses import dataclass

from uticket.config.columns import COLUMNS, FRACTION, Column
from uticket.report.savings import METRICS

NAME = Column("METHOD/NAME", "")


@dataclass(frozen=True)
class Document:
    """A JSON file; a key within another one has a dot, and `[]` within each entry of a list."""

    meaning: str
    keys: Mapping[str, Column]


DOCUMENTS = {
    "report/metrics.json": Document(
        "The last ticket of each method, by method: what `dvc metrics` compares. The baseline has no savings.",
        {f"METHOD.{name}": COLUMNS[name] for name in METRICS},
    ),
    "tickets/METHOD/NAME/metrics.json": Document(
        "Accuracy and sparsity of a ticket, and what the round did to its mask.",
        {
            **{name: COLUMNS[name] for name in ("accuracy", "sparsity", "spike_sparsity")},
            "num_pruned": Column("weights that pruning no longer keeps", ""),
            "num_recovered": Column("weights that balancing keeps and that were not kept before it", ""),
            "num_removed": Column("weights that balancing no longer keeps", ""),
        },
    ),
    "tickets/METHOD/NAME/layers.json": Document(
        "Timesteps and layers of the network, in their order (`ut.Layer`). Pairs are height and width.",
        {
            "timesteps": Column("steps in which the network sees an image", ""),
            "layers[].name": Column("name of the layer", ""),
            "layers[].kind": Column("`conv` or `linear`", ""),
            "layers[].filters": Column("output channels", ""),
            "layers[].channels": Column("input channels", ""),
            "layers[].kernel": Column("size of the kernel", "positions"),
            "layers[].stride": Column("step of the kernel", "positions"),
            "layers[].padding": Column("zeros on each side of the input", "positions"),
            "layers[].input_size": Column("size of the input", "positions"),
            "layers[].output_size": Column("size of the output", "positions"),
            "layers[].dilation": Column("distance of neighbours in the kernel", "positions"),
            "layers[].groups": Column("parts into which channels and filters are cut", ""),
            "layers[].adds_to": Column("the residual sum that the output is part of, or null", ""),
            "layers[].reads": Column("what arrives: `image`, `spikes`, `counts` or `analog`", ""),
            "layers[].positions_known": Column("false: one output position is assumed", ""),
        },
    ),
    "tickets/METHOD/NAME/machine.json": Document(
        "What decides the last digits of a training beside params and code.",
        {
            "processor": Column("kind of the processor, and the instructions that PyTorch uses on it", ""),
            "device": Column("`cpu`, or the name of the GPU", ""),
            "threads": Column("threads of each process", ""),
            "processes": Column("processes that trained together", ""),
            "pytorch": Column("version of PyTorch", ""),
            "numba": Column("version of numba", ""),
        },
    ),
    "tickets/METHOD/NAME/cost.json": Document(
        "What a training took. It differs from run to run, so neither DVC nor Git tracks it.",
        {
            "device": Column("kind of the processor, or the name of the GPU", ""),
            "processes": Column("processes that trained together", ""),
            "images_per_second": Column("training images, with the time of the tests", "1/s"),
            "seconds_per_epoch": Column("mean over the epochs, tests included", "s"),
            "seconds": Column("all epochs", "s"),
            "peak_memory_gb": Column("most memory of the GPU, or of the process on the CPU", "10^9 bytes"),
        },
    ),
    "tickets/METHOD/NAME/notes.json": Document(
        "A list of lines: what was assumed of a ticket that was imported or captured; absent without any.", {}
    ),
    "tickets/dense/search.json": Document(
        "How many timesteps the search of tickets uses (`prune.early_time`).",
        {
            "timesteps": Column("timesteps of intermediate tickets", ""),
            "divergence": Column("number of timesteps -> divergence from the classes of all, 1 the largest", ""),
        },
    ),
    "plans/METHOD/NAME.json": Document(
        "What decides the mask of a ticket.",
        {
            "ticket": NAME,
            "parent": Column("the ticket it is pruned from: `dense` or METHOD/NAME", ""),
            "round": Column("round of its chain, from 1 on", ""),
            "final": Column("whether no ticket is pruned from it, so that it trains to the end", ""),
            "balance": Column("settings of balancing that matter in this round, or null", ""),
            "array": Column("settings of the array that matter to it, or null", ""),
        },
    ),
    "plans/METHOD.json": Document(
        "The tickets of a method.",
        {
            "method": Column("a key of `balance`", ""),
            "rounds": Column("`dense` and the tickets of the method -> their round", ""),
        },
    ),
    "data/prepared/about.json": Document(
        "The prepared data set.",
        {
            "name": Column("`data.name`", ""),
            "image_shape": Column("channels, height and width; of frames bins first", "pixels"),
            "train_images": Column("images to train with", ""),
            "test_images": Column("images to test with", ""),
            "classes": Column("names of the classes, in the order of the labels", ""),
        },
    ),
    "FOLDER/capture.json": Document(
        "What `uticket capture` found out about a network, beside the files of its ticket.",
        {
            "timesteps_because": Column("how the timesteps were found", ""),
            "guesses": Column("what was guessed", ""),
            "never_called": Column("layers that did not run", ""),
            "not_seen": Column("other modules and parameters that hold weights", ""),
            "remarks": Column("what else should be known", ""),
            "factors": Column("layer -> what a count of 1 stands for, if it is not 1", ""),
            "images": Column("images that were shown", ""),
            "once_an_image": Column("layers that do not run at every timestep", ""),
            "footprint_bytes": Column("parameters and buffers of the model", "bytes"),
            "activation_sparsity": Column("share of the outputs of neurons that are zero, or null", FRACTION),
        },
    ),
}
