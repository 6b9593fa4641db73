from dataclasses import replace

from matplotlib.figure import Figure

from tests.report.conftest import MODELS, MakeOutputs, costs
from uticket.report.axes import Powers, log_axis
from uticket.report.drawing import draw_charts, panels
from uticket.report.section import Chart, Listing
from uticket.report.sections import energy, layers, sections, sweeps
from uticket.report.tables import Tables, gather

NAMES = ["rounds", "layers", "cost", "energy", "sweep-pes", "sweep-broadcast.fifo_depth", "training"]


def charts(tables: Tables) -> list[Chart]:
    return [part for section in sections(tables) for part in section.parts if isinstance(part, Chart)]


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[-1].texts]


def test_figures_are_the_same_bytes_for_the_same_tables(outputs: MakeOutputs):
    tables = gather(outputs(), "lth")
    drawn = draw_charts(charts(tables), tables)
    assert list(drawn) == NAMES
    assert all(drawing.svg.startswith("<?xml") and "<svg" in drawing.svg for drawing in drawn.values())
    assert all(drawing.pdf.startswith(b"%PDF") and b"/CreationDate" not in drawing.pdf for drawing in drawn.values())
    again = [chart for chart in charts(tables) if chart.name in ("energy", "training")]
    assert draw_charts(reversed(again), tables) == {chart.name: drawn[chart.name] for chart in again}


def test_a_figure_is_left_out_without_its_tables_or_columns(outputs: MakeOutputs):
    tables = gather(outputs(), "lth")
    assert "sweep-pes" not in [chart.name for chart in charts(replace(tables, sweeps=[]))]
    without = [{name: row[name] for name in row if name != "accuracy"} for row in tables.rounds]
    assert [chart.name for chart in charts(replace(tables, rounds=without))] == [
        name for name in NAMES if name != "rounds"
    ]


def test_a_section_without_parts_is_left_out(outputs: MakeOutputs):
    tables = gather(outputs(), "lth")
    assert "What is left after quantization?" in [section.heading for section in sections(tables)]
    assert "What is left after quantization?" not in [
        section.heading for section in sections(replace(tables, quantized=[]))
    ]


def test_waiting_is_not_mentioned_without_the_event_model(outputs: MakeOutputs):
    def titles(tables: Tables) -> list[str]:
        return [part.title for section in sections(tables) for part in section.parts if isinstance(part, Listing)]

    assert "What the PEs wait for" in titles(gather(outputs(), "lth"))
    assert "What the PEs wait for" not in titles(gather(outputs(models=MODELS[:1]), "lth"))


def test_a_sweep_has_a_line_for_each_method_and_model(outputs: MakeOutputs):
    tables, figure = gather(outputs(), "lth"), Figure(figsize=(8, 3))
    sweeps.plot_sweep("pes", "PEs", tables, figure)
    assert labels(figure) == ["lth, analytic", "lth, events", "uticket, analytic", "uticket, events"]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["8", "16"]
    assert figure.axes[0].get_lines()[0].get_linestyle() == "-"


def test_a_sweep_of_many_methods_is_a_higher_figure(outputs: MakeOutputs):
    tables = gather(outputs([f"method-{number}" for number in range(20)], 1, knobs={"pes": (8, 16)}), "lth")
    figure = Figure(figsize=(8, 3))
    sweeps.plot_sweep("pes", "PEs", tables, figure)
    assert figure.get_figheight() > 3
    assert len(figure.legends[0].get_texts()) == 40


def test_a_sweep_over_words_has_points_only(outputs: MakeOutputs):
    tables, figure = gather(outputs(knobs={"mapping": ("sorted", "contiguous")}), "lth"), Figure(figsize=(8, 3))
    sweeps.plot_sweep("mapping", "hw.mapping", tables, figure)
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["sorted", "contiguous"]
    assert figure.axes[0].get_lines()[0].get_linestyle() == "None"


def test_values_are_in_order_of_size_and_words_as_they_appear():
    assert sweeps.in_order(["16", "inf", "2", "16"]) == ["2", "16", "inf"]
    assert sweeps.in_order(["sorted", "2", "contiguous"]) == ["sorted", "2", "contiguous"]


def test_every_knob_gets_a_section_with_a_figure_and_a_table(outputs: MakeOutputs):
    tables = gather(outputs(knobs={"pes": (8,), "spare_pes": ("idle",)}), "lth")
    found = {section.heading: section.parts for section in sweeps.sections(tables)}
    assert list(found) == ["How many PEs are worth it?", "Other values of hw.spare_pes"]
    chart, listing = found["Other values of hw.spare_pes"]
    assert isinstance(chart, Chart)
    assert isinstance(listing, Listing)
    assert {row["value"] for row in listing.rows(tables)} == {"idle"}


def test_components_are_those_of_the_chip_without_the_memories(outputs: MakeOutputs):
    tables = gather(outputs(), "lth")
    assert energy.components(tables) == ["mac"]
    models = [{**row, "adder_dynamic_pj": 1.0, "adder_leakage_pj": 2.0} for row in tables.models]
    changed = replace(tables, models=models)
    figure = Figure(figsize=(8, 3))
    energy.plot_energy(changed, figure)
    bars = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert bars == ["MAC dynamic", "MAC leakage", "adder dynamic", "adder leakage"]


def test_many_layers_have_upright_names(outputs: MakeOutputs):
    rows = [{"method": "lth", "layer": f"block{number}.conv", **costs(8)} for number in range(20)]
    figure = Figure(figsize=(8, 3))
    layers.plot_layers(replace(gather(outputs(), "lth"), layers=rows), figure)
    assert figure.axes[0].get_xticklabels()[0].get_rotation() == 90
    assert figure.axes[0].get_position().y0 * 3 > 0.8  # inches


def test_powers_of_ten_are_plain_text():
    (axes,) = panels(Figure(figsize=(8, 3)))
    log_axis(axes, "latency")
    axes.set_ylim(1e4, 3e5)
    formatter = axes.yaxis.get_major_formatter()
    assert isinstance(formatter, Powers)
    assert [formatter(value) for value in (1e4, 2e4, 1e5)] == ["10⁴", "2\u00d710⁴", "10⁵"]
    axes.set_ylim(1e-3, 1e-2)
    assert axes.yaxis.get_major_formatter()(1e-3) == "10⁻³"


def test_a_table_shows_the_columns_that_fit_its_patterns():
    rows = [{"method": "lth", "mac_pj": 1, "knob": "pes", "lif_pj": 2}, {"method": "lth", "knob": "x"}]
    empty = {name: [] for name in Tables.__dataclass_fields__}
    tables = Tables(**{**empty, "models": rows})
    assert Listing("PEs", "models", "method *_pj", where={"knob": "pes"}).rows(tables) == [
        {"method": "lth", "mac_pj": 1, "lif_pj": 2}
    ]
    assert not Listing("Layers", "layers", "method").has_data(tables)
