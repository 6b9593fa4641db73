"""Networks of one's own: what a function may return, and what is refused."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import snntorch as snn
import torch
from torch import nn

from uticket.base.errors import InputError
from uticket.config.training import Model
from uticket.networks.arriving import arriving
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.networks.own import OwnNetwork, check_search
from uticket.networks.shapes import describe_layers
from uticket.networks.vgg import VGG

IMAGE, T = (2, 6, 6), 3
IMAGES = torch.randn(4, *IMAGE, generator=torch.Generator().manual_seed(0))


class Looped(nn.Module):
    """The timesteps are a loop; membranes stay in the module."""

    def __init__(self, model: Model, image_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(image_shape[0], 4, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, stride=2, groups=2, bias=False)
        self.lif1 = snn.Leaky(beta=0.5, threshold=0.2, init_hidden=True)
        self.lif2 = snn.Leaky(beta=0.5, threshold=0.1, init_hidden=True)
        self.fc = nn.Linear(36, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.step(images) for _ in range(T)])

    def step(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.lif2(self.conv2(self.lif1(self.conv1(images)))).flatten(1))


class Neurons(nn.Module):
    """A neuron of one's own, whose membrane is a buffer."""

    def __init__(self, resets: bool) -> None:
        super().__init__()
        self.register_buffer("membrane", torch.zeros(1))
        self.resets = resets

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        self.membrane = self.membrane + current.mean()
        return torch.sigmoid(current + self.membrane)


class Resetting(Neurons):
    def __init__(self) -> None:
        super().__init__(resets=True)

    def reset(self) -> None:
        self.membrane = torch.zeros(1)


def model_of(name: str, path: Path | str) -> Model:
    return Model(name=name, path=str(path), width=1.0, timesteps=T, leak=0.25, spike_threshold=1.0, surrogate_alpha=2.0)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Returns the network of a function `build` that is given as an object, or as the code of its file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def make(build_it: object, seed: int = 0) -> SpikingNetwork:
        file = Path("own_of_the_tests.py")
        file.write_text(build_it if isinstance(build_it, str) else "")
        monkeypatch.delitem(sys.modules, file.stem, raising=False)
        if not isinstance(build_it, str):
            module = ModuleType(file.stem)
            module.__file__, module.build = str(tmp_path / file), build_it
            monkeypatch.setitem(sys.modules, file.stem, module)
        return build(model_of("own_of_the_tests:build", tmp_path), IMAGE, 5, seed)

    yield make
    sys.modules.pop("own_of_the_tests", None)


def test_layers_and_state_have_the_names_of_the_module(made):
    network = made(Looped)
    assert isinstance(network, OwnNetwork)
    assert list(weight_layers(network)) == ["conv1", "conv2", "fc"]
    assert set(network.state_dict()) == set(network.module.state_dict())
    assert {name for name, _ in network.named_parameters()} == {"conv1.weight", "conv2.weight", "fc.weight", "fc.bias"}
    layers = {layer.name: layer for layer in describe_layers(network, IMAGE)}
    conv = layers["conv2"]
    assert (conv.groups, conv.channels, conv.stride, conv.output_size) == (2, 4, (2, 2), (3, 3))
    assert conv.weight_shape == tuple(network.module.conv2.weight.shape)
    assert list(layers) == ["conv1", "conv2", "fc"]
    network.eval()
    assert not network.module.training


def test_outputs_are_those_of_the_module_from_fresh_membranes(made):
    network = made(Looped)
    fresh = Looped(model_of("a:b", "."), IMAGE, 5)
    fresh.load_state_dict(network.module.state_dict())
    expected = fresh(IMAGES)
    assert expected.std() > 0
    for mode in (True, False):
        network.train(mode)
        network(torch.randn(4, *IMAGE))  # leaves membranes behind
        torch.testing.assert_close(network(IMAGES), expected)
    assert not torch.allclose(network.module(IMAGES), expected)  # what a leak would give


def test_one_output_counts_as_that_of_all_timesteps(made):
    class Mean(Looped):
        def forward(self, images):
            return super().forward(images).mean(0)

    network = made(Mean)
    assert network(IMAGES).shape == (1, 4, 5)


def test_the_seed_decides_the_weights_and_the_global_generator_stays(made):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, same, other = (made(Looped, seed).state_dict()["conv1.weight"] for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_trial_changes_no_batch_norm_and_leaves_no_gradient(made):
    class Normed(Looped):
        def __init__(self, *given):
            super().__init__(*given)
            self.norm = nn.BatchNorm2d(2)

        def forward(self, images):
            return super().forward(self.norm(images))

    network = made(Normed)
    state = network.state_dict()
    assert state["norm.num_batches_tracked"] == 0
    assert torch.equal(state["norm.running_mean"], torch.zeros(2))
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(module.training for module in network.modules())


def test_what_is_drawn_in_a_test_is_always_the_same(made):
    class Drawing(Looped):
        def forward(self, images):
            return super().forward((torch.rand_like(images) < images.sigmoid()).float())

    network = made(Drawing)
    assert not torch.equal(network(IMAGES), network(IMAGES))
    network.eval()
    before = torch.random.get_rng_state()
    assert torch.equal(network(IMAGES), network(IMAGES))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_membranes_that_are_buffers_are_reset_and_no_part_of_the_state(made):
    class Own(Looped):
        def __init__(self, *given):
            super().__init__(*given)
            self.lif2 = Resetting()

    network = made(Own)
    assert network.membranes == {"lif2.membrane"}
    state = network.state_dict()
    assert "lif2.membrane" not in state
    assert "lif2.membrane" in network.module.state_dict()
    network.load_state_dict(state)


def test_layers_that_never_run_are_not_pruned(made):
    class Spare(Looped):
        def __init__(self, *given):
            super().__init__(*given)
            self.spare = nn.Linear(3, 3).requires_grad_(False)

    network = made(Spare)
    assert list(weight_layers(network)) == ["conv1", "conv2", "fc"]
    assert "spare.weight" in network.state_dict()


def test_as_many_images_as_timesteps_and_channels_are_told_apart(tmp_path):
    class Dimming(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(T, 2, 1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.stack([self.conv(images / t).mean((2, 3)) for t in range(1, T + 1)])

    images, seen = torch.randn(T, T, 6, 6), {}
    network = OwnNetwork(model_of("dimming:Dimming", tmp_path), Dimming())
    with torch.no_grad(), arriving(network, seen.__setitem__):
        network(images)
    assert torch.equal(seen["conv"], torch.stack([images / t for t in range(1, T + 1)]))


def neurons_of(library: str) -> nn.Module:
    """Neurons that keep their membranes in the module, and take (T, B, ...)."""
    if library == "spikingjelly":
        from spikingjelly.activation_based import neuron, surrogate

        return neuron.LIFNode(v_threshold=0.2, surrogate_function=surrogate.ATan(), step_mode="m")
    import sinabs.layers

    class TimeSecond(sinabs.layers.LIF):
        def forward(self, current):
            return super().forward(current.transpose(0, 1)).transpose(0, 1)

    return TimeSecond(tau_mem=2.0, spike_threshold=0.2)


class Stacked(nn.Module):
    """The timesteps are an axis before the batch."""

    def __init__(self, library: str, image_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(image_shape[0], 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.neurons1, self.neurons2 = neurons_of(library), neurons_of(library)
        self.fc = nn.Linear(144, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        spikes = self.neurons1(self.conv1(images).expand(T, -1, -1, -1, -1))
        spikes = self.neurons2(self.conv2(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2]))
        return self.fc(spikes.flatten(2))


@pytest.mark.parametrize("library", ["spikingjelly", "sinabs"])
def test_neurons_of_other_libraries_start_anew_and_their_membranes_are_no_state(made, library):
    network = made(lambda model, image_shape, classes: Stacked(library, image_shape, classes))
    expected = network(IMAGES)
    expected.sum().backward()
    network(torch.randn(7, *IMAGE)).sum().backward()
    torch.testing.assert_close(network(IMAGES), expected)
    assert {name for name in network.state_dict() if "neurons" in name and "v_mem" in name} == set()
    assert list(weight_layers(network)) == ["conv1", "conv2", "fc"]
    other = made(lambda model, image_shape, classes: Stacked(library, image_shape, classes), seed=1)
    other(torch.randn(3, *IMAGE))
    other.load_state_dict(network.state_dict())
    torch.testing.assert_close(other(IMAGES), expected)


class Residual(Looped):
    """Its second layer adds to what the first one fires; another one adds to the third."""

    def __init__(self, *given):
        super().__init__(*given)
        self.conv2, self.conv3, self.skip = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(3))
        self.lif3 = snn.Leaky(beta=0.5, threshold=0.1, init_hidden=True)
        self.fc = nn.Linear(144, 5)

    def step(self, images):
        x = self.lif1(self.conv1(images))
        x = self.lif2(self.conv2(x) + x)
        return self.fc(self.lif3(self.conv3(x) + self.skip(x)).flatten(1))


def test_layers_whose_outputs_are_added_are_found_or_given(made):
    network = made(Residual)
    sums = {layer.name: layer.adds_to for layer in describe_layers(network, IMAGE)}
    assert sums["conv1"] == sums["conv2"] != sums["conv3"] == sums["skip"]
    assert None not in (sums["conv1"], sums["skip"])
    assert sums["fc"] is None
    given = made(type("Given", (Residual,), {"adds_to": {"conv3": "mine", "skip": "mine"}}))
    assert given.adds_to == {"conv3": "mine", "skip": "mine"}


def test_a_network_of_ours_stays_one(made):
    network = made(lambda model, image_shape, classes: VGG([4, "M", 4], model, image_shape[0], classes))
    assert isinstance(network, VGG)
    assert network(IMAGES).shape == (T, 4, 5)
    assert network.code
    check_search(network, early_time=True)
    with pytest.raises(InputError, match=r"prune.early_time: expected false with a network that is no SpikingNetwork"):
        check_search(made(Looped), early_time=True)


def changed(**changes: object) -> type[Looped]:
    """`Looped` with other methods."""
    return type("Changed", (Looped,), changes)


class Leaking(Looped):
    def __init__(self, *given):
        super().__init__(*given)
        self.lif2 = Neurons(resets=False)


class Frozen(Looped):
    def __init__(self, *given):
        super().__init__(*given)
        self.gain = nn.Parameter(torch.ones(1))


class Normalized(Looped):
    def __init__(self, *given):
        super().__init__(*given)
        self.conv2 = nn.utils.parametrizations.weight_norm(self.conv2)


class Fixed(Looped):
    """Takes two images only."""

    def forward(self, images):
        return super().forward(images.reshape(2, *IMAGE))


def twice(self: Looped, images: torch.Tensor) -> torch.Tensor:
    return Looped.forward(self, images) + Looped.forward(self, images)


WRONG = {
    "no module": (lambda *_: {"a": 1}, "expected own_of_the_tests:build to return a torch module, got dict"),
    "spikes and membranes": (
        changed(forward=lambda self, images: (Looped.forward(self, images), 0)),
        r"expected outputs \(T, B, classes\) = \(3, 2, ...\) or \(2, ...\), got tuple",
    ),
    "other timesteps": (
        changed(forward=lambda self, images: Looped.forward(self, images)[:2]),
        r"expected outputs \(T, B, classes\) = \(3, 2, ...\) or \(2, ...\), got shape \(2, 2, 5\)",
    ),
    "batch first": (
        changed(forward=lambda self, images: Looped.forward(self, images).transpose(0, 1)),
        r"expected outputs .*, got shape \(2, 3, 5\)",
    ),
    "other classes": (
        lambda model, image_shape, classes: Looped(model, image_shape, 7),
        r"expected outputs of 5 classes, got shape \(3, 2, 7\)",
    ),
    "a leak": (
        Leaking,
        r"expected the same outputs for the same images \(a module resets in `reset\(\)`\), got another",
    ),
    "an unused parameter": (Frozen, "expected every parameter to take part in the outputs, got none of 'gain'"),
    "computed weights": (Normalized, "expected weights that are a parameter in 'conv2', got computed ones"),
    "another batch": (Fixed, r"expected a network for images \(3, 2, 6, 6\), got RuntimeError: shape .* is invalid"),
    "no gradient": (
        changed(forward=lambda self, images: Looped.forward(self, images).detach()),
        "expected outputs with a gradient",
    ),
    "layers that run twice": (changed(forward=twice), "expected 'conv1' to run once in each timestep, got more"),
    "no layers": (lambda *_: nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(5)), "expected a network with Conv1d, "),
    "an error of its own": (
        "import torch\ndef build(model, *_):\n    return model.depth\n",
        "got AttributeError in line 3:",
    ),
    "a syntax error": ("def build(:\n", "expected a module own_of_the_tests, got SyntaxError: "),
    "no function": ("build = 3\n", "expected a function 'build' in own_of_the_tests, got int"),
    "nothing": ("", "expected a function 'build' in own_of_the_tests, got nothing of this name"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_line(made, what):
    wrong, message = WRONG[what]
    with pytest.raises(InputError, match=message) as error:
        made(wrong)
    assert str(error.value).startswith("model.name: ")
    assert len(str(error.value)) <= 400
    assert "\n" not in str(error.value)


def test_a_file_that_dvc_would_not_see_is_refused(made, tmp_path):
    made(Looped)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(
        InputError, match=r"model.path: expected the file or a folder of own_of_the_tests \(.*\), .*, got"
    ):
        build(model_of("own_of_the_tests:build", "elsewhere"), IMAGE, 5, 0)
    assert build(model_of("own_of_the_tests:build", "own_of_the_tests.py"), IMAGE, 5, 0)


def test_layers_that_are_not_one_convolution_are_named(made):
    class Uneven(Looped):
        def __init__(self, *given):
            super().__init__(*given)
            self.conv2 = nn.Conv2d(4, 4, 2, padding="same")
            self.fc = nn.Linear(144, 5)

    with pytest.raises(InputError, match=r"model.name: conv2: expected as much padding on both sides, got \(0, 0\)"):
        describe_layers(made(Uneven), IMAGE)
