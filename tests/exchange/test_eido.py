"""Cards become EIDOs and EIDOs incidents, and nothing that was told is lost on the way."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.exchange.document import (
    BYTES_MAX,
    COMPONENTS_MAX,
    EIDO,
    Document,
    EIDOInvalid,
    schema,
)
from ccserver.exchange.eido_export import export
from ccserver.exchange.eido_import import imported
from ccserver.exchange.values import Issuer, Names
from ccserver.location import Circle, LocationKind, LocationSource, Point, Position
from tests.exchange.cards import (
    CONTACT,
    FIX,
    INCIDENT,
    INVOLVEMENT,
    ISSUER,
    NAMES,
    OTHER,
    PERSON,
    PLACE,
    RECORDING,
    UNIT,
    a_card,
    card_of,
    cards,
)

DATA = Path(__file__).parent.parent / "data" / "eido"
FOREIGN = (DATA / "transfer-from-another-centre.json").read_bytes()
UID = ISSUER.incident_uid(INCIDENT)


def exported(card: dict[str, object], issuer: Issuer = ISSUER) -> dict[str, object]:
    document: dict[str, object] = json.loads(msgspec.json.encode(export(card, issuer, NAMES)))
    return document


def component(document: dict[str, object], name: str, identifier: str) -> dict[str, object]:
    parts = document[name]
    assert isinstance(parts, list)
    [found] = [part for part in parts if part["$id"] == identifier]
    assert isinstance(found, dict)
    return found


def test_the_incident() -> None:
    document = exported(a_card())
    assert (
        document["$id"]
        == UID
        == f"urn:emergency:uid:incidentid:{'1' * 8}11114111811{'1' * 13}:112.example.lv"
    )
    assert document["eidoVersion"] == "1.0"
    assert document["updatedByAgencyReference"] == {"$ref": "112.example.lv"}
    assert document["lastUpdateTimeStamp"] == "2026-03-01T12:01:00Z"
    incident = document["incidentComponent"]
    assert isinstance(incident, dict)
    assert incident["incidentTypeCommonRegistryText"] == "FUNK"
    assert incident["incidentTypeInternalCode"] == "fire"
    assert incident["incidentCommonPriorityNumber"] == 0
    assert incident["internalIncidentId"] == "2026-000123"
    assert incident["incidentStatusCommonRegistryText"] == ["Active", "ResourcesEnroute"]
    assert incident["dispositionComponent"][0]["dispositionCommonRegistryCode"] == "17"
    assert incident["locationReference"] == [{"$ref": f"urn:uuid:{PLACE}"}]


def _without_disposition(card: dict[str, object]) -> dict[str, object]:
    fields = card["fields"]
    assert isinstance(fields, dict)
    return card | {"fields": {name: f for name, f in fields.items() if name != "disposition"}}


def _involved(*states: str) -> list[dict[str, object]]:
    services = a_card()["services"]
    assert isinstance(services, list)
    return [
        services[0] | {"state": state, "involvement_id": new_id(number)}
        for number, state in enumerate(states)
    ]


def new_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


@pytest.mark.parametrize(
    ("changes", "disposed", "over"),
    [
        ({"status": "open"}, True, False),
        ({"status": "closed", "services": []}, True, True),
        ({"status": "closed", "services": []}, False, False),
        ({"status": "closed", "services": _involved("en_route")}, True, False),
        ({"status": "closed", "services": _involved("cleared", "refused")}, False, True),
        ({"status": "closed", "services": _involved("cleared", "seen")}, False, False),
        ({"status": "open", "services": _involved("closed")}, False, False),
        ({"merged_into": {"incident_id": OTHER, "number": "2026-000124"}}, False, True),
    ],
)
def test_it_is_over_when_somebody_said_so(
    changes: dict[str, object], disposed: bool, over: bool
) -> None:
    card = a_card() if disposed else _without_disposition(a_card())
    incident = exported(card | changes)["incidentComponent"]
    assert isinstance(incident, dict)
    statuses = incident["incidentStatusCommonRegistryText"]
    assert ("Closed" in statuses, "Active" in statuses) == (over, not over)


def test_the_call_and_how_to_call_back() -> None:
    document = exported(a_card())
    uid = ISSUER.call_uid(CONTACT)
    call = component(document, "callComponent", uid)
    assert call["direction"] == "incoming"
    assert call["callStateRegistryText"] == "callAnswered"
    assert call["standardPrimaryCallType"] == "emergency"
    assert call["callStartTimestamp"] == "2026-03-01T12:00:00Z"
    assert call["locationReference"] == [{"$ref": f"urn:uuid:{FIX}"}]
    assert call["callBackReference"] == {"$ref": f"{uid}#callback"}
    callback = component(document, "callbackComponent", f"{uid}#callback")
    assert callback["callBackInformationUri"] == ["tel:+37120000001"]
    local = component(document, "callbackComponent", f"{UID}#callback-1")
    assert local["callBackInformationUri"] == ["tel:110;phone-context=112.example.lv"]


def test_the_places() -> None:
    document = exported(a_card())
    place = component(document, "locationComponent", f"urn:uuid:{PLACE}")
    assert place["locationTypeDescriptionRegistryText"] == "CurrentIncident"
    assert place["locationDescriptionText"] == "Brīvības iela 1, Rīga"
    assert "<ca:FLR>2</ca:FLR>" in str(place["locationByValue"])
    # Who gets in by a door's code is not everybody who reads an address.
    assert "1470" not in str(place["locationByValue"])
    caller = component(document, "locationComponent", f"urn:uuid:{FIX}")
    assert caller["locationTypeDescriptionRegistryText"] == "Caller"


def test_a_callers_fix_that_counts_is_told_as_the_incidents_too() -> None:
    card = a_card() | {"location": {"current": FIX}}
    document = exported(card)
    place = component(document, "locationComponent", f"urn:uuid:{FIX}#current")
    assert place["locationTypeDescriptionRegistryText"] == "CurrentIncident"
    assert place["locationDescriptionText"] == "Brīvības iela 1, Rīga"


def test_an_address_without_a_place() -> None:
    card = a_card() | {"locations": [], "location": {"current": None}}
    place = component(exported(card), "locationComponent", f"{UID}#address")
    assert place["locationDescriptionText"] == "Brīvības iela 1, Rīga"
    again = imported(Document.parse(json.dumps(exported(card)).encode()), NAMES)
    assert again.locations == ()
    assert again.fields["address"] == card["fields"]["address"]["value"]  # type: ignore[index]


def test_hazards_are_readable_for_systems_that_know_nothing_of_ours() -> None:
    note = component(exported(a_card()), "notesComponent", f"{UID}#facts")
    text = str(note["notesActionComments"])
    assert "hazard: gas" in text
    assert "trapped: 2" in text
    assert "door_code: 1470" in text


def test_notes_of_absorbed_cards_are_told_too() -> None:
    card = a_card()
    card["merged"] = [
        {
            "incident_id": OTHER,
            "number": "2026-000124",
            "notes": {"text": "Arī dūmi.", "version": 1},
        }
    ]
    note = component(exported(card), "notesComponent", f"{UID}#notes-{OTHER}")
    assert note["notesActionComments"] == "Arī dūmi."
    again = imported(Document.parse(json.dumps(exported(card)).encode()), NAMES)
    assert again.notes.endswith("\n\nArī dūmi.")


def test_services_and_units() -> None:
    document = exported(a_card())
    agency = component(document, "agencyComponent", "vugd.112.example.lv")
    assert agency["agencyRoleDescriptionRegistryText"] == ["Dispatched"]
    assert agency["agencyType"] == ["fire"]
    dispatch = component(document, "dispatchComponent", f"urn:uuid:{INVOLVEMENT}")
    unit = f"{UNIT}@vugd.112.example.lv"
    assert dispatch["emergencyResourceReference"] == [{"$ref": unit}]
    resource = component(document, "emergencyResourceComponent", unit)
    assert resource["secondaryUnitStatusRegistryText"] == ["EnRoute"]
    assert resource["primaryUnitStatusRegistryText"] == "NotAvailable"
    assert resource["emergencyResourceName"] == "1-1-1"


def test_recordings_are_referred_to_only_where_others_can_reach_us() -> None:
    document = exported(a_card())
    recording = component(document, "additionalDataComponent", f"urn:uuid:{RECORDING}")
    assert recording["additionalDataByReferenceUrl"] == (
        f"https://112.example.lv/api/recordings/{RECORDING}/audio"
    )
    assert RECORDING not in json.dumps(exported(a_card(), Issuer("112.example.lv")))


def test_other_incidents() -> None:
    document = exported(a_card())
    assert [
        (one["incidentTrackingIdentifier"], one["incidentMergeDirectionCode"])
        for one in document["mergeComponent"]  # type: ignore[attr-defined]
    ] == [(ISSUER.incident_uid(OTHER), "REPLACED")]
    assert [
        (one["incidentTrackingIdentifier"], one["linkDirectionCode"])
        for one in document["linkComponent"]  # type: ignore[attr-defined]
    ] == [(ISSUER.incident_uid(PLACE), "PARENT"), (ISSUER.incident_uid(FIX), "CHILD")]


def test_a_card_comes_back_whole() -> None:
    card = a_card()
    again = imported(Document.parse(json.dumps(exported(card)).encode()), NAMES)
    fields = card["fields"]
    assert isinstance(fields, dict)
    said = {name: _plain(field["value"]) for name, field in fields.items()}
    assert {name: _plain(value) for name, value in again.fields.items()} == said
    assert again.notes == card["notes"]["text"]  # type: ignore[index]
    assert {one.kind: one.location.source for one in again.locations} == {
        LocationKind.CALLER: LocationSource.AML,
        LocationKind.INCIDENT: LocationSource.ADDRESS,
    }
    [contact] = again.contacts
    assert contact.caller_number == "+37120000001"
    assert contact.answered_at is not None
    assert not contact.ended
    [service] = again.services
    assert (service.service, service.state) == ("vugd", "en_route")
    assert again.data.keys() == {"/additionalDataComponent/1"}
    assert again.oddities == ()


def _plain(value: object) -> object:
    """Without members that say nothing."""
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if v not in (None, "")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _without_times(document: object) -> object:
    if isinstance(document, dict):
        return {
            key: _without_times(value)
            for key, value in document.items()
            if key not in ("lastUpdateTimeStamp", "vehicleRelationshipTimeStamp")
        }
    if isinstance(document, list):
        return [_without_times(item) for item in document]
    return document


def _current_of(document: EIDO) -> str | None:
    """Which location of the card counts, by the document."""
    for one in document.location_component:
        if one.location_type_description_registry_text == "CurrentIncident":
            return one.id.removeprefix("urn:uuid:").removesuffix("#current")
    return None


@given(cards())
def test_what_is_exported_and_imported_is_exported_the_same_again(card: dict[str, object]) -> None:
    issuer = Issuer("112.example.lv")
    first = export(card, issuer, NAMES)
    document = Document.parse(msgspec.json.encode(first))
    assert document.eido == first
    assert document.unknown == {}
    again = card_of(imported(document, NAMES), str(card["number"]))
    again["location"] = {"current": _current_of(first)}
    second = export(again, issuer, NAMES)
    assert _without_times(msgspec.to_builtins(second)) == _without_times(msgspec.to_builtins(first))


@given(cards())
def test_every_reference_leads_somewhere_and_every_identifier_is_one(
    card: dict[str, object],
) -> None:
    document = exported(card)
    names = list(_values(document, "$id"))
    assert len(names) == len(set(names))
    assert set(_values(document, "$ref")) <= set(names)


def _values(document: object, key: str) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            else:
                yield from _values(value, key)
    elif isinstance(document, list):
        for item in document:
            yield from _values(item, key)


def test_documents_hold_to_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())
    validator.check_schema(schema())
    validator.validate(exported(a_card()))
    validator.validate(json.loads(FOREIGN))
    bare = json.loads(FOREIGN)
    del bare["agencyComponent"]
    assert not validator.is_valid(bare)


def test_another_centres_incident() -> None:
    found = imported(Document.parse(FOREIGN), NAMES)
    assert found.sender == "idx.psap.example.net"
    assert found.incident_uid == "urn:emergency:uid:incidentid:7f3a91c2e4:psap.example.net"
    assert not found.closed
    # Our only type with their common code.
    assert found.fields["type"] == "accident"
    assert found.fields["priority"] == 8
    assert found.fields["address"] == {"text": "Brīvības iela, 1, Rīga"}
    assert found.fields["callback_numbers"] == [{"number": "+37167000001", "note": ""}]
    [person] = [value for name, value in found.fields.items() if name.startswith("person:")]
    assert person == {
        "role": "caller",
        "name": "Anna Bērziņa",
        "description": "about forty",
        "number": "+37120000001",
    }
    assert found.notes == "Two cars & a bus.\nSmoke."
    [place] = found.locations
    assert place.kind is LocationKind.INCIDENT
    assert place.location.shape == Point(Position(56.9496, 24.1052))
    [contact] = found.contacts
    assert (contact.caller_number, contact.ended) == ("+37120000001", True)
    [service] = found.services
    assert (service.service, service.state) == ("fire", "dispatched")
    assert service.units == [{"unit_id": "engine52", "call_sign": "Engine 52", "state": "en_route"}]


def test_what_is_not_understood_is_kept() -> None:
    document = Document.parse(FOREIGN)
    assert document.unknown == {
        "/incidentComponent/beatOrDispatchGroupText": "North",
        "/@context": {"@vocab": "./JSON-LD_Contexts/EmergencyIncidentDataObjectType.jsonld"},
    }
    found = imported(document, NAMES)
    assert set(found.data) == {
        *document.unknown,
        "/additionalDataComponent/0",
        "/locationComponent/1",
        "/locationComponent/2",
    }
    assert "location_by_reference" in found.oddities
    again = json.loads(msgspec.json.encode(document.as_json()))
    assert again["incidentComponent"]["beatOrDispatchGroupText"] == "North"
    assert Document.parse(json.dumps(again).encode()) == document


@pytest.mark.parametrize("names", [NAMES, Names()])
def test_a_type_that_is_not_ours_stays_the_senders(names: Names) -> None:
    raw = json.loads(FOREIGN)
    raw["incidentComponent"]["incidentTypeCommonRegistryText"] = "ALIEN"
    found = imported(Document.parse(json.dumps(raw).encode()), names)
    assert "type" not in found.fields
    assert found.data["/incidentComponent/type"] == ["ALIEN", "Collision"]


def test_the_same_person_has_the_same_name_in_every_update() -> None:
    first, second = (imported(Document.parse(FOREIGN), NAMES) for _ in range(2))
    assert first.fields.keys() == second.fields.keys()


WRONG: dict[str, tuple[bytes, str, str]] = {
    "no JSON": (b"<eido/>", "$", "not JSON"),
    "not UTF-8": (b'{"$id": "\xff"}', "$", "not JSON"),
    "too deep": (b"[" * 100_000, "$", "not JSON"),
    "too large": (b" " * (BYTES_MAX + 1), "$", "bytes"),
    "a list": (b"[]", "$", "Expected `object`"),
    "nothing": (b"{}", "$", "missing required field `$id`"),
    "another version": (
        FOREIGN.replace(b'"eidoVersion": "1.0"', b'"eidoVersion": "2.0"'),
        "$.eidoVersion",
        "matching regex",
    ),
    "a direction that is none": (
        FOREIGN.replace(b'"incoming"', b'"inward"'),
        "$.callComponent[0].direction",
        "Invalid enum value",
    ),
    "a time without its zone": (
        FOREIGN.replace(b"2026-03-01T14:40:07+02:00", b"2026-03-01T14:40:07"),
        "$.callComponent[0].answerDate",
        "timezone",
    ),
    "a priority of eleven": (
        FOREIGN.replace(b'PriorityNumber": 8', b'PriorityNumber": 11'),
        "$.incidentComponent.incidentCommonPriorityNumber",
        "<= 10",
    ),
    "a place twice": (
        FOREIGN.replace(
            b'"locationByReferenceUrl"', b'"locationByValue": "", "locationByReferenceUrl"'
        ),
        "$.locationComponent[1]",
        "exactly one of",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_eido_is_refused_with_the_place(case: str) -> None:
    data, path, reason = WRONG[case]
    with pytest.raises(EIDOInvalid) as refused:
        Document.parse(data)
    assert refused.value.path == path
    assert reason in refused.value.reason


def test_components_are_bounded() -> None:
    raw = json.loads(FOREIGN)
    raw["notesComponent"] *= COMPONENTS_MAX + 1
    raw["notesComponent"] = [note | {"notesActionComments": ""} for note in raw["notesComponent"]]
    with pytest.raises(EIDOInvalid) as refused:
        Document.parse(json.dumps(raw).encode())
    assert refused.value.path == "$.notesComponent"


def test_nought_and_a_circle() -> None:
    found = imported(Document.parse(json.dumps(exported(a_card())).encode()), NAMES)
    assert found.fields["priority"] == 0
    fix = next(one for one in found.locations if one.kind is LocationKind.CALLER)
    assert fix.location.shape == Circle(Position(56.95, 24.11), 12.5)
    assert fix.call_id == ISSUER.call_uid(CONTACT)
    assert f"person:{PERSON}" in found.fields


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$id", "$ref", "value", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A document with some values replaced by any others, or left out."""
    document = json.loads(draw(st.sampled_from([FOREIGN, json.dumps(exported(a_card())).encode()])))
    for _ in range(draw(st.integers(1, 4))):
        place: object = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))  # type: ignore[arg-type]
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]  # type: ignore[index]
            if isinstance(inner, dict | list) and draw(st.booleans()):
                place = inner
                continue
            if draw(st.booleans()):
                place[key] = draw(json_values)  # type: ignore[index]
            else:
                del place[key]  # type: ignore[attr-defined]
            break
    return json.dumps(document).encode()


@given(st.binary(max_size=100) | json_values.map(lambda v: json.dumps(v).encode()) | mutated())
def test_any_bytes_are_an_incident_or_refused(data: bytes) -> None:
    try:
        document = Document.parse(data)
    except EIDOInvalid:
        return
    imported(document, NAMES)
    msgspec.json.encode(document.as_json())
