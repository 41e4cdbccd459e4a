"""Cards as the API gives them: one by hand, any number by Hypothesis, and those of imports."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from ccserver.exchange.values import (
    ImportedIncident,
    Issuer,
    Names,
    ServiceName,
    TypeName,
    own_id,
)
from tests.location.strategies import shapes

ISSUER = Issuer("112.example.lv", public_url="https://112.example.lv")
NAMES = Names(
    types={
        "fire": TypeName("Ugunsgrēks", "FUNK"),
        "accident": TypeName("Ceļu satiksmes negadījums", "MVAINJY"),
        "other": TypeName("Cits"),
    },
    services={"vugd": ServiceName("VUGD", "fire"), "nmpd": ServiceName("NMPD", "ems")},
    dispositions={"false_alarm": "17"},
)
BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

INCIDENT = "11111111-1111-4111-8111-111111111111"
CONTACT = "22222222-2222-4222-8222-222222222222"
PERSON = "33333333-3333-4333-8333-333333333333"
PLACE = "44444444-4444-4444-8444-444444444444"
FIX = "55555555-5555-4555-8555-555555555555"
INVOLVEMENT = "66666666-6666-4666-8666-666666666666"
UNIT = "77777777-7777-4777-8777-777777777777"
RECORDING = "88888888-8888-4888-8888-888888888888"
OTHER = "99999999-9999-4999-8999-999999999999"


def iso(seconds: float = 0.0) -> str:
    """A time of the API, so many seconds after the beginning."""
    at = BEGIN + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def field(value: object, seconds: float = 10.0) -> dict[str, object]:
    return {"value": value, "version": 1, "saved_at": iso(seconds), "author": "anna"}


def a_card() -> dict[str, object]:
    """A card on which everything is told."""
    return {
        "incident_id": INCIDENT,
        "number": "2026-000123",
        "opened_at": iso(),
        "status": "open",
        "contacts": [
            {
                "contact_id": CONTACT,
                "medium": "voice",
                "direction": "inbound",
                "queue": "112",
                "caller_number": "+37120000001",
                "caller_number_hidden": True,
                "arrived_at": iso(),
                "answered_at": iso(4),
                "ended_at": None,
                "outcome": "answered",
                "recordings": [
                    {"recording_id": RECORDING, "state": "sealed", "started_at": iso(0.1)}
                ],
            }
        ],
        "notes": {
            "text": "Deg <jumts> & sienas.\n\nVējš.",
            "version": 3,
            "saved_at": iso(60),
            "author": "anna",
        },
        "timeline": [],
        "fields": {
            "type": field("fire"),
            "priority": field(0),
            "summary": field("Deg divstāvu māja"),
            "address": field(
                {
                    "text": "Brīvības iela 1, Rīga",
                    "code": "103045133",
                    "floor": "2",
                    "flat": "14",
                    "entrance": "B",
                    "door_code": "1470",
                    "access": "no pagalma",
                }
            ),
            "casualties": field(
                {"dead": 0, "severe": 1, "light": None, "trapped": 2, "missing": None}
            ),
            "hazards": field(["gas", "collapse"]),
            "callback_numbers": field(
                [{"number": "+37167000001", "note": "kaimiņš"}, {"number": "110", "note": ""}]
            ),
            "answers": field({"anybody_inside": "yes", "floors": 2}),
            "disposition": field("false_alarm"),
            f"person:{PERSON}": field(
                {
                    "role": "patient",
                    "name": "Jānis <Kalniņš>",
                    "number": "+37120000002",
                    "language": "ru",
                    "age": 70,
                    "condition": "apdegumi",
                    "description": "zila jaka",
                }
            ),
            f"vehicle:{OTHER}": field(
                {
                    "vin": "WM9VDSVDSYA123456",
                    "plate": "AB-1234",
                    "make": "Volvo",
                    "colour": "sarkana",
                    "description": "durvju priekšā",
                }
            ),
        },
        "locations": [
            {
                "location_id": FIX,
                "kind": "caller",
                "source": "aml",
                "shape": {"type": "Circle", "centre": [56.95, 24.11], "radius_m": 12.5},
                "confidence": 0.67,
                "observed_at": iso(2),
                "received_at": iso(5),
                "contact_id": CONTACT,
                "data": {"method": "G"},
            },
            {
                "location_id": PLACE,
                "kind": "incident",
                "source": "address",
                "shape": {"type": "Point", "position": [56.9496, 24.1052]},
                "confidence": None,
                "observed_at": None,
                "received_at": iso(30),
                "contact_id": None,
                "data": {},
            },
        ],
        "location": {"current": PLACE, "why": "chosen", "conflicts": []},
        "merged": [
            {"incident_id": OTHER, "number": "2026-000124", "at": iso(90), "author": "anna"}
        ],
        "merged_into": None,
        "parent": {"incident_id": PLACE, "number": "2026-000100"},
        "children": [{"incident_id": FIX, "number": "2026-000130"}],
        "services": [
            {
                "involvement_id": INVOLVEMENT,
                "incident_id": INCIDENT,
                "service": "vugd",
                "state": "en_route",
                "sent_at": iso(40),
                "steps": [],
                "units": [{"unit_id": UNIT, "call_sign": "1-1-1", "state": "en_route"}],
            }
        ],
        "attachments": [],
    }


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
times = st.integers(0, 100_000).map(lambda seconds: iso(seconds / 10))
numbers = st.from_regex(r"\+[1-9][0-9]{7,12}", fullmatch=True) | st.from_regex(
    r"[0-9]{2,6}", fullmatch=True
)
ids = st.uuids(version=4).map(str)
codes = st.sampled_from(["fire", "accident", "other"])


def part(**members: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(members)


contacts = part(
    contact_id=ids,
    direction=st.sampled_from(["inbound", "outbound"]),
    queue=words.filter(bool),
    caller_number=st.none() | numbers,
    arrived_at=times,
    answered_at=st.none() | times,
    ended_at=st.none() | times,
    recordings=st.just([]),
)
locations = part(
    location_id=ids,
    kind=st.sampled_from(["caller", "initial", "incident", "unit"]),
    source=st.sampled_from(["pidf_lo", "aml", "msd", "network_cell", "https", "address", "map"]),
    shape=shapes.map(lambda shape: shape.as_json()),
    confidence=st.sampled_from([None, 0.68, 0.95, 0.5]),
    observed_at=st.none() | times,
    received_at=times,
    contact_id=st.none(),
    data=st.sampled_from([{}, {"method": "GPS"}]),
)
units = part(
    unit_id=ids,
    call_sign=words,
    state=st.sampled_from(["assigned", "dispatched", "en_route", "on_scene", "cleared"]),
)
involvements = part(
    involvement_id=ids,
    service=st.sampled_from(["vugd", "nmpd", "vp"]),
    state=st.sampled_from(["sent", "seen", "accepted", "refused", "en_route", "closed"]),
    sent_at=times,
    units=st.lists(units, max_size=2),
)
heads = part(incident_id=ids, number=st.just("2026-000001"))
values = {
    "type": codes,
    "priority": st.integers(0, 10),
    "summary": words,
    "address": part(text=words, code=st.none() | st.just("103045133"), floor=words, access=words),
    "casualties": part(dead=st.none() | st.integers(0, 9), missing=st.none()),
    "hazards": st.lists(st.sampled_from(["gas", "water"]), max_size=2),
    "callback_numbers": st.lists(part(number=numbers, note=words), max_size=3),
    "answers": st.dictionaries(codes, words, max_size=2),
    "disposition": st.sampled_from([None, "false_alarm", "helped"]),
}
persons = part(
    role=st.sampled_from(["patient", "victim", "witness", "suspect", "reporting_party"]),
    name=words,
    number=st.none() | numbers,
    language=st.none() | st.just("lv"),
    age=st.none() | st.integers(0, 150),
    condition=words,
    description=words,
)
vehicles = part(vin=words, plate=words, make=words, colour=words, description=words)


@st.composite
def cards(draw: st.DrawFn) -> dict[str, object]:
    """Cards on which anything may be told."""
    fields = {
        name: field(draw(value), draw(st.integers(0, 500)))
        for name, value in values.items()
        if draw(st.booleans())
    }
    for kind, value in (("person", persons), ("vehicle", vehicles)):
        for identifier in draw(st.lists(ids, max_size=2, unique=True)):
            fields[f"{kind}:{identifier}"] = field(draw(st.none() | value))
    told = draw(
        st.lists(locations, max_size=3, unique_by=lambda location: str(location["location_id"]))
    )
    places = [None, *(one["location_id"] for one in told if one["kind"] != "unit")]
    return {
        "incident_id": draw(ids),
        "number": "2026-000123",
        "opened_at": iso(),
        "status": draw(st.sampled_from(["open", "closed"])),
        "contacts": draw(st.lists(contacts, max_size=3, unique_by=lambda c: str(c["contact_id"]))),
        "notes": {"text": draw(words), "version": 1, "saved_at": iso(9), "author": "anna"},
        "timeline": [],
        "fields": fields,
        "locations": told,
        "location": {"current": draw(st.sampled_from(places))},
        "merged": draw(st.lists(heads, max_size=2)),
        "merged_into": draw(st.none() | heads),
        "parent": draw(st.none() | heads),
        "children": draw(st.lists(heads, max_size=2)),
        "services": draw(
            st.lists(involvements, max_size=3, unique_by=lambda i: str(i["involvement_id"]))
        ),
        "attachments": [],
    }


def card_of(imported: ImportedIncident, number: str) -> dict[str, object]:
    """The card that would hold what was imported, under the identifiers that were sent."""

    def ours(uid: str) -> str:
        return own_id(uid, ISSUER) or uid.removeprefix("urn:uuid:")

    def at(moment: datetime | None) -> str | None:
        return None if moment is None else moment.astimezone(UTC).isoformat()

    def head(uid: str) -> dict[str, object]:
        return {"incident_id": ours(uid), "number": "2026-000001"}

    told: list[dict[str, object]] = [
        {
            "location_id": ours(one.key),
            "kind": one.kind.value,
            "source": one.location.source.value,
            "shape": one.location.shape.as_json(),
            "confidence": one.location.confidence,
            "observed_at": at(one.location.observed_at),
            "received_at": at(one.location.received_at),
            "contact_id": None if one.call_id is None else ours(one.call_id),
            "data": dict(one.location.data),
        }
        for one in imported.locations
    ]
    return {
        "incident_id": ours(imported.incident_uid),
        "number": number,
        "opened_at": iso(),
        "status": "closed" if imported.closed else "open",
        "contacts": [
            {
                "contact_id": ours(one.call_id),
                "direction": one.direction,
                "queue": one.queue,
                "caller_number": one.caller_number,
                "arrived_at": at(one.arrived_at),
                "answered_at": at(one.answered_at),
                "ended_at": at(imported.updated_at) if one.ended else None,
                "recordings": [],
            }
            for one in imported.contacts
        ],
        "notes": {"text": imported.notes, "saved_at": at(imported.updated_at)},
        "timeline": [],
        "fields": {
            name: {"value": value, "saved_at": at(imported.updated_at)}
            for name, value in imported.fields.items()
        },
        "locations": told,
        "location": {"current": None},
        "merged": [head(uid) for uid in imported.merged],
        "merged_into": None if imported.merged_into is None else head(imported.merged_into),
        "parent": None if imported.parent is None else head(imported.parent),
        "children": [head(uid) for uid in imported.children],
        "services": [
            {
                "involvement_id": ours(one.key),
                "service": one.service,
                "state": one.state,
                "sent_at": at(one.sent_at),
                "units": [dict(unit) for unit in one.units],
            }
            for one in imported.services
        ],
        "attachments": [],
    }
