"""Where a training is: all that the next step depends on, so that it can be kept and taken up again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from uticket.base.errors import InputError
from uticket.config.params import Train
from uticket.networks.models import SpikingNetwork
from uticket.training.batches import Images
from uticket.training.checkpoint import State, copy_state
from uticket.training.evaluate import num_right
from uticket.training.keep import code_in_use, digest
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import Ranks
from uticket.training.search import Search
from uticket.training.sgd import SGD


@dataclass(frozen=True)
class Epoch:
    """What one epoch showed: mean loss and accuracy over the augmented training images, accuracy on the test set."""

    epoch: int
    loss: float
    train_accuracy: float  # in [0, 1]
    test_accuracy: float  # in [0, 1]


class Tally:
    """Loss and accuracy of an epoch so far, over this process's images, summed on the device."""

    def __init__(self, device: torch.device) -> None:
        self.count = 0
        self.loss = torch.zeros((), device=device, dtype=torch.float64)
        self.right = torch.zeros((), device=device, dtype=torch.int64)

    def add(self, loss: Tensor, outputs: Tensor, labels: Tensor) -> None:
        """Add one batch: its mean loss, outputs (T, B, classes) and labels (B,)."""
        self.loss += loss * len(labels)
        self.right += num_right(outputs, labels)
        self.count += len(labels)

    def total(self, ranks: Ranks) -> "Tally":
        """Return the sums over all processes."""
        total = Tally(self.loss.device)
        total.count = int(ranks.total(torch.tensor(self.count)))
        total.loss, total.right = ranks.total(self.loss), ranks.total(self.right)
        return total

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy."""
        return self.loss.item() / self.count, self.right.item() / self.count


def in_bfloat16(settings: Train, device: torch.device) -> bool:
    """Say whether convolutions run in bfloat16; weights, momentum, membranes and the loss are float32 in any case."""
    return settings.precision == "bf16" or (settings.precision == "auto" and device.type == "cuda")


class Run:
    """A training between two steps: network, momentum, schedule, random numbers, and the place in the epoch."""

    def __init__(
        self,
        network: SpikingNetwork,
        images: Images,
        settings: Train,
        seed: int,
        rewind_epoch: int | None,
        search: Search,
        ranks: Ranks,
    ) -> None:
        self.network, self.settings, self.rewind_epoch = network, settings, rewind_epoch
        self.search, self.ranks, self.device = search, ranks, images.labels.device
        self.forward = self._forward()
        self.rng = torch.Generator().manual_seed(seed)
        self.optimizer = SGD(network, settings, images.num_batches(settings.batch_size) * settings.epochs)
        self.epochs: list[Epoch] = []
        self.seconds: list[float] = []  # that each epoch took, its test included
        self.order: Tensor | None = None  # of the images of this epoch; None between two epochs
        self.batch = 0  # of this epoch, done
        self.began, self.before = time.monotonic(), 0.0  # this epoch, here, and how long it had taken when it was kept
        self.tally = Tally(self.device)
        self.rewind = copy_state(network) if rewind_epoch == 0 else None
        self.divergences: dict[int, float] = {}  # by timesteps, if they were chosen
        self.settled = False  # whether the search may end before its last epoch

    def _forward(self) -> Callable[[Tensor], Tensor]:
        """Return how the network runs while it is trained."""
        network = self.ranks.wrapped(self.network)
        if not self.settings.compile:
            return network
        if self.device.type == "cpu":
            raise InputError("train.compile: expected a GPU (on CPUs compiled loops run as it is), came the device cpu")
        compiled: Callable[[Tensor], Tensor] = torch.compile(network)
        return compiled

    def outputs(self, batch: Tensor) -> Tensor:
        """Run the network in training, in the precision of the settings. Returns (T, B, classes), float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=in_bfloat16(self.settings, self.device)):
            return self.forward(batch).float()

    def key(self, seed: int, images: Images, test: Images, masked: MaskedWeights) -> str:
        """Return a digest of all that decides the result of the training."""
        texts = [self.settings.model_dump_json(exclude={"save_minutes"}), repr(self.search)]
        texts.append(f"{seed} {self.rewind_epoch} {self.device} {self.ranks.world} {self.network.timesteps}")
        data = [tensor for part in (images, test) for tensor in (part.images, part.labels, part.mean, part.deviation)]
        return digest(
            [*code_in_use(), *texts, str(self.network), *copy_state(self.network).values(), *masked.masks, *data]
        )

    @property
    def ended(self) -> bool:
        """Whether no epoch is left, or none is needed."""
        return len(self.epochs) == self.settings.epochs or self.settled

    def begin_epoch(self, order: Tensor) -> None:
        """Go to the first batch of an epoch."""
        self.order, self.batch, self.tally = order, 0, Tally(self.device)
        self.began, self.before = time.monotonic(), 0.0

    def batches_left(self, batch_size: int) -> Iterator[Tensor]:
        """Yield the numbers of the images of each batch that is left; a batch counts as done once it is asked for."""
        assert self.order is not None, "begin_epoch comes first"
        for chosen in self.order.split(batch_size)[self.batch :]:
            self.batch += 1
            yield chosen

    def elapsed(self) -> float:
        """Return the seconds that this epoch has taken, in all runs of it."""
        return self.before + time.monotonic() - self.began

    def end_epoch(self, epoch: Epoch) -> None:
        """Note what an epoch showed."""
        self.epochs.append(epoch)
        self.seconds.append(self.elapsed())
        self.order, self.batch = None, 0
        if epoch.epoch == self.rewind_epoch:
            self.rewind = copy_state(self.network)

    def images_seen(self, in_epoch: int) -> int:
        """Return how many images were trained on, of `in_epoch` in each epoch."""
        return len(self.epochs) * in_epoch + self.batch * min(self.settings.batch_size, in_epoch)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and the rest of the state, which is JSON. All processes ask for it together."""
        tally = self.tally.total(self.ranks)
        tensors = {f"network.{name}": value for name, value in copy_state(self.network).items()}
        tensors |= {f"momentum.{number}": values.cpu() for number, values in enumerate(self.optimizer.momenta)}
        tensors |= {f"rewind.{name}": value for name, value in (self.rewind or {}).items()}
        tensors |= {"rng": self.rng.get_state(), "loss": tally.loss.cpu(), "right": tally.right.cpu()}
        if self.order is not None:
            tensors["order"] = self.order.cpu()
        if self.search.early_stop is not None:
            masks = self.search.early_stop.recent
            tensors |= {f"recent.{number}": torch.from_numpy(mask) for number, mask in enumerate(masks)}
        place = {
            "steps": self.optimizer.steps,
            "batch": self.batch,
            "count": tally.count,
            "epochs": [asdict(epoch) for epoch in self.epochs],
        }
        found = {"timesteps": self.network.timesteps, "divergences": self.divergences, "settled": self.settled}
        found |= {"seconds": self.seconds, "elapsed": self.elapsed()}
        return tensors, {**place, **found}

    def restore(self, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
        """Take up what `state` returned of the same training."""

        def of(prefix: str) -> State:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self.network.load_state_dict(of("network."))
        momenta = of("momentum.")
        self.optimizer.restore([momenta[str(number)] for number in range(len(momenta))], rest["steps"])
        self.rng.set_state(tensors["rng"])
        self.rewind = of("rewind.") or None
        if self.search.early_stop is not None:
            masks = of("recent.")
            self.search.early_stop.recent = [masks[str(number)].numpy() for number in range(len(masks))]
        self.epochs, self.seconds = [Epoch(**epoch) for epoch in rest["epochs"]], rest["seconds"]
        self.network.timesteps, self.settled = rest["timesteps"], rest["settled"]
        self.began, self.before = time.monotonic(), rest["elapsed"]
        self.divergences = {int(t): value for t, value in rest["divergences"].items()}
        self.order = tensors["order"].to(self.device) if "order" in tensors else None
        self.batch, self.tally = rest["batch"], Tally(self.device)
        if self.ranks.first:  # the others have nothing to add to what was counted before
            self.tally.count = rest["count"]
            self.tally.loss, self.tally.right = tensors["loss"].to(self.device), tensors["right"].to(self.device)
