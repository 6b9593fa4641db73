"""The central type: a pruned network, as everything but its training sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uticket.base.errors import InputError, listed
from uticket.base.files import is_folder, write_json, written_together
from uticket.config.array import Array, RunLayers
from uticket.config.paths import TicketFiles
from uticket.foreign.contents import Contents, Skipped
from uticket.foreign.write import write_arrays
from uticket.ticket.layer import MOST_TIMESTEPS, Layer, write_layers
from uticket.ticket.layouts import Layouts
from uticket.ticket.left_out import LeftOut
from uticket.ticket.mask import Mask
from uticket.ticket.reader import Weights, file_of, names_of, parts_of_arrays, read_file, read_folder
from uticket.ticket.reading import NOTHING_ELSE, Reading
from uticket.ticket.spikes import Spikes, save_spikes


class MisfitError(InputError):
    """Parts of a ticket that do not fit: which field of it, and what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


@dataclass(frozen=True, eq=False)
class Ticket:
    """A pruned network: what runs, which weights it keeps, and what arrives at its layers.

    layers: in the order in which they run. mask: layer -> 0/1 array of the shape of its weights, of all layers.
    weights: trained values, of the layers on the PEs at least; None if only masks are known. timesteps: T, 1 to 65,535.
    spikes: of some images, layer -> array (images, T, channels, height, width) of booleans, or of numbers of spikes
    (uint8) where it reads counts. spike_sparsity: layer -> share of its inputs without a spike, in [0, 1], measured
    over more images than `spikes` holds. runs: names of the layers that run on the PEs; None: as `hw.layers` says, and
    without an array the convolutions that read spikes, as in the paper. reading: what a file
    held beside layers, and what was assumed of it.
    Raises InputError, which names the field and the layer, if they do not fit each other.
    """

    layers: tuple[Layer, ...]
    mask: Mask
    weights: Weights | None = None
    timesteps: int = 1
    spikes: Spikes | None = None
    spike_sparsity: Mapping[str, float] | None = None
    runs: frozenset[str] | None = None
    reading: Reading = NOTHING_ELSE

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not isinstance(self.mask, Mask):
            object.__setattr__(self, "mask", Mask(self.mask))
        names = {layer.name: layer for layer in self.layers}
        if len(names) < len(self.layers):
            every = listed([layer.name for layer in self.layers], 9)
            raise MisfitError("layers", f"expected another name for each, got {every}")
        if not 1 <= self.timesteps <= MOST_TIMESTEPS:
            raise MisfitError("timesteps", f"expected 1 to {MOST_TIMESTEPS}, got {self.timesteps}")
        for field, given in (("mask", self.mask), ("runs", self.runs or ())):
            unknown = next((name for name in given if name not in names), None)
            if unknown is not None:
                raise MisfitError(field, f"expected layers of the ticket ({listed(names, 9)}), got {unknown!r}")
        for layer in self.layers:
            _check_shape("mask", layer, self.mask.shapes.get(layer.name))
        for layer in self.layers if self.weights is not None else ():
            self._check_weights(layer)
        images = max(self.num_images, 1)
        for layer in self.layers if self.spikes is not None else ():
            self._check_spikes(layer, images)
        for name, share in (self.spike_sparsity or {}).items():
            if not 0 <= share <= 1:
                raise MisfitError("spike_sparsity", f"expected a share in [0, 1] of the layer {name!r}, got {share}")

    def _check_weights(self, layer: Layer) -> None:
        values = (self.weights or {}).get(layer.name)
        if values is None and layer not in self.on_pes:
            return
        _check_shape("weights", layer, None if values is None else values.shape)
        if values is not None and values.dtype.kind == "f" and not _finite(values):
            raise MisfitError("weights", f"expected finite weights in {layer.name!r}, got NaN or infinity")

    def _check_spikes(self, layer: Layer, images: int) -> None:
        spikes = self.spikes or {}
        if layer.name not in spikes:
            return
        values = spikes[layer.name]
        expected = (images, self.timesteps, layer.channels, *layer.input_size)
        if values.shape != expected:
            of = "(images, T, channels, height, width)"
            raise MisfitError("spikes", f"expected {of} = {expected} in the layer {layer.name!r}, got {values.shape}")
        kind, name = (np.uint8, "uint8 (reads: counts)") if layer.reads == "counts" else (np.bool_, "booleans")
        if values.dtype != kind:
            raise MisfitError("spikes", f"expected {name} in the layer {layer.name!r}, got {values.dtype}")

    @property
    def on_pes(self) -> tuple[Layer, ...]:
        """The layers that run on the PEs, in order."""
        if self.runs is None:
            return tuple(layer for layer in self.layers if layer.on_pes)
        return tuple(layer for layer in self.layers if layer.name in self.runs)

    @property
    def left_out(self) -> LeftOut:
        """The layers that do not run on the PEs."""
        return LeftOut.of(self.layers, {layer.name for layer in self.on_pes})

    @property
    def num_images(self) -> int:
        """Images whose spikes are known."""
        shape = next(iter(self.spikes.values())).shape if self.spikes else ()
        return shape[0] if shape else 0

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Arrays of the file that no layer was made of, and why."""
        return self.reading.skipped

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the file, or looks odd in it, a line each."""
        return self.reading.notes

    def on_array(self, array: Array) -> "Ticket":
        """Return the ticket with the layers on the PEs that `array.layers` says, unless it names them itself (`runs`).

        Raises InputError if it has weights, but not of all layers that now run.
        """
        return self if self.runs is not None or array.layers == "spiking_convolutions" else self.choose(array.layers)

    def choose(self, layers: RunLayers = "spiking_convolutions", skip_first: bool = False) -> "Ticket":
        """Return the ticket with those layers on the PEs, on any array.

        layers: as `hw.layers`: the convolutions that read spikes, or all layers that do. skip_first: without the first
        of the convolutions that run.
        """
        chosen = [layer for layer in self.layers if layer.on_pes or (layers == "all" and layer.reads_spikes)]
        first = next((layer for layer in chosen if layer.kind == "conv"), None)
        return replace(self, runs=frozenset(n.name for n in chosen if not (skip_first and n is first)))

    def with_positions(self, positions: Mapping[str, int]) -> "Ticket":
        """Return the ticket with other numbers of output positions, by layer, with or without .weight in its name.

        They lie in one row, with stride 1 and no padding. Raises InputError if there is no such layer on the PEs, or if
        the ticket has spikes of it, which no longer fit.
        """
        layers, places = list(self.layers), dict[str, list[int]]()
        on_pes = {layer.name: layer for layer in self.on_pes}
        for n, layer in enumerate(layers):
            for called in {*names_of(layer)} if layer.name in on_pes else ():
                places.setdefault(called, []).append(n)
        for name, count in positions.items():
            if name not in places:
                raise InputError(f"positions: expected a layer on the PEs ({listed(on_pes, 9)}), got {name!r}")
            for n in places[name]:
                layers[n] = layers[n].in_one_row(count)
        return replace(self, layers=tuple(layers))

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, ArrayLike],
        linear: bool = False,
        layers: Sequence[Layer] = (),
        timesteps: int = 1,
        layout: Layouts = "oihw",
        threshold: float = 0.0,
    ) -> "Ticket":
        """Make a ticket of masks or weights, by name; nonzero means kept. `reading` has what was skipped.

        linear: the 2-D arrays are layers too, and run. layers: the shapes of those that are known, by the name of
        their array, with or without .weight; all other layers have one output position. layout: the order of the axes,
        or by name of the array. threshold: weights of at most this magnitude count as pruned.
        """
        contents = Contents({name: np.asarray(values) for name, values in arrays.items()})
        ticket = cls(**parts_of_arrays(contents, linear, layers, layout, threshold), timesteps=timesteps)
        return ticket.choose("all") if linear else ticket

    @classmethod
    def read(
        cls,
        path: str | Path,
        layers: str | Path | None = None,
        linear: bool = False,
        weights: bool = True,
        spikes: bool = True,
        layout: Layouts = "oihw",
        threshold: float = 0.0,
    ) -> "Ticket":
        """Read the folder of a ticket, or anybody's file of masks or weights.

        layers: a layers.json for a file. linear: the 2-D arrays of a file are layers too, and run; the layers of a
        folder are known, and `hw.layers` says which run. weights, spikes: read them where a folder has them. layout,
        threshold: of a file, as in `from_arrays`. Nothing in a file is run or unpickled. Raises InputError, naming the
        file, on anything that is missing, damaged or does not fit.
        """
        path = Path(path)
        folder = is_folder(path)
        if folder and layers is not None:
            raise InputError(f"--layers: expected it with a file only, got the folder {path}, which has its own")
        if folder and (threshold or layout not in ("oihw", {})):
            raise InputError(f"--layout, --threshold: expected them with a file only, got the folder {path}")
        if folder and linear:
            raise InputError(f"--linear: expected it with a file only, got the folder {path}; --on-pes all runs them")
        parts = (
            read_folder(TicketFiles(path), weights, spikes)
            if folder
            else read_file(path, linear, Path(layers) if layers else None, layout, threshold)
        )
        try:
            ticket = cls(**parts)
        except MisfitError as error:
            where = file_of(TicketFiles(path), error.field) if folder else path
            raise InputError(f"{where}: {error.reason}") from None
        return ticket.choose("all") if linear else ticket

    def write(self, folder: str | Path) -> None:
        """Write the files of the ticket into `folder`, which `Ticket.read` reads again."""
        with written_together(Path(folder)) as part:
            files = TicketFiles(part)
            self.mask.save(files.mask)
            write_layers(files.layers, self.layers, self.timesteps)
            if self.weights is not None:
                write_arrays(files.weights, {f"{name}.weight": values for name, values in self.weights.items()})
            if self.spikes is not None:
                save_spikes(files.spikes, self.spikes)
            if self.notes:
                write_json(files.notes, self.notes)


def _finite(values: NDArray[np.floating]) -> bool:
    """Return whether all values are finite. If one is not, neither is their sum, which takes half the time."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def _check_shape(field: str, layer: Layer, shape: tuple[int, ...] | None) -> None:
    if shape != layer.weight_shape:
        got = "none" if shape is None else f"shape {shape}"
        raise MisfitError(field, f"expected the layer {layer.name!r} of shape {layer.weight_shape}, got {got}")
