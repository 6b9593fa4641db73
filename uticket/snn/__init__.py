"""Spiking networks: data, neuron, models, training, measured activity. The only folder that imports torch."""
