import logging
import sys
import time
from pathlib import Path

import pytest

from uticket.base import progress
from uticket.base.progress import bar, in_words, log, log_end, start_logging, underway


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Bars and lines appear without a delay, in the first of several processes."""
    for name in ("SECONDS_OF_SHORT", "SECONDS_BETWEEN_BEATS", "SECONDS_TO_A_LINE", "MOST_SECONDS_TO_A_LINE"):
        monkeypatch.setattr(progress, name, 0.0)
    monkeypatch.delenv("RANK", raising=False)


def on_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def until(found):
    """Wait until `found` returns something, as another thread writes it."""
    for _ in range(1000):
        if found():
            return True
        time.sleep(0.01)
    return False


def test_log_goes_to_standard_error_with_the_time_of_day(capsys):
    start_logging()
    start_logging()  # twice is as once
    log.info("epoch %d", 3)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("epoch 3") == 1
    assert err[2] == err[5] == ":"


def test_of_processes_that_train_together_the_first_one_logs(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    start_logging()
    log.info("said once only")
    assert list(bar([1], "counting", "numbers")) == [1]
    assert capsys.readouterr().err == ""


def test_to_a_caller_of_the_library_nothing_is_shown_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(log, "handlers", [])  # a command that ran before in this process adds one
    assert list(bar([1, 2, 3], "counting", "numbers")) == [1, 2, 3]
    with underway("waiting"):
        pass
    assert capsys.readouterr().err == ""


def test_bar_shows_on_a_terminal_and_yields_all_items(capsys, monkeypatch):
    on_terminal(monkeypatch)
    assert list(bar([1, 2, 3], "counting", "numbers")) == [1, 2, 3]
    err = capsys.readouterr().err
    assert "counting: " in err
    assert "/3 [" in err
    assert "so far" not in err


def test_a_short_step_shows_no_bar(capsys, monkeypatch):
    on_terminal(monkeypatch)
    monkeypatch.setattr(progress, "SECONDS_OF_SHORT", 1000.0)
    assert list(bar([1, 2, 3], "counting", "numbers")) == [1, 2, 3]
    assert capsys.readouterr().err == ""


def test_a_bar_moves_while_an_item_takes_long_and_leaves_the_line_empty(capsys, monkeypatch):
    on_terminal(monkeypatch)
    seen = []
    with underway("reading x.pt"):
        assert until(lambda: seen.append(capsys.readouterr().err) or sum("reading x.pt  00:00" in s for s in seen) > 2)
    assert capsys.readouterr().err.endswith("\r")


def test_in_a_log_a_line_says_how_far_a_bar_is(capsys):
    start_logging()
    with bar(None, "mapping lth", "mappings", total=2500) as shown:
        shown.update(1250)
        lines: list[str] = []
        assert until(lambda: lines.extend(capsys.readouterr().err.splitlines()) or "1,250" in "".join(lines))
        shown.set_postfix_str("epoch 3/5")
    line = next(line for line in lines if "1,250" in line)
    assert line[8:] == "  mapping lth  0.0 s so far, 1,250 of 2,500 mappings, about 0.0 s left"
    rest = capsys.readouterr().err
    assert "left, epoch 3/5" in rest
    assert "\r" not in rest


def test_lines_of_a_log_become_rarer(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_TO_A_LINE", 5.0)
    monkeypatch.setattr(progress, "MOST_SECONDS_TO_A_LINE", 60.0)
    start_logging()
    lines = progress._Lines(None, desc="x", delay=1000)
    times = [lines._due]
    for _ in range(9):
        lines.start_t -= times[-1] - (lines._time() - lines.start_t)
        lines.display()
        times.append(lines._due)
    assert times == pytest.approx([5, 10, 15, 22.5, 33.8, 50.6, 75.9, 114, 171, 231], rel=0.01)
    assert capsys.readouterr().err.count("so far") == 9


def test_the_end_of_a_stage_names_its_file_and_time(caplog):
    with caplog.at_level("INFO", logger="uticket"):
        log_end("map", "lth, 6 tickets", Path("mapping/lth"))
    (message,) = caplog.messages
    assert message.startswith("map  lth, 6 tickets; mapping/lth in ")


@pytest.mark.parametrize(("seconds", "text"), [(4.23, "4.2 s"), (75.4, "75 s"), (119.9, "120 s"), (1860, "31 min")])
def test_times_in_words(seconds, text):
    assert in_words(seconds) == text


def test_other_loggers_are_left_alone():
    before = list(logging.getLogger().handlers)
    start_logging()
    assert logging.getLogger().handlers == before
