"""How a process begins and how it ends, whatever happens to it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import ENDING, ROOT
from uticket.base import process

BEGIN = "from uticket.base.process import begin; begin()"
COMMAND = f"""
import sys, time, click
{BEGIN}
from uticket.cli.oneline import OneLine
@click.command(cls=OneLine)
def main():
    BODY
main()
"""


def program(body: str, begin: str = COMMAND) -> list[str]:
    return [sys.executable, "-c", begin.replace("BODY", body)]


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=60, **options)


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert len(line) <= 400
    return line.removeprefix("Error: ")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("open('/no/such')", "/no/such: expected to be readable or a place to write to, got: No such file"),
        ("import numpy; numpy.empty(2**50)", "memory: expected enough for this input, got: Unable to allocate"),
        ("raise MemoryError", "memory: expected enough for this input, got: MemoryError"),
        ("raise RuntimeError('DefaultCPUAllocator: can\\'t allocate memory')", "memory: expected enough"),
    ],
)
def test_errors_that_can_be_foreseen_are_one_line(body, line):
    done = run(program(body))
    assert the_line(done).startswith(line)
    assert done.returncode == 2


@pytest.mark.parametrize("begin", [COMMAND, f"{BEGIN}\nBODY"], ids=["command", "imports"])
def test_what_nobody_foresaw_is_one_line_and_a_traceback_in_a_file(begin, tmp_path):
    done = run(program("{}['a' * 1000 + chr(10)]", begin), env=os.environ | {"TMPDIR": str(tmp_path)})
    assert done.returncode == 1
    line = the_line(done)
    assert line.startswith("a defect of uticket, please report it: KeyError: 'aaa")
    (file,) = tmp_path.glob("uticket-*.log")
    assert line.endswith(f"; its traceback is in {file}")
    assert "Traceback (most recent call last)" in file.read_text()


@pytest.mark.usefixtures("heeding_signals")
@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("begin", [COMMAND, f"import sys, time\n{BEGIN}\nBODY"], ids=["command", "imports"])
def test_a_signal_ends_with_one_line_whether_or_not_imports_are_over(begin, number):
    body = "print('ready', flush=True); time.sleep(60)"
    with subprocess.Popen(program(body, begin), cwd=ROOT, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert errors == f"Error: stopped by {number.name}\n"
    assert process.returncode == 128 + number


def test_a_signal_lets_what_is_half_written_be_removed_and_a_second_one_does_not_wait(tmp_path):
    body = "\n    ".join(
        ["try:", "    print('ready', flush=True); time.sleep(60)", "finally:", "    print('removed', flush=True); BODY"]
    )
    for more, last in (("pass", 1), ("time.sleep(60)", 2)):
        with subprocess.Popen(
            program(body.replace("BODY", more)), cwd=ROOT, stdout=-1, stderr=-1, text=True
        ) as process:
            for expected in ("ready\n", "removed\n")[:2]:
                assert process.stdout.readline() == expected
                if expected == "ready\n" or last == 2:
                    process.terminate()
            _, errors = process.communicate(timeout=20)
        assert errors == "Error: stopped by SIGTERM\n"
        assert process.returncode == 128 + signal.SIGTERM


def test_under_nohup_the_end_of_the_terminal_stops_nothing():
    body = (
        f"signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{BEGIN}\nsignal.raise_signal(signal.SIGHUP)\nprint('goes on')"
    )
    done = run([sys.executable, "-c", f"import signal\n{body}"], stdout=subprocess.PIPE)
    assert done.stdout == "goes on\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_or_closed_output_is_one_line():
    commands = [
        program("print('x' * 100)"),
        program("click.echo('x')"),
        [sys.executable, "-m", "uticket.cli", "--help"],
    ]
    for command in commands:
        with open("/dev/full", "w") as full:  # noqa: PTH123
            done = run(command, stdout=full)
        assert the_line(done).startswith("standard output: expected")
        assert done.returncode == 2
        closed = run(["sh", "-c", '"$@" >&-', "sh", *command])
        assert the_line(closed).startswith("standard output: expected")
        assert closed.returncode == 2


def test_no_file_gets_the_number_of_a_closed_stream():
    body = f"{BEGIN}\nimport os\nnumber = os.open(os.devnull, os.O_RDONLY)\nsys.exit(number if number < 3 else 99)"
    closed = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", f"import sys\n{body}"]
    assert run(closed).returncode == 99


def test_numba_gets_the_threads_of_pytorch():
    show = f"{BEGIN}\nimport os\nprint(os.environ.get('NUMBA_NUM_THREADS'))"
    environment = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    for more, expected in (({}, "None"), ({"OMP_NUM_THREADS": "1"}, "1"), ({"NUMBA_NUM_THREADS": "3"}, "3")):
        done = run([sys.executable, "-c", show], stdout=subprocess.PIPE, env=environment | more)
        assert done.stdout.strip() == expected, more


def test_a_process_ends_soon_after_its_dvc_was_killed_even_while_it_imports(tmp_path):
    """A made-up dvc starts the process through a shell, as the real one does, and gets SIGKILL."""
    dvc, pids = tmp_path / "dvc", tmp_path / "pids"
    dvc.write_text(f"#!{sys.executable}\nimport subprocess, sys\nsubprocess.run(sys.argv[1], shell=True)\n")
    dvc.chmod(0o755)
    for begin in (COMMAND, f"import sys, time\n{BEGIN}\nBODY"):
        script = tmp_path / "script.py"
        script.write_text(
            begin.replace("BODY", f"open({str(pids)!r}, 'w').write(str(__import__('os').getpid())); time.sleep(60)")
        )
        environment = os.environ | {"DVC_ROOT": str(tmp_path), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [dvc, f"{sys.executable} {script}; true"], env=environment, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while not (pids.exists() and pids.read_text()):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.kill()
        process.wait()
        pid = int(pids.read_text())
        pids.unlink()
        until = time.monotonic() + 15
        while _runs(pid):
            assert time.monotonic() < until, "it still runs"
            time.sleep(0.1)


def test_a_signal_in_a_callback_where_errors_are_lost_stops_the_command_all_the_same():
    callback = "ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGTERM))()"
    done = run(program(f"import ctypes, signal; {callback}; time.sleep(60)"))
    assert (done.returncode, done.stderr) == (143, "Error: stopped by SIGTERM\n")


def test_a_process_whose_dvc_ended_before_it_looked_ends_too(tmp_path):
    """The shell that dvc started gets to the first process with what it runs."""
    pid_file, script = tmp_path / "pid", tmp_path / "script.py"
    script.write_text(
        f"import os, sys, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\n{BEGIN}\ntime.sleep(60)"
    )
    environment = os.environ | {"DVC_ROOT": str(tmp_path), "PYTHONPATH": str(ROOT)}
    left = f"(sleep 0.5; {sys.executable} {script}; true) &"
    subprocess.run(["sh", "-c", left], env=environment, check=True, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()) or _runs(int(pid_file.read_text())):
        assert time.monotonic() < until, "it still runs"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("above", "left"),
    [
        ([(7, "sh"), (1, "init")], True),
        ([(1, "tini")], True),
        ([(7, "zsh"), (5, "systemd"), (1, "systemd")], True),  # the user's
        ([(7, "sh"), (1, "python3")], False),  # runs DVC through its API in a container
        ([(7, "sh"), (6, "jupyter-lab"), (1, "systemd")], False),
        ([], False),
    ],
)
def test_a_process_was_left_if_nothing_but_a_shell_is_below_the_first(above, left):
    assert process._was_left(above) == left


def _runs(pid: int) -> bool:
    try:
        return not re.search(r"\) Z ", Path(f"/proc/{pid}/stat").read_text())
    except FileNotFoundError:
        return False
