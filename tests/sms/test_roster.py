"""A part leaves by the nearest bind that takes it, and an operator is down when a side of it is."""

from ccserver.sms.roster import OTHER_OPERATOR_AFTER_S, Roster
from tests.sms.gate import Bind

NOTHING: dict[str, int] = {}


def test_an_operator_is_down_since_the_last_of_its_binds_was_lost() -> None:
    one, two = Bind("north-1"), Bind("north-2")
    roster = Roster({"north": [one, two]})
    assert roster.down_since("north") is None
    one.down_since = 5.0
    assert roster.down_since("north") is None
    two.down_since = 9.0
    assert roster.down_since("north") == 9.0


def test_a_side_that_is_gone_is_down_though_the_other_one_works() -> None:
    sends, receives = Bind("tx"), Bind("rx")
    roster = Roster({"north": [sends, receives]}, modes={"tx": "transmitter", "rx": "receiver"})
    sends.down_since = 7.0
    assert roster.down_since("north") == 7.0
    receives.down_since = 4.0
    assert roster.down_since("north") == 4.0
    sends.down_since = None
    assert roster.down_since("north") == 4.0


def test_an_operator_that_only_delivers_is_not_down_for_want_of_a_sender() -> None:
    roster = Roster({"north": [Bind("rx")]}, modes={"rx": "receiver"})
    assert roster.down_since("north") is None


def test_a_bind_that_only_receives_is_never_chosen_and_another_operator_is() -> None:
    roster = Roster({"north": [Bind("rx")], "south": [Bind("south-1")]}, modes={"rx": "receiver"})
    chosen = roster.choose("north", "rx", now=0.0, taken=NOTHING)
    assert chosen is not None
    assert chosen.name == "south-1"


def test_the_citizens_bind_then_its_sister_then_another_operator_after_a_while() -> None:
    first, second, other = Bind("north-1"), Bind("north-2"), Bind("south-1")
    roster = Roster({"north": [first, second], "south": [other]})

    def chosen(now: float = 0.0, **taken: int) -> str | None:
        one = roster.choose(
            "north",
            "north-2",
            now=now,
            taken={name.replace("_", "-"): count for name, count in taken.items()},
        )
        return None if one is None else one.name

    assert chosen() == "north-2"
    assert chosen(north_2=10) == "north-1"
    assert chosen(north_2=10, north_1=10) is None
    second.throttled = True
    assert chosen() == "north-1"
    first.down_since = second.down_since = 100.0
    assert chosen(100.0 + OTHER_OPERATOR_AFTER_S - 1) is None
    assert chosen(100.0 + OTHER_OPERATOR_AFTER_S) == "south-1"
    other.throttled = True
    assert chosen(100.0 + OTHER_OPERATOR_AFTER_S) is None


def test_whose_bind_a_name_is() -> None:
    roster = Roster({"north": [Bind("north-1")]})
    assert roster.operator_of("north-1") == "north"
    assert roster.operator_of("gone") is None
