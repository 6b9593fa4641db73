"""onnx: checked by its own checker, and run by its own evaluator with the outputs of our network."""

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from tests.exchange.networks import images_of, lively, run, saved
from uticket.exchange.onnx import to_onnx, write_onnx
from uticket.exchange.wiring import wire
from uticket.networks.network import weight_layers


@pytest.mark.parametrize(("name", "shape"), [("vgg7", (1, 7, 9)), ("resnet19", (1, 8, 8))])
def test_outputs_of_every_timestep_are_ours(tmp_path, small, name, shape):
    settings = small.model_copy(update={"name": name})
    network = lively(settings, shape)
    source = saved(tmp_path / "ticket", network, settings, shape)
    write_onnx(source, tmp_path / "out.onnx")
    model = onnx.load(tmp_path / "out.onnx")
    onnx.checker.check_model(model, full_check=True)
    images = images_of(shape, number=2)
    expected, spikes = run(network, images)
    (outputs,) = ReferenceEvaluator(model).run(None, {"images": images.numpy()})
    assert outputs.shape == (3, 2, 5)
    assert min(values.mean() for values in spikes.values()) > 0.01
    assert expected.std() > 0.01
    assert np.allclose(outputs, expected.numpy(), atol=1e-5)


def test_weights_have_the_names_of_the_layers_and_the_mask_applied(tmp_path, small):
    network = lively(small, (1, 8, 8))
    source = saved(tmp_path / "ticket", network, small, (1, 8, 8))
    assert write_onnx(source, tmp_path / "out.onnx").contents.endswith("nodes, 3 timesteps unrolled")
    graph = onnx.load(tmp_path / "out.onnx").graph
    constants = {of.name: numpy_helper.to_array(of) for of in graph.initializer}
    for name in weight_layers(network):
        expected = np.where(source.ticket.mask[name], source.ticket.weights[name], 0)
        assert np.array_equal(constants[f"{name}.weight"], expected)
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert [node.output[0] for node in convolutions] == [f"conv{number}" for number in range(1, 7)]
    assert sum(node.op_type == "GreaterOrEqual" for node in graph.node) == 6 * 3


def test_frames_are_read_one_in_each_timestep(small):
    shape = (2, 8, 8)
    network = lively(small, shape)
    frames = images_of((3, *shape), number=2)
    model = to_onnx(wire(network, shape), 3, frames=True)
    onnx.checker.check_model(model, full_check=True)
    with torch.no_grad():
        expected = network(frames)
    (outputs,) = ReferenceEvaluator(model).run(None, {"frames": frames.numpy()})
    assert np.allclose(outputs, expected.numpy(), atol=1e-5)
    assert expected[0].ne(expected[2]).any()


def test_a_single_timestep_has_no_membrane_to_keep(small):
    network = lively(small, (1, 8, 8))
    network.timesteps = 1
    model = to_onnx(wire(network, (1, 8, 8)), 1)
    onnx.checker.check_model(model, full_check=True)
    images = images_of((1, 8, 8))
    (outputs,) = ReferenceEvaluator(model).run(None, {"images": images.numpy()})
    assert np.allclose(outputs, run(network, images)[0].numpy(), atol=1e-5)
