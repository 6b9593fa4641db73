"""Where a training is: all that the next step depends on, so that it can be kept and taken up again."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from uticket.params import Train
from uticket.snn.batches import Images
from uticket.snn.checkpoint import State, copy_state
from uticket.snn.evaluate import num_right
from uticket.snn.keep import digest
from uticket.snn.masking import MaskedWeights
from uticket.snn.models import SpikingNetwork


@dataclass(frozen=True)
class Epoch:
    """What one epoch showed: mean loss and accuracy over the augmented training images, accuracy on the test set."""

    epoch: int
    loss: float
    train_accuracy: float  # in [0, 1]
    test_accuracy: float  # in [0, 1]


class Tally:
    """Loss and accuracy of an epoch so far, summed on the device."""

    def __init__(self, device: torch.device) -> None:
        self.count = 0
        self.loss = torch.zeros((), device=device, dtype=torch.float64)
        self.right = torch.zeros((), device=device, dtype=torch.int64)

    def add(self, loss: Tensor, outputs: Tensor, labels: Tensor) -> None:
        """Add one batch: its mean loss, outputs (T, B, classes) and labels (B,)."""
        self.loss += loss * len(labels)
        self.right += num_right(outputs, labels)
        self.count += len(labels)

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy."""
        return self.loss.item() / self.count, self.right.item() / self.count


class Run:
    """A training between two steps: network, momentum, schedule, random numbers, and the place in the epoch."""

    def __init__(
        self, network: SpikingNetwork, images: Images, settings: Train, seed: int, rewind_epoch: int | None
    ) -> None:
        self.network, self.settings, self.rewind_epoch = network, settings, rewind_epoch
        self.rng = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.SGD(
            network.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.schedule = CosineAnnealingLR(self.optimizer, images.num_batches(settings.batch_size) * settings.epochs)
        self.device = images.labels.device
        self.epochs: list[Epoch] = []
        self.order: Tensor | None = None  # of the images of this epoch; None between two epochs
        self.batch = 0  # of this epoch, done
        self.tally = Tally(self.device)
        self.rewind = copy_state(network) if rewind_epoch == 0 else None

    def key(self, seed: int, images: Images, test: Images, masked: MaskedWeights) -> str:
        """Return a digest of all that decides the result of the training."""
        texts = [self.settings.model_dump_json(exclude={"save_minutes"}), f"{seed} {self.rewind_epoch} {self.device}"]
        data = [tensor for part in (images, test) for tensor in (part.images, part.labels, part.mean, part.deviation)]
        return digest([*texts, str(self.network), *copy_state(self.network).values(), *masked.masks, *data])

    def begin_epoch(self, order: Tensor) -> None:
        """Go to the first batch of an epoch."""
        self.order, self.batch, self.tally = order, 0, Tally(self.device)

    def batches_left(self, batch_size: int) -> Iterator[Tensor]:
        """Yield the numbers of the images of each batch that is left; a batch counts as done once it is asked for."""
        assert self.order is not None, "begin_epoch comes first"
        for chosen in self.order.split(batch_size)[self.batch :]:
            self.batch += 1
            yield chosen

    def end_epoch(self, epoch: Epoch) -> None:
        """Note what an epoch showed."""
        self.epochs.append(epoch)
        self.order, self.batch = None, 0
        if epoch.epoch == self.rewind_epoch:
            self.rewind = copy_state(self.network)

    def images_seen(self, in_epoch: int) -> int:
        """Return how many images were trained on, of `in_epoch` in each epoch."""
        return len(self.epochs) * in_epoch + (self.tally.count if self.order is not None else 0)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and the rest of the state, which is JSON."""
        tensors = {f"network.{name}": value for name, value in copy_state(self.network).items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors[f"momentum.{number}"] = state["momentum_buffer"].cpu()
        tensors |= {f"rewind.{name}": value for name, value in (self.rewind or {}).items()}
        tensors |= {"rng": self.rng.get_state(), "loss": self.tally.loss.cpu(), "right": self.tally.right.cpu()}
        if self.order is not None:
            tensors["order"] = self.order.cpu()
        rates = [group["lr"] for group in self.optimizer.param_groups]
        place = {"batch": self.batch, "count": self.tally.count, "epochs": [asdict(epoch) for epoch in self.epochs]}
        return tensors, {**place, "rates": rates, "schedule": self.schedule.state_dict()}

    def restore(self, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
        """Take up what `state` returned of the same training."""

        def of(prefix: str) -> State:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self.network.load_state_dict(of("network."))
        parameters = list(self.network.parameters())
        for number, momentum in of("momentum.").items():
            parameter = parameters[int(number)]
            self.optimizer.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(momentum)
        for group, rate in zip(self.optimizer.param_groups, rest["rates"], strict=True):
            group["lr"] = rate
        self.schedule.load_state_dict(rest["schedule"])
        self.rng.set_state(tensors["rng"])
        self.rewind = of("rewind.") or None
        self.epochs = [Epoch(**epoch) for epoch in rest["epochs"]]
        self.order = tensors["order"].to(self.device) if "order" in tensors else None
        self.batch, self.tally = rest["batch"], Tally(self.device)
        self.tally.count = rest["count"]
        self.tally.loss, self.tally.right = tensors["loss"].to(self.device), tensors["right"].to(self.device)
