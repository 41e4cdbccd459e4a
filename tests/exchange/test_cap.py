"""CAP messages are in order, complete, and tell nobody's name or home."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from ccserver.exchange.cap import NAMESPACE, Scope, Sent, Status, cap
from tests.exchange.cards import INCIDENT, ISSUER, NAMES, PLACE, a_card, cards

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)

# OASIS CAP 1.2 §3.4: every element in its order; * any number, ? at most one, + one or more.
ALERT = (
    "identifier sender sent status msgType source? scope restriction? addresses? code* note? "
    "references? incidents? info*"
)
INFO = (
    "language? category+ event responseType* urgency severity certainty audience? eventCode* "
    "effective? onset? expires? senderName? headline? description? instruction? web? contact? "
    "parameter* resource* area*"
)
AREA = "areaDesc polygon* circle* geocode* altitude? ceiling?"
ENUMS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra",
        "CBRNE", "Other",
    },
    "responseType": {
        "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear",
        "None",
    },
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}  # fmt: skip


def check(element: Element, model: str) -> None:
    """Raise `AssertionError` unless the children are as the standard wants them."""
    names = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
    rest = list(names)
    for particle in model.split():
        name, many = particle.rstrip("?*+"), particle[-1] if particle[-1] in "?*+" else "1"
        count = 0
        while rest and rest[0] == name:
            rest.pop(0)
            count += 1
        least, most = {"1": (1, 1), "?": (0, 1), "*": (0, 999), "+": (1, 999)}[many]
        assert least <= count <= most, (name, names)
    assert rest == [], names


def read(message: bytes) -> Element:
    """The message, after all that the standard says of its form."""
    alert: Element = fromstring(message)
    assert alert.tag == f"{{{NAMESPACE}}}alert"
    check(alert, ALERT)
    for info in alert.iterfind(f"{{{NAMESPACE}}}info"):
        check(info, INFO)
        for area in info.iterfind(f"{{{NAMESPACE}}}area"):
            check(area, AREA)
    for name, allowed in ENUMS.items():
        for found in alert.iter(f"{{{NAMESPACE}}}{name}"):
            assert found.text in allowed
    for name in ("identifier", "sender"):
        text = value(alert, name)
        assert text
        assert not set(text) & set(" ,<&")
    # A restricted message says for whom, and no other does (§3.2.1).
    restricted = value(alert, "scope") == "Restricted"
    assert (value(alert, "restriction") is not None) == restricted
    return alert


def value(element: Element, name: str) -> str | None:
    found = next(element.iter(f"{{{NAMESPACE}}}{name}"), None)
    return None if found is None else found.text


def test_a_restricted_message() -> None:
    alert = read(cap(a_card(), ISSUER, NAMES, Sent(AT)))
    assert value(alert, "sender") == "112.example.lv"
    assert value(alert, "sent") == "2026-03-01T12:30:15-00:00"
    assert value(alert, "status") == "Actual"
    assert value(alert, "scope") == "Restricted"
    assert value(alert, "incidents") == INCIDENT
    assert value(alert, "category") == "Fire"
    assert value(alert, "event") == "Ugunsgrēks"
    assert value(alert, "urgency") == "Immediate"
    assert value(alert, "severity") == "Minor"
    assert value(alert, "certainty") == "Likely"
    assert value(alert, "description") == "Deg divstāvu māja"
    assert value(alert, "areaDesc") == "Brīvības iela 1, Rīga"
    assert value(alert, "circle") == "56.94960,24.10520 0.100"


def test_to_the_public_the_place_is_told_coarsely() -> None:
    message = cap(a_card(), ISSUER, NAMES, Sent(AT, Scope.PUBLIC))
    alert = read(message)
    assert value(alert, "description") is None
    assert value(alert, "areaDesc") == "Approximate area"
    assert value(alert, "circle") == "56.95,24.11 1.1"
    assert "Brīvības" not in message.decode()


@pytest.mark.parametrize("scope", Scope)
def test_no_person_is_told(scope: Scope) -> None:
    message = cap(a_card(), ISSUER, NAMES, Sent(AT, scope)).decode()
    for personal in ("+3712", "Kalniņš", "anna", "AB-1234", "WM9V", "1470", "Vējš", "apdegumi"):
        assert personal not in message


def test_an_incident_that_is_over_is_past() -> None:
    alert = read(cap(a_card() | {"status": "closed", "services": []}, ISSUER, NAMES, Sent(AT)))
    assert value(alert, "responseType") == "AllClear"
    assert value(alert, "urgency") == "Past"


def test_nobody_is_told_all_clear_because_the_call_is_over() -> None:
    alert = read(cap(a_card() | {"status": "closed"}, ISSUER, NAMES, Sent(AT)))
    assert value(alert, "responseType") is None
    assert value(alert, "urgency") == "Immediate"


def test_an_exercise_says_so() -> None:
    alert = read(cap(a_card(), ISSUER, NAMES, Sent(AT, status=Status.EXERCISE)))
    assert value(alert, "status") == "Exercise"


def test_an_area_with_corners() -> None:
    card = a_card()
    ring = [[56.9, 24.1], [56.9, 24.2], [57.0, 24.2], [56.9, 24.1]]
    card["locations"] = [
        {"location_id": PLACE, "shape": {"type": "Polygon", "exterior": ring}, "kind": "incident"}
    ]
    alert = read(cap(card, ISSUER, NAMES, Sent(AT)))
    assert value(alert, "polygon") == (
        "56.90000,24.10000 56.90000,24.20000 57.00000,24.20000 56.90000,24.10000"
    )


@given(cards(), st.sampled_from(Scope))
def test_every_card_makes_a_message_in_order(card: dict[str, object], scope: Scope) -> None:
    read(cap(card, ISSUER, NAMES, Sent(AT, scope)))


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\x1fb", "]]>", "<script>", "\ufffe", "\ud800", "a\nb"]
)
def test_no_text_breaks_the_xml(text: str) -> None:
    card = a_card()
    fields = card["fields"]
    assert isinstance(fields, dict)
    fields["summary"] = {"value": text, "saved_at": None}
    read(cap(card, ISSUER, NAMES, Sent(AT)))
