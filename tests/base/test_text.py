from uticket.base.text import cell, heading, markdown_table, plain_table, text_table


def test_numbers_are_printed_for_people():
    assert cell("accuracy", 0.97222) == "97.22"
    assert cell("utilization_before", 0.5) == "50.00"
    assert cell("fifo_mean", 1.26) == "1.3"
    assert cell("latency_cycles", 1234567) == "1,234,567"
    assert cell("energy_saved_pct", 13.84) == "13.8"
    assert cell("energy_saved_pct", None) == cell("energy_saved_pct", float("nan")) == ""


def test_headings_have_units():
    assert heading("spike_sparsity") == "spike sparsity %"
    assert heading("spike_sram_reads") == "spike SRAM reads"
    assert (heading("dram_pj"), heading("pe_pj"), heading("mac_leakage_pj")) == ("DRAM pJ", "PE pJ", "mac leakage pJ")


def test_columns_without_a_value_are_left_out():
    table = text_table([{"method": "a", "energy": 1, "saved_pct": None}, {"method": "b", "energy": None, "pes": 4}])
    assert table.headings == ["method", "energy", "PEs"]
    assert table.rows == [["a", "1", ""], ["b", "", "4"]]


def test_a_table_for_a_terminal_is_aligned():
    rows = [{"name": "conv2", "energy": 1234}, {"name": "a", "energy": 5}]
    assert plain_table(rows).splitlines() == ["name   energy", "-----  ------", "conv2   1,234", "a           5"]


def test_a_table_in_markdown_has_its_numbers_on_the_right():
    assert markdown_table([{"name": "a", "energy": 5}]) == "| name | energy |\n| --- | ---: |\n| a | 5 |"
