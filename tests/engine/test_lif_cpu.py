import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from uticket.engine.lif import LIFSteps


@settings(max_examples=300, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    inner=st.sampled_from([1, 3, 1030]),
    steady=st.booleans(),
    data=st.data(),
    seed=st.integers(0, 99),
)
def test_compiled_neurons_are_those_of_double_precision(shape, inner, steady, data, seed):
    torch.manual_seed(seed)
    dim = data.draw(st.integers(0, len(shape) - 1))
    whole = torch.randn(*shape, inner) * 3
    if steady:
        whole = whole.narrow(dim, 0, 1).expand(*shape, inner)
    whole = torch.where((whole * 0.75 - 1).abs() < 1e-3, whole + 0.1, whole)  # rounding must not decide a spike
    results = []
    for current in (whole.float(), whole.double()):
        current = current.detach().requires_grad_()
        spikes = LIFSteps.apply(current, 0.25, 1.0, 2.0, dim)
        (grad,) = torch.autograd.grad(
            (spikes * torch.linspace(-1, 1, spikes.numel()).view(spikes.shape)).sum(), current
        )
        results.append((spikes.double(), grad.double()))
    same = (results[0][0] == results[1][0]).all(dim)
    assert same.float().mean() > 0.99
    error = (results[0][1] - results[1][1]).abs().amax(dim)
    assert error[same].max() < 1e-4
