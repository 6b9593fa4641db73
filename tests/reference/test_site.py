"""The site builds without a warning and without network, works from disk, and has what its pages link to."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from reference.site import LINK, PAGES
from tests.helpers import ROOT

LOADED = {("script", "src"), ("link", "href"), ("img", "src")}  # without a click


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    nobody = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # in place of a network
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, **quiet, **nobody})
    assert result.returncode == 0, result.stderr
    assert "Documentation built" in result.stderr  # a quiet build counts no warnings, which are errors
    assert "WARNING" not in result.stderr
    return folder


class Links(HTMLParser):
    """What a page loads and links to: (tag, attribute, address)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value or "") for name, value in attrs if name in ("src", "href")]


def links_of(page: Path) -> list[tuple[str, str, str]]:
    parser = Links()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.found


def test_every_page_of_docs_and_the_root_is_a_page_of_the_site(site):
    sources = [path.stem for path in (ROOT / "docs").glob("*.md")] + [Path(name).stem for name in PAGES.values()]
    assert {path.stem for path in site.glob("*.html")} == {*sources, "404"}


def test_pages_load_nothing_from_elsewhere_and_link_to_what_is_there(site):
    for page in site.glob("*.html"):
        for tag, attribute, address in links_of(page):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                assert (tag, attribute) not in LOADED, f"{page.name} loads {address}"
            elif parts.path and page.name != "404.html":  # served for any address, so its own are absolute
                assert (site / unquote(parts.path)).exists(), f"{page.name} links to {address}"
    for style in site.glob("assets/stylesheets/*.css"):
        assert not re.search(r"url\([\"']?https?:", style.read_text(encoding="utf-8"))


def test_files_of_the_repository_are_copied_where_pages_link_to_them(site):
    loaded = [address for tag, _, address in links_of(site / "simulator.html") if tag == "img"]
    assert "repository/report/figures/sweep-broadcast.width.svg" in loaded
    name = "report/figures/sweep-broadcast.width.svg"
    assert (site / "repository" / name).read_bytes() == (ROOT / name).read_bytes()


def test_names_of_the_api_have_their_docstrings_and_settings_their_meaning(site):
    text = re.sub("<[^>]+>", "", (site / "names.html").read_text(encoding="utf-8"))
    assert "Give the PEs equal work" in text
    assert "Tokens (or channels) that wait at a PE; inf." in text


def test_the_search_works_from_disk(site):
    assert "weight sparsity pattern" in (site / "search/search_index.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_links_of_the_root_lead_to_files(name):
    """The site has a first page of docs/ in place of README.md, if there is one."""
    linked = [found["path"] for found in LINK.finditer((ROOT / name).read_text(encoding="utf-8"))]
    assert [path for path in linked if path.startswith("docs/") and not (ROOT / path).exists()] == []
    assert name == "CHANGELOG.md" or linked
