import logging
import sys

import pytest

from uticket.base.progress import bar, log, start_logging


@pytest.fixture(autouse=True)
def restored():
    """The logger of the library as it was, after the test."""
    handlers, level, propagate = list(log.handlers), log.level, log.propagate
    yield
    log.handlers, log.propagate = handlers, propagate
    log.setLevel(level)


def test_log_goes_to_standard_error_with_the_time_of_day(capsys, monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
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
    assert capsys.readouterr().err == ""


def test_bar_shows_on_a_terminal_only_and_yields_all_items(capsys, monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    assert list(bar([1, 2, 3], "counting", "numbers")) == [1, 2, 3]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(bar([1, 2, 3], "counting", "numbers")) == [1, 2, 3]
    assert "counting" in capsys.readouterr().err


def test_other_loggers_are_left_alone(monkeypatch):
    before = list(logging.getLogger().handlers)
    start_logging()
    assert logging.getLogger().handlers == before
