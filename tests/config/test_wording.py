from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field, ValidationError, model_validator

from uticket.config.block import Block
from uticket.config.wording import describe


def even(value: int) -> int:
    if value % 2:
        raise ValueError(f"expected an even number, got {value}")
    return value


class Inner(Block):
    size: int = 1
    pair: Annotated[int, AfterValidator(even)] = 2


class Outer(Block):
    inner: Inner = Inner()
    maybe: Inner | None = None
    by_name: dict[str, Inner | None] = Field(default_factory=dict)
    word: Literal["one", "two", "three"] = "one"
    text: Annotated[str, Field(min_length=1)] = "text"
    some: Annotated[list[int], Field(min_length=1)] = Field(default=[1])

    @model_validator(mode="after")
    def _check(self) -> "Outer":
        if self.word == "three":
            raise ValueError("word: expected one of the first two, got 'three'")
        if self.word == "two":
            raise ValueError("expected more than two words")
        return self


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"inner": {"size": "1"}}, "inner.size: expected integer, got '1'"),
        ({"inner": {"size": None}}, "inner.size: expected integer, got nothing"),
        ({"inner": {"pair": 3}}, "inner.pair: expected an even number, got 3"),
        ({"inner": 3}, "inner: expected a block of keys and values, got 3"),
        ({"word": "four"}, "word: expected 'one', 'two' or 'three', got 'four'"),
        ({"word": "three"}, "word: expected one of the first two, got 'three'"),
        ({"word": "two"}, "expected more than two words"),
        ({"text": ""}, "text: expected some text, got ''"),
        ({"some": []}, "some: expected at least one, got []"),
        ({"inner": {"size": "x" * 200}}, f"inner.size: expected integer, got '{'x' * 79}..."),
        ({"inner": {"sise": 1}}, "inner.sise: expected one of size, pair, got the unknown key 'sise'; did you mean "
         "size?"),
        ({"maybe": {"x": 1}}, "maybe.x: expected one of size, pair, got the unknown key 'x'"),
        ({"by_name": {"a": {"x": 1}}}, "by_name.a.x: expected one of size, pair, got the unknown key 'x'"),
        ({"by_name": {3: None}}, "by_name.3: expected string, got 3"),
        ({"inner": {"size": "1"}, "text": 3}, "inner.size: expected integer, got '1' (and 1 more)"),
        ({"inner": {"size": "1"}, "txt": ""}, "txt: expected one of inner, maybe, by_name, word, text, some, got the "
         "unknown key 'txt'; did you mean text? (and 1 more)"),
        (None, "top level: expected a block of keys and values, got nothing"),
    ],
)  # fmt: skip
def test_a_failed_check_is_one_line(values: Any, line: str):
    with pytest.raises(ValidationError) as error:
        Outer.model_validate(values)
    assert describe(error.value, Outer) == line


def test_a_check_across_keys_stands_below_its_block():
    class Whole(Block):
        outer: Outer = Outer()

    with pytest.raises(ValidationError) as error:
        Whole.model_validate({"outer": {"word": "three"}})
    assert describe(error.value, Whole) == "outer.word: expected one of the first two, got 'three'"
    with pytest.raises(ValidationError) as error:
        Whole.model_validate({"outer": {"word": "two"}})
    assert describe(error.value, Whole) == "outer: expected more than two words"


def test_broken_json_is_one_line():
    with pytest.raises(ValidationError) as error:
        Outer.model_validate_json("{")
    assert describe(error.value, Outer).startswith("expected JSON, got: EOF while parsing")
