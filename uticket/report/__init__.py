"""The tables, figures and the page that a run is read from."""
