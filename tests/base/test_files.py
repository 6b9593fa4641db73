import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from uticket.base.arrays import load_arrays
from uticket.base.errors import InputError
from uticket.base.files import (
    is_file,
    is_folder,
    read_json,
    read_rows,
    replace_file,
    write_json,
    write_rows,
    write_text,
    written_together,
)
from uticket.base.process import Stopped

# --- writing: whole or not at all


def test_file_appears_whole_with_its_folder(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"

    def write(part: Path) -> None:
        part.write_text("half")
        assert not path.exists()
        part.write_text("whole")

    replace_file(path, write)
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_files_of_a_folder_appear_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with written_together(Path("a/ticket")) as part:
        write_text(part / "one.txt", "1")
        write_text(part / "figures" / "two.svg", "2")
        assert not Path("a/ticket").exists()
    assert Path("a/ticket/one.txt").read_text() + Path("a/ticket/figures/two.svg").read_text() == "12"
    assert [path.name for path in Path("a").iterdir()] == ["ticket"]


@pytest.mark.parametrize(
    "error",
    [InputError("{part}/x: expected"), OSError(28, "No space left on device"), RuntimeError(), KeyboardInterrupt()],
)
def test_a_folder_whose_files_cannot_all_be_written_stays_as_it_was(tmp_path, error):
    folder = tmp_path / "ticket"
    write_text(folder / "one.txt", "old")
    (tmp_path / ".ticket.part").mkdir()  # of a run that was killed
    (tmp_path / ".ticket.part" / "three.txt").write_text("half")

    def fail() -> None:
        with written_together(folder) as part:
            write_text(part / "one.txt", "new")
            assert not (part / "three.txt").exists()
            if isinstance(error, InputError):
                write_text(part / "one.txt" / "below", "")
            raise error

    with pytest.raises(InputError if isinstance(error, OSError) else type(error)) as raised:
        fail()
    if isinstance(raised.value, InputError):
        assert str(raised.value).startswith(f"{folder}")
        assert ".part" not in str(raised.value)
    assert (folder / "one.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_signal_while_files_are_put_in_place_leaves_all_new_ones(tmp_path, monkeypatch):
    replace, put = Path.replace, []

    def replace_and_stop(file: Path, target: Path) -> None:
        replace(file, target)
        put.append(target)
        if len(put) == 3:  # both files are written, one is in its place
            raise Stopped(signal.SIGTERM)

    def write() -> None:
        with written_together(tmp_path / "ticket") as part:
            for name in ("one.txt", "two.txt"):
                write_text(part / name, "new")

    for name in ("one.txt", "two.txt"):
        write_text(tmp_path / "ticket" / name, "old")
    monkeypatch.setattr(Path, "replace", replace_and_stop)
    with pytest.raises(Stopped):
        write()
    assert [path.read_text() for path in (tmp_path / "ticket").iterdir()] == ["new", "new"]
    assert [path.name for path in tmp_path.iterdir()] == ["ticket"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a bug"), KeyboardInterrupt()])
def test_writing_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail(part: Path) -> None:
        part.write_text("half")
        raise error

    expected = InputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised:
        replace_file(path, fail)
    if isinstance(error, OSError):
        assert str(raised.value) == f"{path}: expected a place to write to, got: No space left on device"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_target_that_is_a_folder_or_below_a_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "folder", tmp_path / "file" / "inner.txt", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match=f"{path.name[:9]}.*: expected a place to write to, got: "):
            write_text(path, "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert list((tmp_path / "folder").iterdir()) == []


def test_text_has_the_same_bytes_on_any_machine(tmp_path):
    write_text(tmp_path / "file.txt", "µ\n2\n")
    assert (tmp_path / "file.txt").read_bytes() == b"\xc2\xb5\n2\n"


# --- JSON and CSV


def test_json_is_read_as_written(tmp_path):
    values = {"a": [1, 2.5, None], "µ": "text"}
    write_json(tmp_path / "a.json", values)
    assert read_json(tmp_path / "a.json") == values
    assert json.loads((tmp_path / "a.json").read_text()) == values


def test_what_is_no_json_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(InputError, match=r"a.json: expected JSON that an earlier stage wrote, got no file$"):
        read_json(path)
    for content in (b"", b'{"a": 1', b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "a": 2}}]', b"\xff\xfe", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a.json: expected a plan, got: \S") as error:
            read_json(path, "a plan")
        assert "\n" not in str(error.value)


def test_rows_are_read_as_written_with_every_digit(tmp_path):
    path = tmp_path / "a.csv"
    write_rows(path, [{"name": "a,b", "share": 0.1 + 0.2, "left": None}, {"name": 'c"', "share": 1e-300, "left": 3}])
    assert path.read_text().splitlines()[0] == "name,share,left"
    rows = read_rows(path)
    assert [row["name"] for row in rows] == ["a,b", 'c"']
    assert [float(row["share"]) for row in rows] == [0.1 + 0.2, 1e-300]
    assert [row["left"] for row in rows] == ["", "3"]


def test_rows_with_other_columns_are_an_error_and_missing_ones_empty(tmp_path):
    write_rows(tmp_path / "a.csv", [{"a": 1, "b": 2}, {"a": 3}])
    assert read_rows(tmp_path / "a.csv")[1] == {"a": "3", "b": ""}
    with pytest.raises(ValueError, match="'c'"):
        write_rows(tmp_path / "a.csv", [{"a": 1}, {"c": 2}])


def test_table_without_rows_has_its_header(tmp_path):
    write_rows(tmp_path / "a.csv", [], header=["a", "b"])
    assert (tmp_path / "a.csv").read_text() == "a,b\n"
    assert read_rows(tmp_path / "a.csv") == []


def test_missing_or_unreadable_table_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "a.csv"
    with pytest.raises(InputError, match=r"a.csv: expected a table, got no file; run the stage that writes it"):
        read_rows(path)
    for content in (b"a\n\xff\xfe\n", b"a\n" + b"x" * 200_000, b'a\n"x', b'a\n"x"y\n'):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a.csv: expected a table, got: .*; run the stage that writes it"):
            read_rows(path)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "expected a table, got no columns"),
        ("\na,b\n", "expected a table, got no columns"),
        ("a,b,a\n1,2,3\n", "expected different columns, got 'a' twice"),
        ("a,b\n1,2\n1\n", "row 2: expected 2 cells, got 1"),
        ("a,b\n1,2,3\n", "row 1: expected 2 cells, got 3"),
        ("a,b\n\n", "row 1: expected 2 cells, got 0"),
    ],
)
def test_table_whose_rows_do_not_fit_its_columns_is_an_error_that_names_the_row(tmp_path, text, error):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=f"a.csv: {error}; run the stage that writes it$"):
        read_rows(tmp_path / "a.csv")


def test_only_regular_files_of_some_size_are_read(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    for link in ("/dev/zero", "a.json", "."):
        path.unlink(missing_ok=True)
        path.symlink_to(link)
        with pytest.raises(InputError, match="a.json: expected a plan, got"):
            read_json(path, "a plan")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="a.json: expected a plan, got a pipe, device or socket"):
        read_json(path, "a plan")
    path.unlink()
    path.touch()
    os.truncate(path, 10 * 2**30)  # sparse: takes no disk
    with pytest.raises(InputError, match="a.json: expected a plan of at most 16,777,216 bytes, got 10,737,418,240"):
        read_json(path, "a plan")
    with pytest.raises(InputError, match="a.json: expected a table of at most 268,435,456 bytes"):
        read_rows(path)


# --- safetensors


def test_arrays_are_read_in_the_order_that_is_asked_for(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"b": np.ones(2), "a": np.zeros(3)}, path)
    assert list(load_arrays(path, ["b", "a"])) == ["b", "a"]
    assert list(load_arrays(path)) == ["a", "b"]
    with pytest.raises(InputError, match=r"a.safetensors: expected the array 'c', got a, b"):
        load_arrays(path, ["a", "c"])


def test_missing_or_damaged_safetensors_file_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"a": np.zeros(3)}, path)
    whole = path.read_bytes()
    for content in (b"", b"damaged", whole[:-4]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="a.safetensors: expected a safetensors file, got: "):
            load_arrays(path)
    path.unlink()
    with pytest.raises(InputError, match=r"a.safetensors: expected a safetensors file, got no file$"):
        load_arrays(path)


def test_asking_whether_there_is_a_file_or_folder_never_fails(tmp_path):
    assert is_folder(tmp_path)
    assert not is_file(tmp_path)
    for path in (tmp_path / ("x" * 300), tmp_path / "absent"):
        assert not is_folder(path)
        assert not is_file(path)
