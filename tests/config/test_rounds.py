"""`uticket rounds`: edits of params.yaml that change the lines of tickets only."""

from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from tests.config.helpers import comments
from tests.helpers import PARAMS
from uticket.config.params import read_params
from uticket.config.rounds import keep_chains

FILE = Path("params.yaml")
THIRD = "  constant: {scope: layer, mode: both, select: random}\n\n# METHOD/NAME:"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml as the working folder."""
    monkeypatch.chdir(tmp_path)
    FILE.write_text(PARAMS.read_text())
    return tmp_path


def replace(old: str, new: str) -> str:
    """Change the text of params.yaml; return it."""
    text = FILE.read_text()
    assert text.count(old) == 1
    FILE.write_text(text.replace(old, new))
    return text.replace(old, new)


def chain(method: str) -> list[str]:
    return read_params(FILE).lineage.chain(method)


def test_rounds_write_chains_and_keep_comments_and_other_methods():
    replace("\n\n# METHOD/NAME:", f"\n{THIRD}")
    replace("  lth/r01: dense\n", "  constant/r01: dense\n  lth/r01: dense\n")
    for number in (13, 2):
        printed("rounds", number)
        assert len(chain("lth")) == len(chain("uticket")) == number + 1
        assert read_params(FILE).lineage.line("uticket/r02") == ["dense", "uticket/r01", "uticket/r02"]
        assert chain("constant") == ["dense", "constant/r01"]
        assert comments(FILE.read_text()) == comments(PARAMS.read_text())
    for number in (3, 1):
        printed("rounds", number, "--methods", "constant")
        assert chain("constant") == ["dense", "constant/r01", "constant/r02", "constant/r03"][: number + 1]
        assert len(chain("lth")) == 3
        assert comments(FILE.read_text()) == comments(PARAMS.read_text())


def test_chains_that_are_kept_keep_what_they_are_pruned_from():
    printed("rounds", 2)
    keep_chains(FILE, ["uticket"])
    params = read_params(FILE)
    assert (list(params.tickets), list(params.balance)) == (["uticket/r01", "uticket/r02"], ["uticket"])
    assert params.report.baseline == "uticket"
    assert comments(FILE.read_text()) == comments(PARAMS.read_text())


def test_a_chain_of_two_methods_keeps_both():
    printed("rounds", 2)
    replace("  uticket/r02: uticket/r01\n", "  uticket/r02: lth/r01\n")
    keep_chains(FILE, ["uticket"])
    assert read_params(FILE).tickets == {"lth/r01": "dense", "uticket/r01": "dense", "uticket/r02": "lth/r01"}
    assert read_params(FILE).report.baseline == "lth"


def test_only_the_lines_of_the_chains_change():
    text = FILE.read_text()
    printed("rounds", 6)
    assert FILE.read_text() == text
    printed("rounds", 7, "--methods", "lth")
    assert FILE.read_text() == text.replace("  lth/r06: lth/r05\n", "  lth/r06: lth/r05\n  lth/r07: lth/r06\n")


def test_a_method_without_tickets_gets_its_chain_at_the_end():
    replace("\n\n# METHOD/NAME:", f"\n{THIRD}")
    assert "balance: expected an entry for each method of tickets" in fails("check")
    printed("rounds", 2, "--methods", "constant")
    assert chain("constant") == ["dense", "constant/r01", "constant/r02"]
    assert "uticket/r06: uticket/r05\n  constant/r01: dense\n" in FILE.read_text()


def test_methods_are_separated_by_commas_with_or_without_blanks():
    assert printed("rounds", 2, "--methods", " lth, uticket,lth").startswith(
        "params.yaml: 2 rounds of lth, uticket\nnext: "
    )
    assert len(chain("lth")) == len(chain("uticket")) == 3


def test_lines_of_tickets_that_stay_are_kept_and_wrong_parents_are_mended():
    replace("  uticket/r02: uticket/r01\n", "  uticket/r02: uticket/r01  # mine\n    # and this\n")
    replace("  uticket/r03: uticket/r02\n", "  uticket/r03: lth/r02\n")
    printed("rounds", 6)
    assert chain("uticket") == ["dense", *(f"uticket/r0{n}" for n in range(1, 7))]
    assert "  uticket/r02: uticket/r01  # mine\n    # and this\n" in FILE.read_text()


def test_comments_and_blank_lines_between_tickets_stay_when_tickets_go():
    replace("  lth/r03: lth/r02\n", "\n  # from here on\n  lth/r03: lth/r02\n")
    replace("  uticket/r01: dense\n", "\n  # ours\n\n  uticket/r01: dense\n")
    replace("  uticket/r06: uticket/r05\n", "  uticket/r06: uticket/r05\n  # the end\n")
    lines = ["# from here on", "# ours", "# the end"]
    printed("rounds", 2)
    assert [line.strip() for line in FILE.read_text().splitlines() if line.strip() in lines] == lines
    assert chain("uticket") == ["dense", "uticket/r01", "uticket/r02"]


def test_tickets_may_be_the_last_block():
    head, _, rest = FILE.read_text().partition("tickets:\n")
    tickets, _, others = rest.partition("\n# Array of processing")
    FILE.write_text(f"{head}# Array of processing{others}\ntickets:\n{tickets}")
    printed("rounds", 2)
    assert chain("lth") == ["dense", "lth/r01", "lth/r02"]
    assert FILE.read_text().endswith("  uticket/r02: uticket/r01\n")


@pytest.mark.parametrize(
    "tickets",
    [
        "{lth/r01: dense, uticket/r01: dense}",
        "\n  {lth/r01: dense,\n  uticket/r01: dense}",
    ],
)
def test_tickets_in_another_layout_are_an_error_and_stay(project, tickets):
    head, _, rest = FILE.read_text().partition("tickets:\n")
    text = f"{head}tickets: {tickets}\nhw:\n{rest.partition('hw:')[2].lstrip()}"
    text = text.replace("hw:\n", "hw:\n  ", 1)
    FILE.write_text(text)
    read_params(FILE)
    assert "params.yaml: expected blocks of settings, each ticket and method on lines of" in fails("rounds", 3)
    assert FILE.read_text() == text
    assert list(project.iterdir()) == [project / FILE]


def test_rounds_that_would_break_the_params_change_nothing(project):
    replace("\n\n# METHOD/NAME:", f"\n{THIRD}")
    text = replace("  lth/r01: dense\n", "  lth/r01: dense\n  constant/r01: lth/r06\n")
    assert "Error: params.yaml: tickets.constant/r01: expected a parent" in fails("rounds", 3)
    expected = "--methods: expected methods of the block balance of params.yaml (lth, uticket, constant), got 'other'"
    assert expected in fails("rounds", 3, "--methods", "lth,other")
    assert "got ''" in fails("rounds", 3, "--methods", "lth,")
    assert "N: expected less than or equal to 99, got '100'" in fails("rounds", 100)
    assert FILE.read_text() == text
    assert list(project.iterdir()) == [project / FILE]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "expected YAML, got no file"),
        (b"", "expected blocks of settings"),
        (b"[1, 2]", "expected blocks of settings"),
        (b"seed: [", "expected YAML, got: "),
        (b"title: \xb5", "expected YAML, got: "),
        (b"balance:\n  lth: null\n", "expected blocks of settings, each ticket and method on lines of its own, got"),
        (b"balance:\n  lth: null\ntickets:\n", "expected blocks of settings"),
    ],
)
def test_file_that_is_missing_or_no_params_is_an_error_that_names_it(content, error):
    FILE.unlink()
    if content is not None:
        FILE.write_bytes(content)
    assert f"Error: params.yaml: {error}" in fails("rounds", 2, "--methods", "lth")


def test_params_that_cannot_be_written_are_named_as_given(monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    text = FILE.read_text()
    monkeypatch.setattr(Path, "write_bytes", fail)
    expected = "Error: params.yaml: expected a place to write to, got: No space left on device\n"
    assert fails("rounds", 2) == expected
    assert FILE.read_text() == text


def test_link_to_params_stays_a_link(project):
    FILE.rename("mine.yaml")
    FILE.symlink_to("mine.yaml")
    printed("rounds", 2)
    assert FILE.is_symlink()
    assert read_params("mine.yaml").lineage.chain("lth") == ["dense", "lth/r01", "lth/r02"]
