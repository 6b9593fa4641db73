"""A training step of a dense network: ours, a snnTorch loop over the timesteps, and SpikingJelly's ways.

The networks of the default run (vgg7 at 8 x 8) and of the paper (VGG-16 at 32 x 32), T = 4; the same batch, loss and
optimizer for all. On a CPU ours runs with `train.sparse` auto and off. They run in turn in one process; images/s are
from medians of the repeats. On a GPU all run in bfloat16 too, and ours through torch.compile; a way that fails is
reported with its error. `python -m benchmarks.train` prints JSON.
"""

import json
import platform
from collections.abc import Callable

import click
import torch
from torch import Tensor

from benchmarks.plain import plain_networks
from benchmarks.step import by_spikes, settings, stepper
from benchmarks.timing import in_turn
from uticket.base.errors import one_line
from uticket.networks.network import build
from uticket.training.device import choose_device

CASES = {"vgg7 at 8 x 8": ("vgg7", (1, 8, 8), 64, 10), "vgg16 at 32 x 32": ("vgg16", (3, 32, 32), 64, 1)}
ON_GPU = {"vgg7 at 8 x 8": ("vgg7", (1, 8, 8), 128, 20), "vgg16 at 32 x 32": ("vgg16", (3, 32, 32), 128, 20)}

Calls = dict[str, Callable[[], None]]


def ours(name: str, images: Tensor, labels: Tensor, steps: int) -> Calls:
    """Return the ways in which our network is trained on the device of the images."""
    fresh = [build(settings(name), images.shape[1:], 10, seed=0).to(images.device) for _ in range(3)]
    calls = {"ours": stepper(fresh[0], images, labels, steps)}
    if not images.is_cuda:
        by_spikes(fresh[0], images.shape[1:])
        calls["ours, sparse off"] = stepper(fresh[1], images, labels, steps)
    else:
        calls["ours bf16"] = stepper(fresh[1], images, labels, steps, bfloat16=True)
        calls["ours bf16 compiled"] = stepper(torch.compile(fresh[2]), images, labels, steps, bfloat16=True)
    return calls


def theirs(name: str, images: Tensor, labels: Tensor, steps: int) -> Calls:
    """Return the ways in which users of other libraries train it there."""
    calls = {}
    for bfloat16 in (False, True) if images.is_cuda else (False,):
        for way, network in plain_networks(settings(name), images.shape[1], 10, images.device).items():
            calls[f"{way} bf16" if bfloat16 else way] = stepper(network, images, labels, steps, bfloat16)
    return calls


def working(calls: Calls) -> tuple[Calls, dict[str, str]]:
    """Call each way once; return those that ran, and the errors of the rest."""
    ran, failed = {}, {}
    for way, call in calls.items():
        try:
            call()
            ran[way] = call
        except Exception as error:  # whatever another library, or a kernel on a card that it has never seen, raises
            failed[way] = one_line(error)
    return ran, failed


@click.command(help=__doc__)
@click.option("--case", "cases", type=click.Choice(list(CASES)), multiple=True, help="Default: all.")
@click.option("--device", default="auto", show_default=True, help="auto | cpu | cuda")
@click.option("--repeats", default=15, show_default=True)
@click.option("--batch", type=int, help="Images of a step. Default: 64, 128 on a GPU.")
@click.option("--steps", type=int, help="Of a repeat.")
def main(cases: tuple[str, ...], device: str, repeats: int, batch: int | None, steps: int | None) -> None:
    """Measure and print JSON."""
    where = choose_device(device)
    gpu = where.type == "cuda"
    torch.backends.cudnn.allow_tf32 = True  # as PyTorch has it unless told otherwise: what users of all libraries get
    name = torch.cuda.get_device_name(where) if gpu else platform.machine()
    report = {"repeats": repeats, "device": name, "threads": torch.get_num_threads(), "cases": {}}
    for case in cases or CASES:
        network, shape, usual, steps_of_repeat = (ON_GPU if gpu else CASES)[case]
        count, times = batch or usual, steps or steps_of_repeat
        images, labels = torch.randn(count, *shape, device=where), torch.randint(10, (count,), device=where)
        sets = network, images, labels, times
        ran, failed = working(ours(*sets) | theirs(*sets))
        rates = {way: count * times / seconds for way, seconds in in_turn(ran, repeats).items()}
        faster = {way: rates["ours"] / rate for way, rate in rates.items() if way != "ours" and "ours" in rates}
        report["cases"][case] = {"images_per_second": rates, "times_faster": faster, "failed": failed}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
