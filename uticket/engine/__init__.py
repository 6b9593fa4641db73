"""Spiking layers: neurons, convolutions, pooling and norm on CPUs and GPUs."""
