"""Files of a project at revisions of its Git repository; nothing is checked out, and DVC is not needed."""

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uticket.base.errors import InputError, listed, shortened, suggestion
from uticket.base.files import MOST_BYTES, MOST_BYTES_OF_TABLE, read_text
from uticket.project.programs import run

WORKSPACE = "workspace"  # the files of the folder as they are, which DVC calls so too
BRANCHES, TAGS, REMOTES = "refs/heads/", "refs/tags/", "refs/remotes/"
# and its name: DVC files experiments by the commit that they began at
EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/")


@dataclass(frozen=True)
class Revision:
    """A state of the project by the name that the user gave it; the workspace has no commit."""

    name: str
    commit: str | None = None


@dataclass(frozen=True)
class Repository:
    """The Git repository that a project is in, at its top or below it."""

    folder: Path  # the project's

    def revision(self, name: str) -> Revision:
        """Return the revision of a name: workspace, an experiment, or whatever Git takes.

        A branch of a remote is found without the remote's name, as in a fresh clone. Raises InputError if the folder is
        in no repository, or if the name is unknown or stands for several commits.
        """
        if name == WORKSPACE:
            return Revision(name)
        refs = self._refs()
        for found in (_named(refs, name), self._parsed(name), _of_remotes(refs, name)):
            if len(set(found.values())) > 1:
                raise InputError(
                    f"{shortened(name)}: expected one revision, got {listed(found)}; name one of them in full"
                )
            if found:
                return Revision(name, next(iter(found.values())))
        expected = "a branch, tag, commit or experiment, or workspace"
        hint = suggestion(name, _short_names(refs)) or "; `git branch --all` and `dvc exp list --all-commits` list them"
        raise InputError(f"{shortened(name)}: expected {expected}, got a name that this repository does not have{hint}")

    def texts(self, revision: Revision, paths: Sequence[str]) -> dict[str, str]:
        """Return the text of those files that there are, by their path in the project.

        Raises InputError, naming revision and file, if one is too large or no text.
        """
        if revision.commit is None:
            there = [path for path in paths if (self.folder / path).exists()]
            return {path: read_text(self.folder / path, most=_most(path)) for path in there}
        found, sizes = {}, self._sizes(revision.commit, paths)
        where = f"{shortened(revision.name)}:"
        for path, size in sizes.items():
            if size > _most(path):
                raise InputError(f"{where}{path}: expected a file of at most {_most(path):,} bytes, got {size:,}")
        for path, content in self._contents(revision.commit, sizes).items():
            try:
                found[path] = content.decode()
            except ValueError:
                raise InputError(f"{where}{path}: expected a text file, got none") from None
        return found

    def described(self, revisions: Sequence[Revision]) -> dict[str, tuple[str, str, str]]:
        """Return abbreviated commit, date and subject of each commit."""
        commits = sorted({revision.commit for revision in revisions if revision.commit})
        if not commits:
            return {}
        form = "--format=%H%x00%h%x00%cs%x00%s"  # and NUL between commits: a subject may hold any other character
        fields = iter(self._git("log", "--no-walk=unsorted", "-z", form, *commits, "--").split("\0"))
        return {commit: (short, date, subject) for commit, short, date, subject in zip(*[fields] * 4, strict=False)}

    def _git(self, *arguments: str) -> str:
        ran = run(self.folder, "git", *arguments)
        if ran.returncode:
            said = " ".join(ran.stderr.split()) or "an error without a word"
            raise InputError(f"{self.folder}: expected a Git repository, got: {said}")
        return ran.stdout

    def _refs(self) -> dict[str, str]:
        """Return the commit of each ref; of an annotated tag, the one that it names."""
        lines = self._git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)").split("\n")
        return {parts[0]: parts[2] or parts[1] for line in lines if line for parts in [line.split(" ")]}

    def _parsed(self, name: str) -> dict[str, str]:
        """Return what Git itself makes of a name: HEAD~2, a commit, part of a ref."""
        if name.startswith(("-", "^")):  # an option; all but a commit
            return {}
        ran = run(self.folder, "git", "rev-parse", "--verify", "--quiet", name + "^{commit}")
        return {name: ran.stdout.strip()} if ran.returncode == 0 else {}

    def _sizes(self, commit: str, paths: Iterable[str]) -> dict[str, int]:
        """Return the bytes of those files that a commit has."""
        heads = self._cat("--batch-check=%(objecttype) %(objectsize)", commit, paths).splitlines()
        found = zip(paths, map(bytes.split, heads), strict=True)
        return {path: int(size) for path, (kind, size) in found if kind == b"blob"}

    def _contents(self, commit: str, sizes: Mapping[str, int]) -> dict[str, bytes]:
        """Return the content of files that a commit has. sizes: of each, in bytes."""
        every, end, found = self._cat("--batch", commit, sizes), 0, {}
        for path, size in sizes.items():
            start = every.index(b"\n", end) + 1  # past the head of the file
            found[path] = every[start : start + size]
            end = start + size + 1
        return found

    def _cat(self, what: str, commit: str, paths: Iterable[str]) -> bytes:
        """Return what Git says of files at a commit, all of them in one process."""
        asked = "".join(f"{commit}:./{path}\n" for path in paths).encode()
        ran = subprocess.run(["git", "cat-file", what], cwd=self.folder, input=asked, capture_output=True)
        if ran.returncode:
            said = " ".join(ran.stderr.decode(errors="replace").split())
            raise InputError(f"{self.folder}: expected files that Git can read, got: {said}")
        return ran.stdout


def _most(path: str) -> int:
    """Return how many bytes of a file are read."""
    return MOST_BYTES_OF_TABLE if path.endswith(".csv") else MOST_BYTES


def _named(refs: dict[str, str], name: str) -> dict[str, str]:
    """Return the branches, tags and experiments of exactly this name."""
    found = {ref: commit for ref, commit in refs.items() if ref in (BRANCHES + name, TAGS + name)}
    return found | {ref: commit for ref, commit in refs.items() if EXPERIMENT.sub("", ref, count=1) == name != ref}


def _of_remotes(refs: dict[str, str], name: str) -> dict[str, str]:
    """Return the branches of this name that remotes have."""
    return {
        ref: commit
        for ref, commit in refs.items()
        if ref.startswith(REMOTES) and ref.removeprefix(REMOTES).partition("/")[2] == name
    }


def _short_names(refs: Iterable[str]) -> list[str]:
    """Return how a user would name branches, tags, experiments, and the branches of remotes."""
    local = [EXPERIMENT.sub("", ref).removeprefix(BRANCHES).removeprefix(TAGS) for ref in refs]
    return [
        WORKSPACE,
        *(ref.removeprefix(REMOTES).partition("/")[2] if ref.startswith(REMOTES) else ref for ref in local),
    ]
