import json

import pytest

from tests.helpers import LAYER, layer_of
from uticket.base.errors import InputError
from uticket.ticket.layer import Layer, read_layers, write_layers


def test_layers_json_is_read_as_written_and_mistakes_are_reported(tmp_path):
    path = tmp_path / "layers.json"
    write_layers(path, [LAYER], timesteps=4)
    assert read_layers(path) == ([LAYER], 4)
    document = json.loads(path.read_text())
    document["layers"][0]["filters"] = 0
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="layers.json: layers.0.filters: expected greater than or equal to 1, got 0"):
        read_layers(path)
    path.write_text(path.read_text()[:200])
    with pytest.raises(InputError, match="layers.json: expected the layers of a ticket, got: Unterminated string"):
        read_layers(path)
    with pytest.raises(InputError, match="absent: expected the layers of a ticket, got no file"):
        read_layers(tmp_path / "absent")


@pytest.mark.parametrize("timesteps", [0, 65536])
def test_timesteps_are_1_to_65535(tmp_path, timesteps):
    write_layers(tmp_path / "layers.json", [LAYER], timesteps)
    with pytest.raises(InputError, match=r"layers.json: timesteps: expected (less|greater) than or equal to .*, got"):
        read_layers(tmp_path / "layers.json")


def test_unknown_key_of_a_layer_is_reported(tmp_path):
    path = tmp_path / "layers.json"
    write_layers(path, [LAYER], timesteps=4)
    path.write_text(path.read_text().replace('"stride"', '"strides"'))
    with pytest.raises(InputError, match="layers.0.strides: .* did you mean stride"):
        read_layers(path)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        (('"filters": 4', '"filters": "4"'), "layers.0.filters: expected integer, got '4'"),
        (('"filters": 4', '"filters": 4.0'), "layers.0.filters: expected integer, got 4.0"),
        (('"filters": 4', '"filters": true'), "layers.0.filters: expected integer, got True"),
        (('"filters": 4', '"filters": NaN'), "layers.0.filters: expected integer, got nan"),
        (('"filters": 4', f'"filters": {"9" * 5000}'), "expected the layers of a ticket, got: Exceeds the limit"),
        (('"timesteps": 4', '"timesteps": "4"'), "timesteps: expected integer, got '4'"),
        (('"timesteps": 4', '"timesteps": 4, "steps": 4'), "steps: expected one of .*, got the unknown key 'steps'"),
        (('"timesteps": 4', '"timesteps": 4, "timesteps": 5'), ".*, got: the key 'timesteps' twice"),
        (('"filters": 4', '"filters": 4, "filters": 4'), ".*, got: the key 'filters' twice"),
        (('"groups": 1', f'"groups": {"[" * 100_000}'), ".*, got: maximum recursion depth exceeded"),
        (('"groups": 1', f'"groups": {"[" * 300}{"]" * 300}'), "expected"),
        (('"name": "conv2"', '"name": 2'), "layers.0.name: expected string, got 2"),
        (('"positions_known": true', '"positions_known": 1'), "layers.0.positions_known: expected boolean, got 1"),
    ],
)
def test_layers_json_is_as_strict_as_params(tmp_path, changed, error):
    path = tmp_path / "layers.json"
    write_layers(path, [LAYER], timesteps=4)
    assert changed[0] in path.read_text()
    path.write_text(path.read_text().replace(*changed, 1))
    with pytest.raises(InputError, match=f"layers.json: {error}"):
        read_layers(path)


def test_layers_json_of_another_top_level_is_reported(tmp_path):
    path = tmp_path / "layers.json"
    for text in ("[]", "3", "null", '"text"', "[[true, true]]"):
        path.write_text(text)
        with pytest.raises(InputError, match="layers.json: top level: expected a block of keys and values, got"):
            read_layers(path)


def test_output_size_must_follow_from_the_others(tmp_path):
    path = tmp_path / "layers.json"
    write_layers(path, [LAYER.model_copy(update={"output_size": (40, 40)})], timesteps=4)
    with pytest.raises(InputError, match=r"layers.0.output_size: expected \(4, 5\), which .* give, got \(40, 40\)"):
        read_layers(path)


def test_layers_have_names_of_their_own(tmp_path):
    write_layers(tmp_path / "layers.json", [LAYER, LAYER], timesteps=4)
    with pytest.raises(InputError, match=r"layers.1.name: expected another name for each layer, got 'conv2' twice"):
        read_layers(tmp_path / "layers.json")


def test_layers_whose_outputs_are_added_have_the_same_number_of_filters(tmp_path):
    parts = [LAYER.model_copy(update={"adds_to": "s"})]
    parts.append(LAYER.model_copy(update={"adds_to": "s", "name": "b", "filters": 3}))
    write_layers(tmp_path / "layers.json", parts, timesteps=4)
    with pytest.raises(InputError, match=r"layers.1.filters: expected 4 as in the other parts of 's', got 3"):
        read_layers(tmp_path / "layers.json")


def test_layers_that_do_not_read_spikes_do_not_run_on_the_pes():
    assert LAYER.on_pes
    assert not LAYER.model_copy(update={"reads": "image"}).on_pes
    assert not LAYER.model_copy(update={"reads": "analog"}).on_pes
    assert LAYER.model_copy(update={"reads": "counts"}).on_pes
    assert not LAYER.model_copy(update={"kind": "linear"}).on_pes


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"groups": 3}, "layers.0.groups: expected a divisor of filters 4 and channels 2, got 3"),
        ({"groups": 4}, "layers.0.groups: expected a divisor of filters 4 and channels 2, got 4"),
        ({"groups": 0}, "layers.0.groups: expected greater than or equal to 1, got 0"),
        ({"dilation": (2, 1)}, r"layers.0.output_size: expected \(2, 5\), which .* give, got \(4, 5\)"),
        ({"dilation": (0, 1)}, "layers.0.dilation.0: expected greater than or equal to 1, got 0"),
        ({"kind": "linear"}, r"layers.0.kernel: expected \(1, 1\) of a linear layer, got \(3, 3\)"),
        ({"reads": "floats"}, "layers.0.reads: expected 'image', 'spikes', 'counts' or 'analog', got 'floats'"),
    ],
)
def test_layers_that_cannot_be_are_reported_by_key(tmp_path, changes, error):
    path = tmp_path / "layers.json"
    write_layers(path, [LAYER.model_copy(update=changes)], timesteps=4)
    with pytest.raises(InputError, match=error):
        read_layers(path)


def test_grouped_dilated_one_dimensional_and_token_layers_are_read_as_written(tmp_path):
    depthwise = layer_of(6, 6, (9, 9), dilation=(2, 3), name="dw", groups=6, reads="counts")
    conv1d = layer_of(6, 4, (1, 9), (1, 3), (1, 2), (0, 1), "conv1d", groups=2)
    tokens = Layer.of_shape("fc", (10, 16)).in_one_row(49)
    assert depthwise.output_size == (7, 5)
    assert (depthwise.weight_shape, depthwise.num_weights) == ((6, 1, 3, 3), 54)
    assert (conv1d.weight_shape, conv1d.group_filters, conv1d.group_channels) == ((6, 2, 1, 3), 3, 2)
    assert (tokens.weight_shape, tokens.input_size, tokens.positions) == ((10, 16), (1, 49), 49)
    write_layers(tmp_path / "layers.json", [depthwise, conv1d, tokens], timesteps=4)
    assert read_layers(tmp_path / "layers.json") == ([depthwise, conv1d, tokens], 4)


def test_many_layers_are_checked_in_linear_time(tmp_path):
    """A quadratic check of 20,000 layers takes a minute; this test takes a second."""
    layers = [Layer.of_shape(f"fc{n}", (2, 2)) for n in range(20_000)]
    write_layers(tmp_path / "layers.json", layers, timesteps=1)
    assert read_layers(tmp_path / "layers.json") == (layers, 1)


def test_sizes_follow_from_the_shape():
    assert LAYER.weight_shape == (4, 2, 3, 3)
    assert (LAYER.num_weights, LAYER.positions) == (72, 20)
    linear = Layer.of_shape("fc", (10, 16))
    assert (linear.kind, linear.weight_shape, linear.num_weights, linear.positions) == ("linear", (10, 16), 160, 1)


@pytest.mark.parametrize("shape", [(4, 2, 3, 5), (10, 16)])
@pytest.mark.parametrize("positions", [1, 7])
def test_layer_of_which_only_the_shape_is_known_can_be_written(tmp_path, shape, positions):
    layer = Layer.of_shape("w", shape)
    longer = layer.in_one_row(positions).model_copy(update={"name": "longer"})
    assert (layer.weight_shape, layer.positions) == (shape, 1)
    assert (longer.weight_shape, longer.positions) == (shape, positions)
    write_layers(tmp_path / "layers.json", [layer, longer], timesteps=1)
    assert read_layers(tmp_path / "layers.json") == ([layer, longer], 1)


def test_positions_in_one_row_replace_stride_and_padding(tmp_path):
    layer = LAYER.model_copy(update={"stride": (2, 2), "output_size": (2, 3)}).in_one_row(9)
    assert (layer.output_size, layer.input_size, layer.stride, layer.padding) == ((1, 9), (3, 11), (1, 1), (0, 0))
    write_layers(tmp_path / "layers.json", [layer], timesteps=1)
    assert read_layers(tmp_path / "layers.json") == ([layer], 1)
