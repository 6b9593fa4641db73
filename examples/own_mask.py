"""Balance a mask of your own and simulate it.

Cells begin with `# %%`: editors such as VS Code and Spyder run them one by one, and `python examples/own_mask.py` all.
"""

# %% [markdown]
# # A mask of your own on an array of PEs
# Two convolutions at 95 % sparsity. Filters differ in how much they keep, as filters of trained networks do.

# %%
import numpy as np

import uticket as ut

rng = np.random.default_rng(0)


def sparse_filters(filters: int, channels: int) -> np.ndarray:
    """Return a 0/1 array (filters, channels, 3, 3) whose filters keep 1 to 9 % of their weights."""
    kept = rng.uniform(0.01, 0.09, size=(filters, 1, 1, 1))
    return rng.random((filters, channels, 3, 3)) < kept


same = {"kind": "conv", "kernel": (3, 3), "stride": (1, 1), "padding": (1, 1)}
size = {"input_size": (16, 16), "output_size": (16, 16)}
layers = [
    ut.Layer(name="conv2", filters=64, channels=32, **same, **size),
    ut.Layer(name="conv3", filters=64, channels=64, **same, **size),
]
mask = {layer.name: sparse_filters(layer.filters, layer.channels) for layer in layers}

# %% [markdown]
# The event model needs the spikes that arrive at each layer: booleans (images, T, channels, height, width). Here a
# tenth of all inputs are spikes, at random; `capture_snntorch.py` takes real ones.

# %%
spikes = {layer.name: rng.random((2, 4, layer.channels, 16, 16)) < 0.1 for layer in layers}
ticket = ut.Ticket(layers, mask, timesteps=4, spikes=spikes)
array = ut.Array(pes=16)
print(ut.audit(ticket, array).frame()[["layer", "utilization", "latency_cycles"]])

# %% [markdown]
# ## Balance
# Filters of a group run at the same time. Each gets as many weights as the mean of its group: some are removed, and as
# many recovered. With weights in the ticket, `select="magnitude"` would keep the largest.

# %%
balanced = ut.balance(ticket, array, seed=0)
print("kept by the first 16 filters before", mask["conv2"].sum(axis=(1, 2, 3))[:16])
print("                         and after", np.asarray(balanced.mask["conv2"]).sum(axis=(1, 2, 3))[:16])

# %% [markdown]
# ## What it is worth
# The analytic model counts weights only. In the event model PEs wait for the broadcast of spikes too, so that the depth
# of their FIFOs decides what balancing is worth.

# %%
latency = {}
for name, one in {"as it was": ticket, "balanced": balanced}.items():
    latency[name, "analytic"] = ut.audit(one, array).network.latency_cycles
    for depth in (0, 8, 64, float("inf")):
        found = ut.simulate(one, array, ut.Broadcast(fifo_depth=depth)).network
        latency[name, depth] = found.latency_cycles
        print(f"{name:10} FIFO {depth:>4}: {found.latency_cycles:9,.0f} cycles, PEs busy {found.busy_share:.0%}")
