import numpy as np
import pandas as pd
import pytest

import uticket as ut
from experiments.rivals import BEGIN, END, OURS, PAGE, RESULTS, markdown, run
from tests.helpers import between, layer_of
from uticket.config.tables import RIVALS


def test_rows_have_the_cycles_of_each_layer_and_what_unlimited_fifos_would_save(params):
    rng = np.random.default_rng(0)
    layers = [layer_of(40, 16, (8, 8), name="conv2"), layer_of(16, 40, (8, 8), name="conv3")]
    mask = {n.name: rng.random(n.weight_shape) < 0.05 for n in layers}
    spikes = {n.name: rng.random((1, 4, n.channels, 8, 8)) < 0.2 for n in layers}
    ticket = ut.Ticket(layers, mask, timesteps=4, spikes=spikes)
    table = pd.DataFrame(run({"a": ticket, "b": ticket}, params))
    assert list(table.columns) == list(pd.read_csv(RESULTS).columns)
    assert table["ticket"].tolist() == ["a", "a", "b", "b"]
    assert table["layer"].tolist() == ["conv2", "conv3"] * 2
    compared = ut.compare_rivals(ticket, params.hw.array, params.hw.broadcast)
    assert table["events"].tolist()[:2] == [cycles.events for cycles in compared.layers]
    assert table["unlimited"].sum() < table["events"].sum()


def test_table_sums_the_layers_and_divides_by_the_event_model():
    one = {"ticket": "a", "layer": "conv2", **dict.fromkeys([*OURS, *RIVALS], 100.0)}
    lines = markdown(pd.DataFrame([one, {**one, "layer": "conv3", "loas": 200.0}])).splitlines()
    assert len(lines) == 2 + len(OURS) + len(RIVALS)
    assert "| LoAS | neurons, weights | 300 | 1.50 |" in lines


@pytest.mark.parametrize("name", RIVALS)
def test_page_describes_each_rival(name):
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{name}` |")]
    assert f"| {', '.join(RIVALS[name].skips) or 'nothing'} |" in line
    assert f"- **`{name}`**" in PAGE.read_text()


def test_page_has_the_table_of_the_results():
    assert between(PAGE, BEGIN, END) == markdown(pd.read_csv(RESULTS))
