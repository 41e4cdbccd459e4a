"""NIEM's JSON, as far as persons and vehicles of a card need it.

Every member is a list, and every text an object with a ``value``:
``{"name": [{"personFullName": [{"value": "Anna"}]}]}``.
"""

from collections.abc import Mapping, Sequence

Way = tuple[str, ...]
"""The members that lead to a text."""

PERSON: Mapping[str, Way] = {
    "name": ("name", "personFullName"),
    "age": ("ageDescription",),
    "condition": ("medicalDescription",),
    "description": ("description",),
    "language": ("primaryLanguage", "languageName"),
}
"""Members of the field ``person:…`` in ncPersonType."""

VEHICLE: Mapping[str, Way] = {
    "vin": ("identification", "identificationId"),
    "plate": ("stateIdentification", "identificationId"),
    "colour": ("conveyanceColorPrimary",),
    "description": ("description",),
}
"""Members of the field ``vehicle:…`` in ncVehicleType."""


def write(told: Mapping[str, object], ways: Mapping[str, Way]) -> dict[str, object]:
    """The component that says what ``told`` does."""
    component: dict[str, object] = {}
    for name, (first, *rest) in ways.items():
        value = told.get(name)
        if value is None or value == "":
            continue
        text: list[dict[str, object]] = [{"value": str(value)}]
        for member in reversed(rest):
            text = [{member: text}]
        component[first] = text
    return component


def read(component: Mapping[str, object], ways: Mapping[str, Way]) -> dict[str, str]:
    """What a component says, of all that it may say; never an error."""
    found = {name: _text(component, way) for name, way in ways.items()}
    return {name: text for name, text in found.items() if text}


def _text(place: object, way: Way) -> str:
    for member in way:
        place = _first(place.get(member)) if isinstance(place, Mapping) else None
    if isinstance(place, Mapping):
        place = place.get("value")
    return place if isinstance(place, str) else ""


def _first(value: object) -> object:
    """The first of a list; some write a single value without one."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value[0] if value else None
    return value
