"""Revisions by their names, and their files, without a checkout."""

from pathlib import Path

import pytest

from tests.comparing.helpers import FILES, OTHER, commit, experiment, git, two_branches
from uticket.base.errors import InputError
from uticket.comparing.repository import Repository, Revision


@pytest.fixture
def folder(tmp_path) -> Path:
    return two_branches(tmp_path / "project")


def rounds(folder: Path, name: str) -> str:
    """The table of rounds at a revision."""
    repository = Repository(folder)
    return repository.texts(repository.revision(name), ["report/rounds.csv"])["report/rounds.csv"]


def test_branches_tags_commits_and_what_git_makes_of_them(folder):
    git(folder, "tag", "--annotate", "v1", "other", "--message", "one")
    commit(folder, {"report/rounds.csv": "third\n"})
    (folder / "report/rounds.csv").write_text("now\n")
    first = git(folder, "rev-parse", "HEAD~1")
    for name in ("HEAD~1", first, first[:9], "main^"):
        assert rounds(folder, name) == FILES["report/rounds.csv"], name
    for name in ("other", "refs/heads/other", "heads/other", "v1"):
        assert rounds(folder, name) == OTHER["report/rounds.csv"], name
    assert (rounds(folder, "main"), rounds(folder, "workspace")) == ("third\n", "now\n")


def test_a_fresh_clone_knows_the_branches_of_its_remote(folder):
    clone = folder.parent / "clone"
    git(folder.parent, "clone", "--quiet", "project", "clone")
    assert rounds(clone, "other") == OTHER["report/rounds.csv"]
    assert "refs/heads/other" not in git(clone, "for-each-ref")
    git(clone, "remote", "add", "second", "../project")
    git(clone, "fetch", "--quiet", "second")
    assert rounds(clone, "other") == OTHER["report/rounds.csv"]  # the same commit twice
    commit(folder, {"report/rounds.csv": "new\n"})
    git(folder, "branch", "--force", "other", "main")
    git(clone, "fetch", "--quiet", "second")
    with pytest.raises(
        InputError, match=r"^other: expected one revision, got refs/remotes/origin/other, refs/remotes/se"
    ):
        rounds(clone, "other")


@pytest.mark.parametrize("name", ["leaky-jays", "with/slash"])
def test_experiments_as_dvc_names_them(folder, name):
    base = git(folder, "rev-parse", "main")
    ref = experiment(folder, name, base, {"report/rounds.csv": "of the experiment\n"})
    assert rounds(folder, name) == rounds(folder, ref) == "of the experiment\n"
    assert rounds(folder, "main") == FILES["report/rounds.csv"]


def test_a_name_of_several_revisions_is_refused(folder):
    base, other = git(folder, "rev-parse", "main"), git(folder, "rev-parse", "other")
    ref = experiment(folder, "twice", base, {"report/rounds.csv": "a\n"})
    git(folder, "switch", "--quiet", "other")
    experiment(folder, "twice", other, {"report/rounds.csv": "b\n"})
    with pytest.raises(InputError, match="^twice: expected one revision, got refs/exps/.*; name one of them in full$"):
        rounds(folder, "twice")
    assert rounds(folder, ref) == "a\n"
    git(folder, "tag", "main", "other")
    with pytest.raises(InputError, match="^main: expected one revision, got refs/heads/main, refs/tags/main;"):
        rounds(folder, "main")


@pytest.mark.parametrize("name", ["nowhere", "", "--all", "-h", "^main", "main:report", "a\nb", "HEAD~9", "0" * 40])
def test_an_unknown_name_is_one_line(folder, name):
    with pytest.raises(InputError, match="expected a branch, tag, commit or experiment, or workspace, got a name"):
        Repository(folder).revision(name)


def test_an_unknown_name_is_followed_by_the_nearest_one_or_by_what_lists_them(folder):
    experiment(folder, "leaky-jays", git(folder, "rev-parse", "main"), {"report/rounds.csv": "a\n"})
    git(folder.parent, "clone", "--quiet", "project", "clone")
    for project, name, near in [
        (folder, "mian", "main"),
        (folder, "leaky-jay", "leaky-jays"),
        (folder, "worspace", "workspace"),
        (folder.parent / "clone", "othr", "other"),
    ]:
        with pytest.raises(InputError, match=rf"does not have; did you mean {near}\?$"):
            Repository(project).revision(name)
    with pytest.raises(InputError, match=r"`git branch --all` and `dvc exp list --all-commits` list them$"):
        Repository(folder).revision("nowhere")


def test_no_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="expected a Git repository, got: fatal: not a git repository"):
        Repository(tmp_path).revision("main")


def test_a_project_below_the_top_of_its_repository(tmp_path):
    top = two_branches(tmp_path / "top")
    commit(top, {f"deep er/project/{name}": text.replace("0.88", "0.77") for name, text in FILES.items()})
    assert rounds(top / "deep er" / "project", "main") == FILES["report/rounds.csv"].replace("0.88", "0.77")


def test_absent_files_folders_and_links(folder):
    (folder / "link.csv").symlink_to("report/rounds.csv")
    commit(folder, {"folder.csv/inner": "x", "empty.csv": ""})
    repository = Repository(folder)
    paths = ["folder.csv", "empty.csv", "none.csv", "report/rounds.csv"]
    found = repository.texts(repository.revision("main"), paths)
    assert found == {"empty.csv": "", "report/rounds.csv": FILES["report/rounds.csv"]}
    assert repository.texts(Revision("workspace"), ["none.csv", "link.csv"]) == {"link.csv": FILES["report/rounds.csv"]}


def test_what_is_no_text_is_named(folder):
    (folder / "report/rounds.csv").write_bytes(b"\xff\xfe")
    git(folder, "commit", "--quiet", "--all", "--message", "bytes")
    with pytest.raises(InputError, match="^main:report/rounds.csv: expected a text file"):
        rounds(folder, "main")
    with pytest.raises(InputError, match=r"report/rounds.csv: expected a text file"):
        rounds(folder, "workspace")


def test_what_is_too_large_is_named_before_it_is_read(folder, monkeypatch):
    monkeypatch.setattr("uticket.comparing.repository.MOST_BYTES_OF_TABLE", 50)
    monkeypatch.setattr(Repository, "_contents", None)
    with pytest.raises(InputError, match="^main:report/rounds.csv: expected a file of at most 50 bytes, got 1"):
        rounds(folder, "main")


@pytest.mark.parametrize("subject", ["a\x0cb", "a\rb", "a\x85b", "a\u2028b"])
def test_a_subject_may_hold_what_else_ends_a_line(folder, subject):
    (folder / "message").write_bytes(subject.encode())
    git(folder, "commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--file", "message")
    repository = Repository(folder)
    revisions = [repository.revision(name) for name in ("main", "other")]
    found = repository.described(revisions)
    assert [found[revision.commit][2].replace("\n", "\r") for revision in revisions] == [subject, "sixty-four"]


def test_names_that_git_takes_and_python_does_not(folder):
    """Of bytes that are no UTF-8, and with white space that is no blank."""
    for name in ("caf\udce9", "wide\u3000space"):
        git(folder, "branch", name, "other")
        assert rounds(folder, name) == OTHER["report/rounds.csv"]


def test_nothing_is_written(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    repository = Repository(folder)
    repository.described([repository.revision(name) for name in ("main", "other", "workspace")])
    rounds(folder, "other")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
