"""A search over seeds, presets and methods as jobs of a cluster."""
