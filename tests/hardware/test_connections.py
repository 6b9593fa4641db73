import pytest

from tests.hardware.networks import conv, shortcut
from tests.helpers import SMALL, layer_of
from uticket.hardware.connections import Connection, connect
from uticket.ticket.layer import Layer


def read_by(layers: list[Layer]) -> dict[str, list[str] | None]:
    """The parts of what each layer reads."""
    return {one.layer.name: one.reads and [part.name for part in one.reads.parts] for one in connect(layers)}


def sums_of(layers: list[Layer]) -> list[tuple[list[str], list[str] | None]]:
    """The parts of each sum, and those of the sum whose spikes are added to it."""
    sums = dict.fromkeys(connection.adds_to for connection in connect(layers))
    names = lambda one: [part.name for part in one.parts]  # noqa: E731
    return [(names(one), one.identity and names(one.identity)) for one in sums]


def test_layers_in_a_row_read_each_other_with_pooling_between():
    layers = [conv("a", 3, 4, 8), conv("b", 4, 4, 8), conv("c", 4, 8, 4), conv("d", 8, 8, 2)]
    assert read_by(layers) == {"a": None, "b": ["a"], "c": ["b"], "d": ["c"]}
    assert sums_of(layers) == [([name], None) for name in "abcd"]


def test_layer_for_which_nothing_fits_reads_from_outside():
    assert read_by([conv("a", 3, 4, 8), conv("b", 5, 4, 8)]) == {"a": None, "b": None}  # other channels
    assert read_by([conv("a", 3, 4, 4), conv("b", 4, 4, 8)]) == {"a": None, "b": None}  # a larger map
    skipping = [conv("a", 3, 4, 8), conv("b", 4, 6, 8), conv("c", 7, 7, 8), conv("d", 6, 6, 8)]
    assert read_by(skipping) == {"a": None, "b": ["a"], "c": None, "d": ["b"]}


def test_linear_layers_read_the_mean_or_each_position():
    def linear(name: str, channels: int) -> Layer:
        return shortcut(name, channels, 10, 1).model_copy(update={"kind": "linear"})

    last = conv("a", 3, 4, 5)
    assert read_by([last, linear("fc", 4)])["fc"] == ["a"]
    assert read_by([last, linear("fc", 4 * 25)])["fc"] == ["a"]
    assert read_by([last, linear("fc", 4 * 26)])["fc"] is None
    assert read_by([last, linear("fc", 6)])["fc"] is None
    assert read_by([last, linear("fc1", 4), linear("fc2", 10)])["fc2"] == ["fc1"]


def test_positions_of_a_map_become_tokens_and_back():
    tokens = Layer.of_shape("fc", (6, 4)).in_one_row(25)
    layers = [conv("a", 3, 4, 5), tokens, conv("b", 6, 2, 5), layer_of(3, 2, (1, 25), (1, 3), padding=(0, 1), name="c")]
    assert read_by(layers) == {"a": None, "fc": ["a"], "b": ["fc"], "c": ["b"]}
    more = tokens.in_one_row(26)
    assert read_by([layers[0], more])["fc"] is None


def blocks(first: list[Layer]) -> list[Layer]:
    """A layer, a block that changes the shape, and a block around which the spikes go as they are."""
    second = [conv("2a", 8, 8, 4), conv("2b", 8, 8, 4, adds_to="s")]
    return [conv("in", 3, 4, 8), *first, *second, conv("out", 8, 2, 4)]


BRANCH = [conv("1a", 4, 8, 8, stride=(2, 2)), conv("1b", 8, 8, 4, adds_to="s")]
AROUND = shortcut("1s", 4, 8, 8, stride=2, adds_to="s")


@pytest.mark.parametrize("first", [[*BRANCH, AROUND], [AROUND, *BRANCH]])
def test_blocks_of_a_residual_network_add_to_a_sum_each(first):
    parts = [layer.name for layer in first if layer.adds_to]
    layers = blocks(first)
    expected = {"in": None, "1a": ["in"], "1b": ["1a"], "1s": ["in"], "2a": parts, "2b": ["2a"], "out": ["2b"]}
    assert read_by(layers) == expected
    others = [(["in"], None), (["1a"], None), (parts, None), (["2a"], None), (["2b"], parts), (["out"], None)]
    assert sorted(sums_of(layers), key=str) == sorted(others, key=str)


def test_shortcut_reads_what_its_branch_began_with_though_other_maps_fit():
    branch = [shortcut("a", 4, 4, 8), conv("b", 4, 4, 8), shortcut("c", 4, 16, 8, adds_to="s")]
    layers = [conv("in", 3, 4, 8), *branch, shortcut("s", 4, 16, 8, adds_to="s")]
    assert read_by(layers)["s"] == ["in"]
    assert sums_of(layers)[-1] == (["c", "s"], None)
    before = [conv("in", 3, 4, 8), conv("z", 4, 4, 8, adds_to="other"), *layers[1:]]
    assert read_by(before)["s"] == ["z"]  # not beyond the sum before


def test_spikes_are_added_where_one_layer_of_a_group_follows_a_complete_sum():
    stem = [conv("in", 3, 4, 8, adds_to="s"), conv("a", 4, 4, 8), conv("b", 4, 4, 8, adds_to="s")]
    assert sums_of(stem)[-1] == (["b"], ["in"])
    beside = [*stem, shortcut("c", 4, 4, 8, adds_to="s")]
    assert sums_of(beside)[-1] == (["b", "c"], None)  # the shortcut is a layer
    smaller = [*stem[:2], conv("b", 4, 4, 8, stride=(2, 2), adds_to="s")]
    assert sums_of(smaller)[-1] == (["b"], None)  # of another shape


@pytest.mark.parametrize("name", ["vgg16", "resnet19"])
def test_layers_of_our_networks_read_what_arrives_at_them(name):
    """Layers that read the same get the same spikes, layers that read another thing get other ones."""
    import torch  # imported here: takes seconds

    from uticket.networks.network import build, weight_layers
    from uticket.networks.shapes import describe_layers

    network = build(SMALL.model_copy(update={"name": name}), (3, 32, 32), 10, seed=0)
    connections = connect(describe_layers(network, (3, 32, 32)))
    inputs = {}
    for layer, module in weight_layers(network).items():
        module.register_forward_pre_hook(lambda _, given, layer=layer: inputs.update({layer: given[0]}))
    network(torch.rand(2, 3, 32, 32))

    def key(connection: Connection) -> tuple[object, ...]:
        return connection.reads, connection.layer.input_size

    for one in connections:
        for other in connections:
            same = inputs[one.layer.name] is inputs[other.layer.name]
            assert same == (key(one) == key(other))
