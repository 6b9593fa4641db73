"""A small convolutional network of snnTorch; docs/own-network.md explains it."""

import snntorch as snn
import torch
from torch import nn


class Example(nn.Module):
    """Two convolutions with batch norm and neurons, then a linear layer; the timesteps are a loop."""

    def __init__(self, model, image_shape, num_classes):
        super().__init__()
        channels, height, width = image_shape
        self.timesteps = model.timesteps
        self.conv1, self.norm1 = nn.Conv2d(channels, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.conv2, self.norm2 = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.lif1, self.lif2 = (snn.Leaky(beta=model.leak, init_hidden=True) for _ in range(2))
        self.fc = nn.Linear(32 * height * width, num_classes)

    def forward(self, images):
        """(B, channels, height, width) -> (T, B, classes)."""
        current, outputs = self.norm1(self.conv1(images)), []
        for _ in range(self.timesteps):
            spikes = self.lif2(self.norm2(self.conv2(self.lif1(current))))
            outputs.append(self.fc(spikes.flatten(1)))
        return torch.stack(outputs)
