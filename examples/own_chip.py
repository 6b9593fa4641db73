"""What a ticket costs on a chip of your own: another memory, another clock."""

# %% [markdown]
# # Your own chip
# A chip file says what each part of a PE and each memory costs, with units and sources. This ticket is made up.

# %%
from pathlib import Path

import numpy as np
import pandas as pd

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
    input_size=(16, 16),
    output_size=(16, 16),
)
mask = rng.random(layer.weight_shape) < rng.uniform(0.01, 0.09, size=(64, 1, 1, 1))
spikes = rng.random((2, 4, 32, 16, 16)) < 0.1
ticket = ut.Ticket([layer], {"conv2": mask}, timesteps=4, spikes={"conv2": spikes})
balanced = ut.balance(ticket, ut.Array(pes=16), seed=0)

# %% [markdown]
# ## Change the file
# Copy the default one (`Path(ut.__file__).parent / "hardware/chips/uticket-32nm-lstp.yaml"`), change what you know
# better, and say where the number is from. Here the scratchpad of a PE leaks a thousand times as much, as one of
# fast cells does.

# %%
default = Path(ut.__file__).parent / "hardware/chips/uticket-32nm-lstp.yaml"
leaky = default.read_text().replace("value: 1.672579e-4, unit: mW", "value: 0.1672579, unit: mW")
Path("leaky.yaml").write_text(leaky.replace("name: u-Ticket, 32 nm", "name: leaky scratchpads, 32 nm"))
chips = {"default": ut.Chip.read(), "leaky": ut.Chip.read("leaky.yaml")}
for name, chip in chips.items():
    print(f"{name}: E_l / E_d {chip.leakage_ratio:.3f}, a PE {chip.pe_area_um2:,.0f} um2")

# %% [markdown]
# ## What it changes
# PEs that wait leak. The more they leak, the more energy balancing saves.

# %%
rows = []
for name, chip in chips.items():
    for which, one in {"as it was": ticket, "balanced": balanced}.items():
        cost = ut.simulate(one, broadcast=ut.Broadcast(fifo_depth=256), chip=chip).network
        rows.append({"chip": name, "ticket": which, "pe_pj": cost.pe_pj, "total_pj": cost.total_pj, **cost.energy_pj})
costs = pd.DataFrame(rows).set_index(["chip", "ticket"])
print(costs.round(0).T)
saved = {name: 1 - costs["pe_pj"][name, "balanced"] / costs["pe_pj"][name, "as it was"] for name in chips}
print({name: f"{share:.1%} of the energy of the PEs saved" for name, share in saved.items()})
