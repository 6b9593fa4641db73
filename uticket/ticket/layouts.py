"""The order in which a file has the axes of its weights, and signs that it is another one."""

from collections.abc import Mapping
from typing import Any, Literal

from numpy.typing import NDArray

from uticket.base.errors import InputError, listed
from uticket.foreign.contents import Arrays
from uticket.ticket.names import bare, is_kernel, says_transposed, split
from uticket.ticket.reading import Stored

# oihw: outputs, inputs, height, width (PyTorch). hwio: Keras and Flax, of linear layers inputs, outputs. iohw: the
# transposed convolutions of PyTorch.
Layout = Literal["oihw", "hwio", "iohw"]
LAYOUTS: tuple[Layout, ...] = ("oihw", "hwio", "iohw")
Layouts = Layout | Mapping[str, Layout]  # of all arrays, or by name; the name "" stands for all others
LARGEST_KERNEL = 11  # a kernel that is larger, or neither square nor one row, is a sign of another order


def layout_of(name: str, layouts: Layouts) -> Layout:
    """Return the layout in which an array is read; it is named with or without .weight."""
    if isinstance(layouts, str):
        return layouts
    return layouts.get(name, layouts.get(bare(name), layouts.get("", "oihw")))


def check_layouts(layouts: Layouts, names: Mapping[str, Any]) -> None:
    """Raise InputError if a layout is unknown, or is that of an array that is no layer."""
    known = {"", *names, *map(bare, names)}
    for name, layout in {"": layouts}.items() if isinstance(layouts, str) else layouts.items():
        if layout not in LAYOUTS:
            raise InputError(f"layout: expected one of {', '.join(LAYOUTS)}, got {layout!r}")
        if name not in known:
            raise InputError(f"layout: expected the name of a layer ({listed(names)}), got {name!r}")


def stored_as(name: str, values: NDArray[Any], layout: Layout) -> Stored:
    """Return where the axes of a layer are in an array of 2 to 5 axes."""
    axes = tuple(range(values.ndim))
    if layout == "hwio" and name.endswith("depthwise_kernel"):  # Keras: height, width, channels, filters of each
        axes = (2, 3, 0, 1)
    elif layout == "hwio":
        axes = (*axes[:-3:-1], *axes[:-2])
    elif layout == "iohw" and values.ndim > 2:
        axes = (1, 0, *axes[2:])
    return Stored(axes, values.shape)


def signs_of_layouts(weights: Arrays, arrays: Arrays, layouts: Layouts) -> list[str]:
    """Return notes on weights that seem to have another layout than the one by which they are read.

    weights: the layers, as stored. arrays: all of the file, in which biases are looked up. Signs are the size of the
    bias, the shape of the kernel, the name, and filters that fit the channels of the layers before and after.
    """
    names = list(weights)
    seeming: dict[Layout, list[str]] = {layout: [] for layout in LAYOUTS}
    turned = _turned([weights[name].shape for name in names if weights[name].ndim > 2])
    chain = dict(zip([name for name in names if weights[name].ndim > 2], turned, strict=True))
    for name in names:
        given = layout_of(name, layouts)
        seems = _seeming(name, weights[name], _bias(name, arrays), given, chain.get(name, False))
        if seems != given:
            seeming[seems].append(name)
    return [
        f"{listed(found)}: by shape, bias or name rather {layout.upper()}, see --layout"
        for layout, found in seeming.items()
        if found
    ]


def _bias(name: str, arrays: Arrays) -> int | None:
    """Return the size of the bias beside a weight."""
    module, _ = split(name)
    bias = next((arrays[place] for leaf in ("bias", "b", "bias:0") if (place := module + leaf) in arrays), None)
    return bias.size if bias is not None and bias.ndim == 1 else None


def _seeming(name: str, values: NDArray[Any], bias: int | None, given: Layout, turned: bool) -> Layout:
    shape = values.shape
    outputs = {layout: shape[stored_as(name, values, layout).axes[0]] for layout in LAYOUTS}
    fitting = [layout for layout in LAYOUTS if bias in (None, outputs[layout])] or LAYOUTS
    fitting = [layout for layout in fitting if values.ndim != 4 or _is_kernel(name, values, layout)] or fitting
    if given not in fitting:
        return fitting[0]
    if given == "oihw" and is_kernel(name) and "hwio" in fitting:
        return "hwio"
    if given == "oihw" and (turned or says_transposed(name)) and values.ndim > 2 and "iohw" in fitting:
        return "iohw"
    return given


def _is_kernel(name: str, values: NDArray[Any], layout: Layout) -> bool:
    height, width = (values.shape[axis] for axis in stored_as(name, values, layout).axes[2:])
    return max(height, width) <= LARGEST_KERNEL and (height == width or 1 in (height, width))


def _turned(shapes: list[tuple[int, ...]]) -> list[bool]:
    """Return of each layer whether its first two axes fit its neighbours only the other way round.

    shapes: of the convolutions, in order. A 1 x 1 kernel or as many filters as channels says nothing; at the ends of
    the network the one neighbour has to be turned too.
    """
    found = []
    for n, (one, other, *_) in enumerate(shapes):
        before, after = shapes[n - 1] if n else None, shapes[n + 1] if n + 1 < len(shapes) else None
        links = []  # to each neighbour: whether it fits as it is, whether it fits if this layer is turned
        if before:
            turned = _may_turn(before) and before[1] == one
            links.append((before[0] == other, turned or (after is not None and before[0] == one)))
        if after:
            turned = _may_turn(after) and after[0] == other
            links.append((after[1] == one, turned or (before is not None and after[1] == other)))
        fits = links and all(turned and not straight for straight, turned in links)
        found.append(bool(fits) and _may_turn(shapes[n]))
    return found


def _may_turn(shape: tuple[int, ...]) -> bool:
    return shape[0] != shape[1] and max(shape[2:]) > 1
