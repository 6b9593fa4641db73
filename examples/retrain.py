"""One round of pruning by hand: prune, balance, rewind and train again, in a training loop of your own."""

# %% [markdown]
# # A balanced ticket without the pipeline
# The dense network is trained first. Its weights after the first epoch are kept: tickets restart from them.

# %%
from copy import deepcopy

import torch
from sklearn.datasets import load_digits
from snntorch import Leaky
from torch import nn

import uticket as ut

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 4
labels = torch.tensor(digits.target)


class Network(nn.Module):
    """Two convolutions with neurons and a linear layer, four timesteps."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.lif1, self.lif2 = Leaky(beta=0.5, init_hidden=True), Leaky(beta=0.5, init_hidden=True)
        self.pool, self.fc = nn.MaxPool2d(2), nn.Linear(64 * 16, 10)

    def forward(self, x):
        """(B, 1, 8, 8) -> (B, 10)."""
        self.lif1.reset_hidden()
        self.lif2.reset_hidden()
        current = self.conv1(x)
        steps = [self.fc(self.lif2(self.conv2(self.pool(self.lif1(current)))).flatten(1)) for _ in range(4)]
        return torch.stack(steps).mean(0)


def train(network: nn.Module, epochs: int) -> float:
    """Train on the first 1,500 digits; return the accuracy on the other 297."""
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(epochs):
        for batch in torch.randperm(1500).split(64):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return (network(images[1500:]).argmax(1) == labels[1500:]).float().mean().item()


dense = Network()
train(dense, 1)
early = deepcopy(dense.state_dict())
print(f"dense: accuracy {train(dense, 1):.1%}")

# %% [markdown]
# ## Prune, balance
# The smallest 95 % of the trained weights go. Balancing then gives the 16 filters that run at the same time the same
# number of weights.

# %%
array = ut.Array(pes=16)
trained = ut.capture(dense, images[:4], timesteps=4)
lth = ut.prune(trained, 0.95)
tickets = {"lth": lth, "uticket": ut.balance(lth, array, seed=0)}

# %% [markdown]
# ## Rewind, train again
# `ut.apply` puts the mask into a network by `torch.nn.utils.prune`, so that pruned weights stay zero. It would put the
# trained weights of the ticket in as well; masks alone (`from_arrays`) leave the early ones.

# %%
found = {}
for name, ticket in tickets.items():
    network = Network()
    network.load_state_dict(early)
    masks = ut.Ticket.from_arrays({layer: ticket.mask[layer] for layer in ("conv1", "conv2")})
    ut.apply(masks, network)
    accuracy = train(network, 2)
    final = ut.capture(network, images[1500:1504], timesteps=4)  # with the spikes of the retrained network
    cycles = ut.simulate(final, array).network.latency_cycles
    found[name] = {"accuracy": accuracy, "utilization": ut.audit(final, array).utilization, "latency_cycles": cycles}
    print(f"{name}: {found[name]}")
