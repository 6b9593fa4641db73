"""Records that stages write as JSON, checked as strictly as params.yaml when they are read."""

from pathlib import Path
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uticket.base.errors import InputError
from uticket.base.files import RERUN, parse_json, read_text
from uticket.config.block import Block, Timesteps
from uticket.config.wording import describe

Record = TypeVar("Record", bound=BaseModel)


def read_document(path: Path, record: type[Record], what: str) -> Record:
    """Read a JSON file as a record: no doubled or unknown keys, and no value of another type, such as "32" for 32.

    Raises InputError: the file, the key, what was expected, what it got. what: as in `read_json`.
    """
    text = read_text(path, what)
    parse_json(path, text, what)
    try:
        return record.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error, record)}") from None


class Document(Block):
    """A JSON file that a stage wrote."""

    what: ClassVar[str] = "JSON that an earlier stage wrote"
    hint: ClassVar[str] = RERUN  # what to do about a wrong one

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file. Raises InputError, naming it and what to do, if it is missing or no such record."""
        try:
            return read_document(path, cls, cls.what)
        except InputError as error:
            raise InputError(f"{error}; {cls.hint}") from None


class SearchFound(Document):
    """What the dense training found for the search of tickets (search.json)."""

    timesteps: Timesteps
    divergence: dict[str, float] | None = None


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Metrics(Document):
    """What the report takes of metrics.json of a ticket, in which there is more."""

    model_config = ConfigDict(extra="ignore")

    accuracy: Share
    sparsity: Share
    spike_sparsity: float  # NaN if no layer runs on the PEs


class About(Document):
    """What a prepared data set is (about.json)."""

    what: ClassVar[str] = "prepared images"
    hint: ClassVar[str] = "run the stage data"

    name: str
    image_shape: tuple[int, ...]  # (channels, height, width), or (bins, channels, height, width) of frames
    train_images: int
    test_images: int
    classes: tuple[str, ...]
