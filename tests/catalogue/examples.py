"""Catalogues for tests: a small sound one, and random ones, valid or of any shape."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from ccserver.catalogue import CATALOGUE, Catalogue
from ccserver.catalogue import document as d
from ccserver.documents import Texts


def titles(text: str) -> dict[str, str]:
    return {"lv": text, "ru": text, "en": text}


def square(west: float, south: float, size: float = 1.0) -> list[list[float]]:
    """A closed ring of longitudes and latitudes."""
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def answer(code: str, **more: object) -> dict[str, object]:
    return {"code": code, "titles": titles(code), **more}


YES_NO = [answer("yes"), answer("no")]

SAMPLE_DATA: dict[str, Any] = {
    "types": [
        {
            "code": "crash",
            "titles": titles("Crash"),
            "priority": 5,
            "services": ["police"],
            "questions": ["injured", "fire"],
        },
        {
            "code": "crash.injured",
            "titles": titles("Crash with injured"),
            "parent": "crash",
            "priority": 8,
            "services": ["ambulance", "police"],
            "questions": ["breathing"],
        },
        {"code": "noise", "titles": titles("Noise"), "priority": 2, "questions": ["where"]},
    ],
    "questions": [
        {
            "code": "injured",
            "titles": titles("Injured?"),
            "kind": "choice",
            "required": True,
            "answers": [
                answer("yes", type="crash.injured"),
                answer("maybe", priority=7, services_add=["ambulance"]),
                answer("no"),
            ],
        },
        {
            "code": "fire",
            "titles": titles("Fire?"),
            "kind": "multi",
            "answers": [
                answer("burns", priority=9, services_add=["fire"], hazards_add=["fire"]),
                answer("leaks", hazards_add=["fuel"], next=["how_much"]),
            ],
        },
        {"code": "how_much", "titles": titles("How much?"), "kind": "number"},
        {
            "code": "breathing",
            "titles": titles("Breathing?"),
            "kind": "yes_no",
            "required": True,
            "answers": [answer("yes"), answer("no", priority=10)],
        },
        {"code": "where", "titles": titles("Where?"), "kind": "text"},
    ],
    "hazards": [
        {"code": "fire", "titles": titles("Fire")},
        {"code": "fuel", "titles": titles("Fuel")},
    ],
    "services": [
        {"code": "fire", "titles": titles("Fire"), "kind": "fire"},
        {"code": "ambulance", "titles": titles("Ambulance"), "kind": "ambulance"},
        {"code": "police", "titles": titles("Police"), "kind": "police", "phone": "110"},
        {
            "code": "town_west",
            "titles": titles("West"),
            "kind": "municipal_police",
            "areas": ["west"],
            "types": ["noise"],
        },
        {
            "code": "town_east",
            "titles": titles("East"),
            "kind": "municipal_police",
            "areas": ["east"],
            "types": ["noise"],
        },
    ],
    "areas": [
        {"code": "west", "titles": titles("West"), "polygons": [[square(24, 56)]]},
        {
            "code": "east",
            "titles": titles("East"),
            "polygons": [[square(25, 56), square(25.4, 56.4, 0.2)], [square(27, 57)]],
        },
    ],
    "dispositions": [{"code": "done", "titles": titles("Done")}],
    "refusal_reasons": [{"code": "busy", "titles": titles("Busy")}],
    "delay_reasons": [{"code": "snow", "titles": titles("Snow")}],
}
SAMPLE = CATALOGUE.from_builtins(SAMPLE_DATA)


def plain(catalogue: Catalogue = SAMPLE) -> dict[str, Any]:
    """The catalogue as plain values that a test may change."""
    data: dict[str, Any] = msgspec.json.decode(CATALOGUE.encode(catalogue))
    return data


CODES = st.sampled_from(["a", "b", "c", "yes", "no"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 100) | st.text(max_size=10) | CODES
PARTS: Sequence[type[msgspec.Struct]] = (
    d.Catalogue,
    d.IncidentType,
    d.Question,
    d.Answer,
    d.Service,
    d.Area,
)
KEYS = st.sampled_from(sorted({name for part in PARTS for name in part.__struct_encode_fields__}))
ANY_JSON = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


def _catalogues(*, wild: bool) -> st.SearchStrategy[Catalogue]:
    """Of the right shape, and wrong in most other ways. ``wild``: numbers, too."""
    whole = st.integers(-2, 12)
    seconds = st.floats(0, 600)
    degrees = st.floats(20, 60)
    if wild:
        whole |= st.just(10**30)
        endless = st.sampled_from([float("nan"), float("inf"), float("-inf"), -1.0, 1e300])
        seconds, degrees = seconds | endless, degrees | endless
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    texts = st.builds(Texts, lv=text, ru=text, en=text)
    codes = st.lists(CODES, max_size=3).map(tuple)
    types = st.builds(
        d.IncidentType,
        code=CODES | text,
        titles=texts,
        parent=st.none() | CODES,
        priority=st.none() | whole,
        services=codes,
        questions=codes,
        help=texts,
        eido=text,
        active=st.booleans(),
    )
    answers = st.builds(
        d.Answer,
        code=CODES,
        titles=texts,
        type=st.none() | CODES,
        priority=st.none() | whole,
        services_add=codes,
        hazards_add=codes,
        next=codes,
    )
    questions = st.builds(
        d.Question,
        code=CODES,
        titles=texts,
        kind=st.sampled_from(["choice", "multi", "yes_no", "number", "text"]),
        answers=st.lists(answers, max_size=3).map(tuple),
        required=st.booleans(),
    )
    services = st.builds(
        d.Service,
        code=CODES,
        titles=texts,
        kind=st.sampled_from(["fire", "police", "municipal_police", "other"]),
        phone=text | st.just("113"),
        areas=codes,
        types=codes,
        seen_timeout_s=seconds,
        active=st.booleans(),
    )
    rings = st.lists(st.tuples(degrees, degrees), max_size=6).map(
        lambda ring: (*ring, *ring[:1])
    ) | st.sampled_from([tuple((x, y) for x, y in square(24, 56))])
    polygons = st.lists(st.lists(rings, max_size=2).map(tuple), max_size=2).map(tuple)
    areas = st.builds(d.Area, code=CODES, titles=texts, polygons=polygons)
    coded = st.lists(st.builds(d.Coded, code=CODES, titles=texts), max_size=2).map(tuple)
    return st.builds(
        Catalogue,
        types=st.lists(types, max_size=4).map(tuple),
        questions=st.lists(questions, max_size=4).map(tuple),
        hazards=coded,
        services=st.lists(services, max_size=4).map(tuple),
        areas=st.lists(areas, max_size=2).map(tuple),
        dispositions=coded,
        refusal_reasons=coded,
        delay_reasons=coded,
    )


ANY_CATALOGUE = _catalogues(wild=True)
STORABLE_CATALOGUE = _catalogues(wild=False)
