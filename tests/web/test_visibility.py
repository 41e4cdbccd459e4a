"""Proves what of a card each reader sees, and that nothing else of it is changed."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.accounts import Account, Role
from ccserver.card import TimelineTag
from ccserver.types import AgentId, ServiceCode
from ccserver.web.visibility import (
    RULES,
    TOLD_TO_SERVICES,
    Viewer,
    viewer_of,
    visible_card,
    visible_field,
)

CENTRE = Viewer(centre=True, medical=True)
FIRE = Viewer(service="vugd")
AMBULANCE = Viewer(service="nmpd", medical=True)
QUALITY = Viewer(quality=True, medical=True)

PERSON = {"role": "patient", "name": "Anna", "condition": "unconscious"}
ADDRESS = {"text": "Brīvības iela 1", "door_code": "12#4", "floor": "3"}
CARD: dict[str, Any] = {
    "incident_id": "i",
    "number": "2026-000001",
    "caller_number": "+37126123456",
    "caller_number_hidden": True,
    "agent_id": "agent-101",
    "agent_name": "Anna Ozola",
    "recording_count": 1,
    "contacts": [
        {
            "contact_id": "c",
            "caller_number": "+37126123456",
            "agent_id": "agent-101",
            "agent_name": "Anna Ozola",
            "recordings": [{"recording_id": "r"}],
        }
    ],
    "notes": {"text": "Smoke", "version": 1, "author": "anna"},
    "fields": {
        "address": {"value": ADDRESS, "version": 1, "author": "anna"},
        "person:1": {"value": PERSON, "version": 2, "author": "anna"},
        "person:2": {"value": None, "version": 2, "author": "anna"},
        "summary": {"value": "Fire", "version": 1, "author": "anna"},
    },
    "merged": [
        {
            "incident_id": "b",
            "author": "anna",
            "fields": {
                "address": {"value": ADDRESS, "version": 1, "author": "boris"},
                "person:1": {"value": PERSON, "version": 1, "author": "boris"},
            },
            "notes": {"text": "Also smoke", "author": "boris"},
        }
    ],
    "services": [
        {
            "service": service,
            "state": "accepted",
            "note": "bring ladders",
            "sent_by": "anna",
            "steps": [{"state": "accepted", "author": "d", "note": "traffic", "reason": "x"}],
            "units": [{"call_sign": "R1", "steps": [{"state": "en_route", "note": "slow"}]}],
        }
        for service in ("vugd", "nmpd")
    ],
    "timeline": [
        {"tag": "offered", "agent_id": "agent-101", "author": None, "data": {}},
        {"tag": "monitor_started", "agent_id": "agent-190", "author": None, "data": {}},
        {"tag": "recording_played", "agent_id": None, "author": "chief", "data": {}},
        {"tag": "connected", "agent_id": "agent-101", "author": None, "data": {}},
        {
            "tag": "field_saved",
            "agent_id": None,
            "author": "anna",
            "data": {"field": "person:1", "version": 2, "value": PERSON, "previous": None},
        },
        {
            "tag": "service_note",
            "agent_id": None,
            "author": "d",
            "data": {"service": "nmpd", "note": "traffic"},
        },
        {"tag": "something_new", "agent_id": None, "author": "x", "data": {}},
    ],
    "presence": [{"login": "anna", "name": "Anna Ozola", "field": None}],
}


def shown(viewer: Viewer) -> Any:
    return visible_card(copy.deepcopy(CARD), viewer)


def tags(card: Any) -> list[str]:
    return [entry["tag"] for entry in card["timeline"]]


def test_the_centre_sees_everything() -> None:
    assert shown(CENTRE) == CARD


def test_nothing_that_was_given_is_changed() -> None:
    before = copy.deepcopy(CARD)
    for viewer in (FIRE, AMBULANCE, QUALITY):
        visible_card(CARD, viewer)
    assert before == CARD


@pytest.mark.parametrize("viewer", [FIRE, AMBULANCE, QUALITY], ids=str)
def test_the_number_is_always_shown_also_where_it_is_hidden(viewer: Viewer) -> None:
    card = shown(viewer)
    assert card["caller_number"] == card["contacts"][0]["caller_number"] == "+37126123456"
    assert card["notes"]["text"] == "Smoke"
    assert card["fields"]["address"]["value"]["text"] == "Brīvības iela 1"


@pytest.mark.parametrize("viewer", [FIRE, AMBULANCE], ids=str)
def test_a_service_sees_the_incident_and_nothing_of_the_centres_people(viewer: Viewer) -> None:
    card = shown(viewer)
    assert card["fields"]["address"]["value"]["door_code"] == "12#4", "they have to get in"
    assert (card["contacts"][0]["recordings"], card["recording_count"]) == ([], 0)
    assert tags(card) == ["connected", "field_saved", "service_note"]
    assert card["timeline"][1]["data"] == {"field": "person:1", "version": 2}
    for hidden in ("Anna Ozola", "agent-101", "'anna'", "'boris'", "chief"):
        assert hidden not in str(card)


def test_services_are_told_of_tags_that_there_are_and_of_every_joining_and_its_undoing() -> None:
    assert set(TimelineTag) >= TOLD_TO_SERVICES
    joinings = {"merged", "split", "linked"}
    undone = {"merge_undone", "split_undone", "link_undone", "unlinked"}
    assert joinings | undone <= TOLD_TO_SERVICES


def test_a_service_reads_its_own_words_and_not_those_of_others() -> None:
    own, other = shown(FIRE)["services"]
    assert (own["note"], own["steps"][0]["note"]) == ("bring ladders", "traffic")
    assert (other["state"], other["steps"][0]["state"]) == ("accepted", "accepted")
    assert other["note"] is other["steps"][0]["note"] is other["steps"][0]["reason"] is None
    assert other["units"][0]["steps"] == [{"state": "en_route", "note": None}]
    assert shown(FIRE)["timeline"][-1]["data"] == {"service": "nmpd", "note": None}
    assert shown(AMBULANCE)["timeline"][-1]["data"] == {"service": "nmpd", "note": "traffic"}


def test_a_condition_is_for_those_who_treat() -> None:
    fire = shown(FIRE)
    for card in (fire, fire["merged"][0]):
        assert card["fields"]["person:1"]["value"] == {**PERSON, "condition": None}
    for viewer in (AMBULANCE, QUALITY):
        assert shown(viewer)["fields"]["person:1"]["value"] == PERSON
    kept = {"value": PERSON, "author": "anna"}
    assert visible_field("person:1", kept, FIRE) == {
        "value": {**PERSON, "condition": None},
        "author": None,
    }
    assert visible_field("person:1", {"value": None}, FIRE) == {"value": None}


def test_quality_sees_all_but_what_opens_a_door() -> None:
    card = shown(QUALITY)
    for whole in (card, card["merged"][0]):
        assert whole["fields"]["address"]["value"] == {**ADDRESS, "door_code": None}
    assert tags(card) == tags(CARD)
    assert card["contacts"] == CARD["contacts"]
    assert "12#4" not in str(card)
    shown_address = visible_field("address", {"value": ADDRESS}, QUALITY)
    assert shown_address == {"value": {**ADDRESS, "door_code": None}}


@pytest.mark.parametrize(
    ("role", "service", "viewer"),
    [
        (Role.CALL_TAKER, None, CENTRE),
        (Role.SUPERVISOR, None, CENTRE),
        (Role.SYSTEM_ADMIN, None, CENTRE),
        (Role.INTEGRATOR, None, CENTRE),
        (Role.QUALITY_OFFICER, None, QUALITY),
        (Role.SERVICE_DISPATCHER, "vugd", FIRE),
        (Role.SERVICE_DISPATCHER, "nmpd", AMBULANCE),
        (Role.INTEGRATOR, "nmpd", AMBULANCE),
        (Role.SERVICE_DISPATCHER, None, Viewer()),
    ],
)
def test_who_looks_how(role: Role, service: str | None, viewer: Viewer) -> None:
    code = None if service is None else ServiceCode(service)
    account = Account("x", "X", role, "lv", AgentId("agent-101"), code)
    assert viewer_of(account) == viewer


def test_other_services_may_treat_people_too() -> None:
    account = Account("x", "X", Role.SERVICE_DISPATCHER, "lv", None, ServiceCode("air"))
    assert viewer_of(account, ["air"]).medical


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*CARD, "value", "data", "steps", "address"]), inner)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(CARD)), JSON))
def test_a_card_of_any_shape_is_shown_or_hidden_but_never_fails(card: dict[str, Any]) -> None:
    for viewer in (FIRE, AMBULANCE, QUALITY, Viewer()):
        assert set(visible_card(card, viewer)) == set(card)


def test_the_document_says_what_is_kept_from_whom() -> None:
    text = (Path(__file__).parents[2] / "docs/explanation/security.md").read_text("utf-8")
    for rule in RULES:
        told = ["shown" if rule.shown_to(viewer) else "kept back" for viewer in (FIRE, QUALITY)]
        if told[0] == "kept back" and rule.shown_to(AMBULANCE):
            told[0] = "kept back, but from those that treat people"
        assert f"| {rule.what} | {told[0]} | {told[1]} | {rule.why} |" in text
