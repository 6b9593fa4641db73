"""Capture a network of snnTorch with its spikes, and see what real spikes do to the balance."""

# %% [markdown]
# # Equal weights, unequal spikes
# A small network of snnTorch, trained for some seconds on the 8 x 8 digits of scikit-learn.

# %%
from dataclasses import replace

import numpy as np
import snntorch as snn
import torch
from sklearn.datasets import load_digits
from torch import nn

import uticket as ut

torch.manual_seed(0)
TIMESTEPS = 4


class Network(nn.Module):
    """Two convolutions with neurons, then a linear layer; the timesteps are a loop."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.lif1, self.lif2 = (snn.Leaky(beta=0.5, init_hidden=True) for _ in range(2))
        self.fc = nn.Linear(64 * 8 * 8, 10)

    def forward(self, images):
        """(B, 1, 8, 8) -> (B, 10)."""
        self.lif1.reset_hidden()
        self.lif2.reset_hidden()
        current = self.conv1(images)
        steps = [self.fc(self.lif2(self.conv2(self.lif1(current))).flatten(1)) for _ in range(TIMESTEPS)]
        return torch.stack(steps).mean(0)


digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 4
labels = torch.tensor(digits.target)
network = Network()
optimizer = torch.optim.Adam(network.parameters(), 2e-3)
for _ in range(40):
    batch = torch.randint(0, 1500, (64,))
    loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    accuracy = (network(images[1500:]).argmax(1) == labels[1500:]).float().mean().item()
print(f"accuracy {accuracy:.0%}")

# %% [markdown]
# ## Capture
# `ut.capture` runs the network once, and returns its layers, weights and the spikes that arrived. Then the smallest
# 95 % of the weights go, and the rest is balanced for 16 PEs.

# %%
array = ut.Array(pes=16)
captured = ut.capture(network, images[1500:1504], timesteps=TIMESTEPS)
balanced = ut.balance(ut.prune(captured, 0.95), array, ut.Balance(select="magnitude"), seed=0)
print([f"{layer.name} reads {layer.reads}" for layer in captured.layers])
print(f"by its weights alone: utilization {ut.audit(balanced, array).utilization:.0%}")

# %% [markdown]
# ## Real spikes, and the same spikes elsewhere
# Real spikes crowd into some channels and positions, and PEs whose weights meet them work longer. Strewn over all
# channels and positions of the layer, the same spikes come to all PEs alike. FIFOs have no limit here, so nothing else
# makes a PE wait.

# %%
rng = np.random.default_rng(0)


def strewn(spikes: np.ndarray) -> np.ndarray:
    """Move the inputs of a layer (images, T, channels, height, width) to other channels and positions."""
    inputs = np.asarray(spikes).reshape(*spikes.shape[:2], -1)
    return inputs[..., rng.permutation(inputs.shape[-1])].reshape(spikes.shape)


deep = ut.Broadcast(fifo_depth=float("inf"))
elsewhere = replace(balanced, spikes={name: strewn(spikes) for name, spikes in balanced.spikes.items()})
busy = {}
for name, ticket in {"real": balanced, "strewn": elsewhere}.items():
    found = ut.simulate(ticket, array, deep).network
    busy[name] = found.busy_share
    print(f"{name} spikes: PEs busy {found.busy_share:.0%}, {found.latency_cycles:,.0f} cycles")
