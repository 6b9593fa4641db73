"""A chain of tickets on a device, from images to rounded weights, as the stages make it."""

from pathlib import Path

import numpy as np

from experiments.chains import train_chains, with_chains
from uticket.base.files import read_json, read_rows
from uticket.config.params import Params
from uticket.config.paths import TicketFiles, quantization_file
from uticket.config.plan import ChainPlan
from uticket.data.prepared import ImageSet, Prepared
from uticket.pipeline.quantize import quantize_chain
from uticket.ticket.ticket import Ticket

CHAINS = {"lth": None, "uticket": {"scope": "group", "mode": "both", "select": "random"}}
SETTINGS = {
    "model": {"name": "vgg7", "width": 0.0625, "timesteps": 3},
    "train": {"epochs": 3, "batch_size": 8, "augment": {"crop": 1, "flip": True, "cutout": 2}},
    "prune": {"early_time": True, "early_bird": True},
    "hw": {"pes": 2},
}


def made_up() -> Prepared:
    rng = np.random.default_rng(0)
    sets = [ImageSet(rng.integers(0, 256, (32, 1, 8, 8), np.uint8), np.arange(32) % 2) for _ in range(2)]
    return Prepared("made-up", ("a", "b"), *sets)


def test_a_chain_is_trained_measured_and_rounded(device, params: Params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = params.model_copy(update={"tickets": {"lth/r01": "dense", "lth/r02": "lth/r01"}})
    train = SETTINGS["train"] | {"device": device.type}
    params = with_chains(params, 0, CHAINS, SETTINGS | {"train": train})
    train_chains(params, made_up(), Path("tickets"))
    for name in params.tickets:
        files = TicketFiles(Path("tickets") / name)
        ticket = Ticket.read(files.folder)
        assert 0 <= read_json(files.metrics)["accuracy"] <= 1
        assert ticket.spikes is not None
        assert all(not values[~ticket.mask[name]].any() for name, values in ticket.weights.items())
    assert read_json(TicketFiles(Path("tickets/lth/r02")).cost)["device"] != ""
    chain = ChainPlan(method="lth", rounds={"dense": 0, "lth/r01": 1, "lth/r02": 2})
    quantize_chain(chain, params.model, device.type, [16, 4], made_up())
    assert len(read_rows(quantization_file("lth"))) == 3 * 2 * 2
