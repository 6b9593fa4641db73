"""Stochastic gradient descent with momentum, weight decay and a cosine schedule, one fused call for each step."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd  # without the class around it, which imports PyTorch's compiler: seconds in each stage

from uticket.config.training import Train


class SGD:
    """The optimizer of a training of `num_steps` steps.

    v = momentum v + (gradient + weight_decay w); w = w - rate v. The rate of step t = 0, 1, ... is
    learning_rate (1 + cos(pi t / num_steps)) / 2. network: whose parameters all take part in the loss, but for
    those that require no gradient.
    """

    def __init__(self, network: nn.Module, settings: Train, num_steps: int) -> None:
        self._parameters: list[Tensor] = [p for p in network.parameters() if p.requires_grad]
        self._settings, self._num_steps, self.steps = settings, num_steps, 0
        self.momenta = [torch.zeros_like(p, requires_grad=False) for p in self._parameters]

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._settings.learning_rate * (1 + math.cos(math.pi * self.steps / self._num_steps)) / 2

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change all parameters by one step."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        assert len(gradients) == len(self._parameters), "every parameter takes part in the loss"
        momenta: list[Tensor | None] = [*self.momenta]
        sgd(
            self._parameters,
            gradients,
            momenta,
            fused=True,
            lr=self.rate,
            momentum=self._settings.momentum,
            weight_decay=self._settings.weight_decay,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        self.steps += 1

    def restore(self, momenta: Sequence[Tensor], steps: int) -> None:
        """Set the momenta and the number of steps taken, to resume a training."""
        for ours, theirs in zip(self.momenta, momenta, strict=True):
            ours.copy_(theirs)
        self.steps = steps
