"""Sweep PE counts and FIFO depths: a data frame, and a plot in sweep.png."""

# %% [markdown]
# # Which array for this network?
# The ticket is made up, to be quick; `ut.Ticket.read("tickets/uticket/r06")` reads one of the pipeline.

# %%
import matplotlib.pyplot as plt
import numpy as np

import uticket as ut

rng = np.random.default_rng(0)
layer = ut.Layer(
    name="conv2",
    kind="conv",
    filters=64,
    channels=32,
    kernel=(3, 3),
    stride=(1, 1),
    padding=(1, 1),
    input_size=(12, 12),
    output_size=(12, 12),
)
mask = rng.random(layer.weight_shape) < rng.uniform(0.01, 0.09, size=(64, 1, 1, 1))
spikes = rng.random((2, 4, 32, 12, 12)) < 0.1
uneven = ut.Ticket([layer], {"conv2": mask}, timesteps=4, spikes={"conv2": spikes})
balanced = ut.balance(uneven, ut.Array(pes=16), ut.Balance(scope="layer"), seed=0)  # the same for every PE count

# %% [markdown]
# `ut.explore` simulates every combination, in threads, and marks those on the Pareto front of latency, energy and area.

# %%
space = {"pes": [4, 8, 16, 32, 64], "broadcast": {"fifo_depth": [0, 4, 16, 64]}}
found = ut.explore({"uneven": uneven, "balanced": balanced}, space)
frame = found.frame()
print(frame.pivot_table(index="hw.pes", columns=["ticket", "hw.broadcast.fifo_depth"], values="latency_cycles"))
print(frame[frame["pareto"] == 1][["ticket", "hw.pes", "hw.broadcast.fifo_depth", "latency_us", "total_pj"]])

# %% [markdown]
# Where lines of one colour lie apart, balancing pays; where they fall together, PEs wait for the broadcast instead.

# %%
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for (ticket, depth), rows in frame.groupby(["ticket", "hw.broadcast.fifo_depth"], sort=False):
    style = {
        "linestyle": "-" if ticket == "balanced" else "--",
        "color": f"C{space['broadcast']['fifo_depth'].index(depth)}",
    }
    axes.plot(rows["hw.pes"], rows["latency_cycles"], marker="o", label=f"{ticket}, FIFO {depth}", **style)
axes.set(xlabel="PEs", ylabel="latency (cycles)", xscale="log", yscale="log")
axes.set_xticks(space["pes"], space["pes"])
axes.legend(fontsize=7, ncols=2)
figure.savefig("sweep.png", dpi=150)
