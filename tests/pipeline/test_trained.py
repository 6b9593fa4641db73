"""The folder of a trained ticket."""

import json

import pandas as pd
import torch

from tests.training.helpers import drawn_mask, fresh, made_up
from uticket.config.paths import TicketFiles
from uticket.pipeline.trained import write_trained
from uticket.ticket.layer import read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import load_spikes
from uticket.training.cost import TrainingCost
from uticket.training.tally import Epoch
from uticket.training.train import Trained


def test_ticket_folder_stands_by_itself_and_has_the_same_bytes_again(small, tmp_path):
    network = fresh(small)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.bias.data.fill_(0.7)  # so that every layer fires
    mask, epochs = drawn_mask(network), [Epoch(1, 0.7, 0.5, 0.5), Epoch(2, 0.6, 0.75, 0.625)]
    trained = Trained(epochs, None, {}, TrainingCost("cpu", 1, 100.0, 1.5, 3.0, 0.2))
    folders = [TicketFiles(tmp_path / name) for name in ("one", "two")]
    for files in folders:
        write_trained(files, network, mask, trained, made_up(), sample_images=2, num_pruned=7)
    one, two = folders
    names = sorted(path.name for path in one.folder.iterdir())
    assert names == sorted(path.name for path in two.folder.iterdir())
    assert all((one.folder / name).read_bytes() == (two.folder / name).read_bytes() for name in names)

    metrics = json.loads(one.metrics.read_text())
    assert metrics["accuracy"] == 0.625
    assert metrics["sparsity"] == mask.sparsity
    assert metrics["num_pruned"] == 7
    layers, timesteps = read_layers(one.layers)
    assert timesteps == 3
    assert Mask.load(one.mask, [layer.name for layer in layers]).num_kept == mask.num_kept
    assert json.loads(one.cost.read_text())["images_per_second"] == 100.0
    assert pd.read_csv(one.training)["test_accuracy"].tolist() == [0.5, 0.625]
    assert pd.read_csv(one.activity)["layer"].tolist() == [layer.name for layer in layers[1:]]
    assert load_spikes(one.spikes)["conv2"].shape[0] == 2
