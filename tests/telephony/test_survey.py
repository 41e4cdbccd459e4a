"""Asterisk's channels and bridges, sorted into callers, call takers' legs and strays."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from ccserver.telephony.survey import Where, survey


def caller(
    name: str = "c1",
    *,
    app: str = "StasisBroadcast",
    at: float = 1000.0,
    more: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    variables = {"CONTACT_ID": name, "ARRIVED_AT": str(at), "CALLER_NUMBER": "26123456", **more}
    return {
        "id": f"caller-{name}",
        "name": f"PJSIP/trunk-{name}",
        "state": "Up",
        "dialplan": {"app_name": app},
        "channelvars": variables,
    }


TALKS = {"CONVERSATION": "k1", "LEGS": "leg-o1"}


def leg(
    offer: str = "o1",
    contact: str = "c1",
    *,
    state: str = "Up",
    connected: str = "k1",
    prefix: str = "leg-",
    **more: str,
) -> dict[str, Any]:
    agent = {"AGENT_ID": "agent-101"} if prefix == "leg-" else {"PARTY_KIND": "service"}
    variables = {"CONTACT_ID": contact, "CONNECTED": connected, **agent, **more}
    return {
        "id": f"{prefix}{offer}",
        "name": f"PJSIP/ct-101-{offer}",
        "state": state,
        "dialplan": {"app_name": "Stasis"},
        "channelvars": variables,
    }


def phone(contact: str = "c1", *, state: str = "Ringing") -> dict[str, Any]:
    return {
        "id": "1700.5",
        "name": "PJSIP/ct-102-00000005",
        "state": state,
        "dialplan": {"app_name": "AppQueue"},
        "channelvars": {"CONTACT_ID": contact, "ARRIVED_AT": ""},
    }


@pytest.mark.parametrize(
    ("app", "where"),
    [
        ("StasisBroadcast", Where.OURS),
        ("Stasis", Where.OURS),
        ("Queue", Where.PARACHUTE_WAITING),
        ("Wait", Where.ELSEWHERE),
        ("", Where.ELSEWHERE),
    ],
)
def test_where_a_caller_is(app: str, where: Where) -> None:
    (found,) = survey([caller(app=app)], []).callers
    assert found.where is where
    assert found.facts.caller_number == "+37126123456"


@pytest.mark.parametrize(
    ("state", "where", "agent"),
    [
        ("Ringing", Where.PARACHUTE_RINGING, None),
        ("Ring", Where.PARACHUTE_RINGING, None),
        ("Up", Where.PARACHUTE_TALKING, "PJSIP/ct-102-00000005"),
    ],
)
def test_a_phone_of_the_parachute_queue(state: str, where: Where, agent: str | None) -> None:
    (found,) = survey([caller(app="Queue"), phone(state=state)], []).callers
    assert (found.where, found.parachute_agent_channel) == (where, agent)


def _bridge(*legs: str) -> list[dict[str, Any]]:
    return [{"id": "bridge-c1", "channels": ["caller-c1", *legs]}]


def test_a_conversation() -> None:
    found = survey([caller(more=TALKS), leg()], _bridge("leg-o1"))
    assert found.callers[0].in_bridge
    assert [keeper.agent_id for keeper in found.callers[0].keepers] == ["agent-101"]
    assert dict(found.legs) == {"leg-o1": "c1"}
    assert found.stray_bridges == ()


def test_a_leg_of_another_conversation_or_outside_of_the_bridge_keeps_nobody() -> None:
    for stray in (leg("o2", connected="k0"), leg("o2")):
        found = survey([caller(more=TALKS), leg("o1"), stray], _bridge("leg-o1"))
        assert [keeper.leg_id for keeper in found.callers[0].keepers] == ["leg-o1"]
        assert found.callers[0].others == ()


def test_call_takers_come_before_outside_parties_and_else_the_order_of_joining_counts() -> None:
    legs = [leg("p", prefix="party-"), leg("o2"), leg("o1")]
    joined = "party-p&leg-o1&leg-o2"
    talking = caller(more={**TALKS, "LEGS": joined})
    found = survey([talking, *legs], _bridge("leg-o1", "leg-o2", "party-p"))
    keepers = [keeper.leg_id for keeper in found.callers[0].keepers]
    assert keepers == ["leg-o1", "leg-o2", "party-p"]


def test_whoever_is_consulted_or_on_hold_is_beside_the_keepers() -> None:
    beside = leg("p", prefix="party-", connected="")
    away = leg("q", prefix="party-", connected="", HELD="1")
    found = survey([caller(more=TALKS), leg(), beside, away], _bridge("leg-o1", "party-p"))
    assert [other.leg_id for other in found.callers[0].others] == ["party-p", "party-q"]


def test_legs_that_ring_or_have_lost_their_caller_are_listed_and_keep_nobody() -> None:
    found = survey([caller(), leg("o1", connected="", state="Ringing"), leg("o2", "c9")], [])
    assert found.callers[0].keepers == ()
    assert dict(found.legs) == {"leg-o1": "c1", "leg-o2": "c9"}
    assert dict(found.legs_up) == {"leg-o1": False, "leg-o2": True}


def test_only_our_own_bridges_can_be_strays() -> None:
    bridges = [{"id": "bridge-c9", "channels": []}, {"id": "other", "channels": []}]
    assert survey([caller()], bridges).stray_bridges == ("bridge-c9",)


def test_callers_are_in_order_of_arrival() -> None:
    channels = [caller("b", at=20.0), caller("a", at=20.0), caller("c", at=10.0)]
    assert [found.facts.contact_id for found in survey(channels, []).callers] == ["c", "a", "b"]


@pytest.mark.parametrize(
    "channel",
    [
        {"id": "x"},
        {"id": "x", "channelvars": None},
        {"id": "x", "channelvars": {"CONTACT_ID": "c1"}},
        {"id": "x", "channelvars": {"ARRIVED_AT": "1"}},
        {"id": "x", "dialplan": None, "channelvars": {}},
    ],
)
def test_other_channels_are_nobody(channel: dict[str, Any]) -> None:
    found = survey([channel], [])
    assert found.callers == ()
    assert not found.legs


def test_a_recorded_leg_counts_as_answered_once_it_is_in_our_application() -> None:
    """Before that it can neither be joined nor armed; its StasisStart is on the way."""
    on_the_way, there = leg("x-1", prefix="party-"), leg("x-2", prefix="party-")
    on_the_way["dialplan"] = {"context": "party", "app_name": "MixMonitor"}
    there["dialplan"] = {"context": "party", "app_name": "Stasis"}
    found = survey([caller(), on_the_way, there], [])
    assert dict(found.legs_up) == {"party-x-1": False, "party-x-2": True}
