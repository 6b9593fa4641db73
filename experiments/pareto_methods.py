"""What `experiments.pareto` compares: data sets, and methods, each a chain of tickets."""

from dataclasses import dataclass, field
from typing import Any

from experiments.chains import Settings

DATA: dict[str, Settings] = {  # on top of params.yaml
    "digits": {"report": {"sample_images": 16}},
    "cifar10": {
        "report": {"sample_images": 16},
        "data": {"name": "folder", "size": 16, "channels": 3},
        "train": {"epochs": 6, "augment": {"crop": 2, "flip": True}},
    },
}


@dataclass(frozen=True)
class Method:
    """What a chain does."""

    balance: Settings | None
    delta: Settings = field(default_factory=dict)  # other settings, on top of those of the data
    chain: str | None = None  # whose tickets it runs in another way; None: its own

    @property
    def training(self) -> Settings:
        """The settings that its dense network depends on."""
        return {block: self.delta[block] for block in ("model", "train", "rewind") if block in self.delta}

    @property
    def trains_like(self) -> str:
        """The first method that starts from the same dense network."""
        return next(name for name, other in METHODS.items() if other.training == self.training)


LONGER: Settings = {"train": {"epochs": 24}}
LAYERS = ("conv2", "conv3", "conv4", "conv5", "conv6")
EARLY = LAYERS[:3]  # of VGG-7: where the event model spends nine tenths of the time
FIRST4 = {"conv2": 4}  # where it spends seven tenths
FIRST8 = {"conv2": 8, "conv3": 4, "conv4": 4}
FIRST16 = {"conv2": 8, "conv3": 16, "conv4": 16}
GRADED = {"conv2": 16, "conv3": 8, "conv4": 8, "conv5": 4, "conv6": 4}


def _sharing(share: Any, **more: Any) -> Settings:
    return {"select": "magnitude", "share": share, **more}


def _mapping(policy: str) -> Settings:
    return {"hw": {"mapping": policy}}


METHODS = {
    "lth": Method(None),
    "lth-sorted": Method(None, _mapping("sorted"), chain="lth"),
    "lth-paired": Method(None, _mapping("paired"), chain="lth"),
    "uticket": Method({}),
    "magnitude": Method({"select": "magnitude"}),
    "constant": Method({"scope": "layer", "select": "magnitude"}),
    "blocks": Method({"select": "magnitude", "blocks": True}),
    "structured": Method(None, {"prune": {"score": "filter_norm", "scope": "layer"}}),
    "share2": Method(_sharing(2)),
    "share4": Method(_sharing(4)),
    "share8": Method(_sharing(8)),
    "share16": Method(_sharing(16)),
    "share4-2": Method(_sharing([4, 4, 4, 4, 2])),  # from coarse to fine
    "share4-4-2": Method(_sharing([4, 4, 4, 4, 4, 2])),
    "share8-4": Method(_sharing([8, 8, 8, 8, 4])),
    "share8-4-2": Method(_sharing([8, 8, 4, 4, 2])),
    "share8-4-4-2": Method(_sharing([8, 8, 8, 4, 4, 2])),
    "share16-8": Method(_sharing([16, 16, 16, 16, 8])),
    "first8": Method(_sharing({"conv2": 8})),
    "early4": Method(_sharing(dict.fromkeys(EARLY, 4))),
    "early16": Method(_sharing(dict.fromkeys(EARLY, 16))),
    "first4-1": Method(_sharing([4, 4, 4, 4, FIRST4])),  # in the end only where the time is spent
    "first4-2": Method(_sharing([4, 4, 4, 4, {**dict.fromkeys(LAYERS, 2), **FIRST4}])),
    "first8-1": Method(_sharing([8, 8, 8, 8, FIRST8])),
    "mixed-1": Method(_sharing([{**FIRST16, "conv5": 4, "conv6": 4}] * 4 + [FIRST16])),
    "graded": Method(_sharing(GRADED)),
    "budget5": Method(_sharing(16, share_budget=0.05)),  # in each round, where it saves most
    "budget10": Method(_sharing(16, share_budget=0.1)),
    "budget20": Method(_sharing(16, share_budget=0.2)),
    "share4-alike": Method(_sharing(4, team="alike"), _mapping("patterns")),
    "share4-late": Method(_sharing(4), {"rewind": {"epoch": 3}}),
    "uticket-longer": Method({}, LONGER),
    "share4-longer": Method(_sharing(4), LONGER),
    "share4-4-2-longer": Method(_sharing([4, 4, 4, 4, 4, 2]), LONGER),
    "first4-1-longer": Method(_sharing([4, 4, 4, 4, FIRST4]), LONGER),
    "first4-2-longer": Method(_sharing([4, 4, 4, 4, {**dict.fromkeys(LAYERS, 2), **FIRST4}]), LONGER),
    "first8-1-longer": Method(_sharing([8, 8, 8, 8, FIRST8]), LONGER),
    "mixed-1-longer": Method(_sharing([{**FIRST16, "conv5": 4, "conv6": 4}] * 4 + [FIRST16]), LONGER),
    "graded-longer": Method(_sharing(GRADED), LONGER),
    "share8-4-longer": Method(_sharing([8, 8, 8, 8, 4]), LONGER),
    "share8-4-4-2-longer": Method(_sharing([8, 8, 8, 4, 4, 2]), LONGER),
    "share16-8-longer": Method(_sharing([16, 16, 16, 16, 8]), LONGER),
    "share8-longer": Method(_sharing(8), LONGER),
    "share16-longer": Method(_sharing(16), LONGER),
}
