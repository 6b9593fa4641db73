"""The folder of a ticket: what a training stage writes of a trained and tested network."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from uticket.config.paths import TicketFiles
from uticket.networks.models import SpikingNetwork
from uticket.networks.shapes import describe_layers
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import save_spikes
from uticket.training.activity import measure_activity, network_spike_sparsity, sample_spikes
from uticket.training.batches import Images
from uticket.training.checkpoint import copy_state, save_state
from uticket.training.train import Trained


def write_ticket(
    files: TicketFiles,
    network: SpikingNetwork,
    mask: Mask,
    trained: Trained,
    test: Images,
    sample_images: int,
    **more_metrics: Any,
) -> None:
    """Measure the activity of a trained network on the test images, and write all files of its ticket.

    trained: its training; the accuracy of the last epoch is the ticket's. sample_images: how many test images' spikes
    are kept. more_metrics: further values for metrics.json.
    """
    layers = describe_layers(network, test.images.shape[1:])
    activity = measure_activity(network, layers, test)
    metrics = {
        "accuracy": trained.epochs[-1].test_accuracy,
        "filter_sparsity": mask.sparsity,
        "spike_sparsity": network_spike_sparsity(layers, activity),
        **more_metrics,
    }
    files.folder.mkdir(parents=True, exist_ok=True)
    mask.save(files.mask)
    save_state(copy_state(network), files.weights)
    save_spikes(files.spikes, sample_spikes(network, layers, test, sample_images))
    write_layers(files.layers, layers, network.timesteps)
    _write_records(files.activity, activity)
    _write_records(files.training, trained.epochs)
    trained.cost.write(files.cost)
    files.metrics.write_text(json.dumps(metrics, indent=1) + "\n")


def _write_records(path: Path, records: Sequence[Any]) -> None:
    """Write dataclass records as CSV, a column for each field."""
    with path.open("w", newline="") as file:
        rows = [asdict(record) for record in records]
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
