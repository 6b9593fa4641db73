"""What the site has beyond docs/, a hook of MkDocs: pages of the root, and the files that pages link to.

Links are written as GitHub follows them, relative to the page in the repository. Here README.md and its neighbours
become pages, and another file of the repository that a page links to is copied into the site.
"""

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
LINK = re.compile(r"(?<=\]\()(?P<path>[^()\s#:]+)(?=[#)])")
SHOWN = (".svg", ".png", ".html", ".csv")  # by browsers; what else is text gets an ending that they show
COPIES = "repository"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root; docs/ may have a first page of its own in place of README.md."""
    for source, name in PAGES.items():
        if name in files.src_uris:
            continue
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files, **_: Any) -> str:
    """Let the links of a page lead to the site's pages and copies; links to nothing stay, and MkDocs reports them."""
    source = Path(str(page.file.abs_src_path))

    def linked(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(source.parent / found["path"]))
        if not target.is_file() or not target.is_relative_to(ROOT):
            return found["path"]
        uri = uri_of(target.relative_to(ROOT))
        if uri.startswith(COPIES) and uri not in files.src_uris:
            files.append(File.generated(config, uri, abs_src_path=str(target)))
        return os.path.relpath(uri, PurePosixPath(page.file.src_uri).parent)

    return LINK.sub(linked, markdown)


def uri_of(path: Path) -> str:
    """Return where the site has a file of the repository."""
    name = path.as_posix()
    if name in PAGES:
        return PAGES[name]
    if name.startswith("docs/"):
        return name.removeprefix("docs/")
    return f"{COPIES}/{name}" + ("" if path.suffix in SHOWN else ".txt")
