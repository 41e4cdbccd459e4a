"""Asterisk's channels and bridges, sorted into callers, call takers' legs and strays."""

from typing import Any

import pytest

from ccserver.telephony.survey import Where, survey


def caller(name: str = "c1", *, app: str = "StasisBroadcast", at: float = 1000.0) -> dict[str, Any]:
    variables = {"CONTACT_ID": name, "ARRIVED_AT": str(at), "CALLER_NUMBER": "26123456"}
    return {
        "id": f"caller-{name}",
        "name": f"PJSIP/trunk-{name}",
        "state": "Up",
        "dialplan": {"app_name": app},
        "channelvars": variables,
    }


def leg(
    offer: str = "o1", contact: str = "c1", *, state: str = "Up", connected: str = "1"
) -> dict[str, Any]:
    variables = {"CONTACT_ID": contact, "AGENT_ID": "agent-101", "CONNECTED": connected}
    return {
        "id": f"leg-{offer}",
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


def test_a_conversation() -> None:
    bridge = {"id": "bridge-c1", "channels": ["caller-c1", "leg-o1"]}
    found = survey([caller(), leg()], [bridge])
    assert found.callers[0].in_bridge
    assert found.callers[0].agent_leg is not None
    assert found.callers[0].agent_leg.agent_id == "agent-101"
    assert found.stray_legs == ()
    assert found.stray_bridges == ()


def test_of_two_connected_legs_the_bridged_one_is_believed() -> None:
    bridge = {"id": "bridge-c1", "channels": ["caller-c1", "leg-o1"]}
    for channels in ([leg("o1"), leg("o2")], [leg("o2"), leg("o1")]):
        found = survey([caller(), *channels], [bridge])
        assert found.callers[0].agent_leg is not None
        assert found.callers[0].agent_leg.leg_id == "leg-o1"
        assert found.stray_legs == ("leg-o2",)


def test_of_two_bridged_legs_the_last_one_joined_is_believed() -> None:
    bridge = {"id": "bridge-c1", "channels": ["caller-c1", "leg-o1", "leg-o2"]}
    for last in ("leg-o1", "leg-o2"):
        talking = caller()
        talking["channelvars"]["AGENT_CHANNEL"] = last
        found = survey([talking, leg("o1"), leg("o2")], [bridge])
        assert found.callers[0].agent_leg is not None
        assert found.callers[0].agent_leg.leg_id == last


def test_legs_that_ring_or_have_lost_their_caller_are_strays() -> None:
    found = survey([caller(), leg("o1", connected="", state="Ringing"), leg("o2", "c9")], [])
    assert found.stray_legs == ("leg-o1", "leg-o2")
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
    assert found.stray_legs == ()
