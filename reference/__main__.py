"""Write the reference pages of docs/ from the code: `python -m reference`, a part of `make readme`."""

from collections.abc import Callable
from pathlib import Path

from reference import commands, parameters, tables
from uticket.base.files import write_text

PAGES: dict[str, Callable[[Path], str]] = {
    "docs/parameters.md": parameters.page,
    "docs/tables.md": tables.page,
    "docs/commands.md": commands.page,
}
ROOT = Path(__file__).parent.parent


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        write_text(ROOT / name, page(ROOT))
        print(f"{name}: written")


if __name__ == "__main__":
    main()
