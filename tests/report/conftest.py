"""The outputs of all stages for some methods, made up: the report is tested without a pipeline."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import PARAMS
from uticket.base.files import write_json, write_rows
from uticket.config.params import Params, Report, read_params
from uticket.config.paths import mapping_files, quantization_file, simulation_files, ticket_files
from uticket.config.plan import ChainPlan
from uticket.hardware.cost import Cost

PARAMS_HERE = read_params(PARAMS)
SETTINGS = {name: getattr(PARAMS_HERE, name) for name in Params.model_fields}
SETTINGS["report"] = Report(title="Tickets & PEs", baseline="lth", sample_images=1)
MODELS = ("analytic", "events")
KNOBS = {"pes": (8, 16), "broadcast.fifo_depth": (0, 4, "inf")}

MakeOutputs = Callable[..., list[ChainPlan]]


def costs(latency: int) -> dict[str, float]:
    """The numbers of a network with that latency; energy is half of it, that of the PEs ten times as much in pJ."""
    cycles = {"work_cycles": 3 * latency, "idle_cycles": latency, "latency_cycles": latency, "tail_cycles": latency}
    waiting = {"starved_cycles": 0, "blocked_cycles": 0, "fifo_mean": 0.5, "fifo_max": 2}
    cost = Cost(
        **cycles,
        **waiting,
        utilization=0.7,
        busy_share=0.75,
        tokens=100,
        dropped_tokens=0,
        operations=50.5,
        name="network",
        filters=8,
        weights=72,
        nonzeros=36,
        groups=2,
        energy=latency / 2,
        energy_pj={
            "mac_dynamic_pj": 6.0 * latency,
            "mac_leakage_pj": 4.0 * latency,
            "sram_dynamic_pj": 1,
            "sram_leakage_pj": 1,
            "dram_pj": 1,
        },
        needed_cycles={"weight_sram_cycles": 1, "spike_sram_cycles": 1, "dram_cycles": 1},
        bound="compute",
        accesses={
            **{"weight_sram_reads": 10 * latency, "weight_sram_writes": 1, "spike_sram_reads": 1},
            **{"spike_sram_writes": 1, "dram_reads": latency, "dram_writes": 0, "sum_reads": 0, "sum_writes": 0},
        },
    )
    return cost.columns()


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeOutputs:
    """A function that writes the outputs into the current folder, a temporary one, and returns the chains."""
    monkeypatch.chdir(tmp_path)

    def write(
        methods: Sequence[str] = ("lth", "uticket"),
        rounds: int = 2,
        models: Sequence[str] = MODELS,
        knobs: dict[str, Sequence[Any]] = KNOBS,
    ) -> list[ChainPlan]:
        chains = []
        for place, method in enumerate(methods):
            numbers = {"dense": 0} | {f"{method}/r{number:02}": number for number in range(1, rounds + 1)}
            chains.append(ChainPlan(method=method, rounds=numbers))
            write_tickets(chains[-1])
            write_simulation(chains[-1], place, models, knobs)
            write_mapping(chains[-1])
        return chains

    return write


def write_tickets(chain: ChainPlan) -> None:
    for ticket, number in chain.rounds.items():
        files = ticket_files(ticket)
        sparsity = 1 - 0.5**number
        metrics = {"accuracy": 0.9, "sparsity": sparsity, "spike_sparsity": 0.8, "num_pruned": 3}
        write_json(files.metrics, metrics)
        curve = {"loss": 1.5, "train_accuracy": 0.5, "test_accuracy": 0.4}
        write_rows(files.training, [{"epoch": epoch, **curve} for epoch in (1, 2)])


def write_simulation(chain: ChainPlan, place: int, models: Sequence[str], knobs: dict[str, Sequence[Any]]) -> None:
    """Latency is 1000, 100, 80, ...; with the event model 10 cycles less, and 16 less in each next method."""
    tickets, layers, sweeps, area = [], [], [], {"pe_area_um2": 180.5}
    for ticket, number in chain.rounds.items():
        for model in models if ticket == chain.last else models[:1]:
            key = {"ticket": ticket, "model": model}
            latency = 1000 if number == 0 else 120 - 20 * number - 16 * place - 10 * (model == "events")
            tickets.append({**key, **costs(latency), **area, "left_out": "", "left_out_share": 0.0})
            layers += [{**key, "layer": layer, **costs(latency // 2)} for layer in ("conv2", "7")]
            for knob, values in knobs.items() if ticket == chain.last else ():
                if model == "events" or not knob.startswith("broadcast."):
                    sweeps += [{**key, "knob": knob, "value": value, **costs(latency), **area} for value in values]
    files = simulation_files(chain.method)
    write_rows(files.tickets, tickets)
    write_rows(files.layers, layers)
    write_rows(files.sweeps, sweeps, header=["ticket", "model", "knob", "value"])


def write_mapping(chain: ChainPlan) -> None:
    cycles = {"filters": 8, "weights": 72, "nonzeros": 36, "groups": 2, "utilization": 0.7, "utilization_ceil": 0.8}
    cycles |= {"work_cycles": 300, "idle_cycles": 100, "latency_cycles": 25}
    rounded = [{"weight_bits": bits, "quantizer": name} for bits in (8, 4) for name in ("plain", "keep_mask")]
    files, last = mapping_files(chain.method), {"ticket": chain.last}
    write_rows(files.mappings, [{**last, "mapping": name, **cycles} for name in ("contiguous", "sorted")])
    write_rows(
        files.storage,
        [
            {**last, "layer": name, "csr_bits": 9, "scratchpad_words": 4, "scratchpad_passes": 1}
            for name in ("conv2", "7")
        ],
    )
    write_rows(files.rounded, [{**last, **key, **cycles} for key in rounded])
    write_rows(quantization_file(chain.method), [{**last, **key, "accuracy": 0.85} for key in rounded])
