"""How PyTorch is set up for a device."""

import torch

from uticket.training.device import choose_device


def test_convolutions_on_a_gpu_are_not_rounded_behind_the_back_of_fp32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert choose_device("cuda") == torch.device("cuda", 0)
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
