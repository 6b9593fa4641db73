"""The tutorial and the how-tos do what they say: their commands are run, in one project."""

import pytest

from tests.docs.pages import Command, Reader, Save, is_printed, steps_of
from tests.helpers import ROOT

HOW_TOS = ["own-mask.md", "own-chip.md", "sweeps.md", "in-a-paper.md", "share-cache.md"]  # in the tutorial's project
PAGE = """\
Save this:

```python
# made.py: two lines
print(1.5, "s")
```

<!-- exact -->
```console
$ python \\
    made.py
1.5 s
$ true
```

```text
$ never run
```
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Reader:
    """A reader who has done the tutorial."""
    reader = Reader(tmp_path_factory.mktemp("tutorial"))
    reader.follow(ROOT / "docs" / "tutorial.md")
    return reader


def test_the_tutorial_ends_with_a_balanced_project(reader):
    assert (reader.folder / "report" / "index.html").exists()
    assert (reader.folder / "explored" / "pareto.svg").exists()


@pytest.mark.parametrize("name", HOW_TOS)
def test_a_how_to_works_in_the_project_of_the_tutorial(reader, name):
    start = reader.folder
    reader.follow(ROOT / "docs" / name)
    reader.folder = start


def test_a_page_is_its_commands_with_their_output_and_its_files():
    save, run, silent = steps_of(PAGE)
    assert save == Save(4, "made.py", '# made.py: two lines\nprint(1.5, "s")\n')
    assert run == Command(10, "python \\\n    made.py", ("1.5 s",), exact=True)
    assert silent == Command(13, "true", (), exact=True)


def test_output_is_compared_line_by_line(tmp_path):
    output = "first 1\n\nlayer   0.25\n12 %  lth/r02\nlast\n"
    assert is_printed(("first 2", "layer 9,999.5", "3 % lth/r02", "last"), output, exact=False)
    assert is_printed(("...", "12 %  lth/r02", "last"), output, exact=True)
    assert not is_printed(("...", "13 % lth/r02", "last"), output, exact=True)
    assert not is_printed(("first 1", "last"), output, exact=False)  # lines between them are not left out silently
    assert not is_printed(("...", "12 % lth/r03", "last"), output, exact=False)  # a name is no number
    page = tmp_path / "page.md"
    page.write_text("```console\n$ mkdir here && cd here\n$ false\n```\n")
    with pytest.raises(AssertionError, match=r"page.md:3: false: exit code 1"):
        Reader(tmp_path).follow(page)
