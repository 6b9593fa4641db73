import pytest

from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.config.plan import ChainPlan, TicketPlan, read_chain, read_plan
from uticket.config.pruning import Balance

PLAN = TicketPlan(
    ticket="uticket/r02",
    parent="uticket/r01",
    round=2,
    final=False,
    balance=Balance(scope="group", mode="recover", select="magnitude"),
    array=Array(pes=4),
)
CHAIN = ChainPlan(method="lth", rounds={"dense": 0, "lth/z": 1, "lth/a": 2, "lth/b": 3, "lth/c": 3})


@pytest.mark.parametrize("plan", [PLAN, PLAN.model_copy(update={"balance": None, "array": None}), CHAIN])
def test_plan_is_read_as_written_with_the_same_bytes(tmp_path, plan):
    for name in ("one.json", "two.json"):
        plan.write(tmp_path / name)
    assert type(plan).read(tmp_path / "one.json") == plan
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_plans_are_found_by_ticket_and_method(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PLAN.write(tmp_path / "plans" / "uticket" / "r02.json")
    CHAIN.write(tmp_path / "plans" / "lth.json")
    assert read_plan("uticket/r02") == PLAN
    assert read_chain("lth") == CHAIN


def test_last_ticket_of_a_chain_is_the_one_of_the_highest_round():
    assert CHAIN.last == "lth/c"
    assert CHAIN.tickets[:2] == ["dense", "lth/z"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", r"expected JSON that an earlier stage wrote, got: .*; run the stage plan"),
        (None, r"expected JSON that an earlier stage wrote, got no file; run the stage plan"),
        ("[]", r"top level: expected a block of keys and values, got \[\]; run the stage plan"),
        ('{"method": "lth", "rounds": {}}', r"rounds: expected at least one, got \{\}; run the stage plan"),
        (
            '{"method": "lth", "method": "b", "rounds": {"dense": 0}}',
            r".*, got: the key 'method' twice; run",
        ),
        (
            '{"method": "lth", "rounds": {"dense": true}}',
            r"rounds.dense: expected integer, got True; run",
        ),
        ('{"method": "lth", "rounds": {"dense": 0.0}}', r"rounds.dense: expected integer, got 0.0; run the stage plan"),
        ('{"method": "lth"}', r"rounds: expected a value, got nothing; run the stage plan"),
        ('{"method": "lth", "rounds": {"dense": "0"}}', r"rounds.dense: expected integer, got '0'; run the stage plan"),
        (
            '{"method": "a", "rounds": {"b": 0}, "x": 1}',
            r"x: expected one of method, rounds, got the unknown key 'x'; run",
        ),
    ],
)
def test_what_is_no_plan_is_an_error_that_names_the_file(tmp_path, content, error):
    if content is not None:
        (tmp_path / "lth.json").write_text(content)
    with pytest.raises(InputError, match=rf"lth.json: {error}"):
        ChainPlan.read(tmp_path / "lth.json")
