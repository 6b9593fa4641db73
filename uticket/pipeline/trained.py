"""The folder of a trained ticket."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from uticket.base.files import write_json, write_rows, written_together
from uticket.base.progress import log_end
from uticket.config.params import Params
from uticket.config.paths import TicketFiles
from uticket.networks.network import SpikingNetwork
from uticket.networks.own import OwnNetwork
from uticket.networks.shapes import describe_layers
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import save_spikes
from uticket.training.activity import as_sampled, measure_activity, network_spike_sparsity, sample_spikes
from uticket.training.batches import Images
from uticket.training.checkpoint import copy_state, save_state
from uticket.training.machine import Machine
from uticket.training.reads import with_reads
from uticket.training.train import Trained


def write_start(
    files: TicketFiles, network: SpikingNetwork, mask: Mask, trained: Trained, test: Images, params: Params
) -> None:
    """Write the files of the dense ticket: those of any ticket, and what the rounds start from."""
    assert trained.rewind is not None, "the dense network has weights to rewind to"
    with written_together(files.folder) as part:
        parts = TicketFiles(part)
        write_trained(parts, network, mask, trained, test, params.report.sample_images)
        save_state(trained.rewind, parts.rewind)
        write_json(parts.search, {"timesteps": network.timesteps, "divergence": trained.divergences})


def write_trained(
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
    layers, factors = describe_layers(network, test.images.shape[1:], test.reads), dict[str, float]()
    if isinstance(network, OwnNetwork):
        layers, factors = with_reads(network, layers, test)
    activity = measure_activity(network, layers, test)
    metrics = {
        "accuracy": trained.epochs[-1].test_accuracy,
        "sparsity": mask.sparsity,
        "spike_sparsity": network_spike_sparsity(layers, activity),
        **more_metrics,
    }
    mask.save(files.mask)
    save_state(copy_state(network), files.weights)
    spikes = sample_spikes(network, layers, test, sample_images, factors)
    save_spikes(files.spikes, spikes)
    write_layers(files.layers, as_sampled(layers, spikes), network.timesteps)
    write_rows(files.activity, _rows(activity))
    write_rows(files.training, _rows(trained.epochs))
    Machine.of(test.images.device).write(files.machine)
    if trained.cost is not None:
        trained.cost.write(files.cost)
    write_json(files.metrics, metrics)


def log_trained(ticket: str, trained: Trained, files: TicketFiles) -> None:
    """Log the end of a training whose results were written."""
    last = trained.epochs[-1]
    found = f"test accuracy {100 * last.test_accuracy:.2f} % after epoch {last.epoch}, loss {last.loss:.4f}"
    log_end(ticket, found, files.folder)


def _rows(records: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(record) for record in records]
