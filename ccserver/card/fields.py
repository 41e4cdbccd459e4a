"""The fields of a card: which there are, what each may hold, and how it is written down.

A field is a name of a closed list and a JSON value. `checked` says of a value either how it is kept
(text without what no database keeps, telephone numbers in E.164) or exactly what is wrong with it
and where. Keeping what is kept changes nothing: ``checked(name, checked(name, v).value)`` is the
same. Codes are checked for their shape alone; which codes there are, the catalogue says.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, cast

import msgspec

from ccserver.card.text import clean_json
from ccserver.types import PhoneNumber

VALUE_BYTES_MAX = 16 * 1024
"""Of one value in JSON: eight printed pages, and each save keeps the value before it."""
ENTITIES_MAX = 200
"""Persons and vehicles of a card: two coaches. Whoever needs more needs a list of its own."""
NAME_CHARS_MAX = 200
DESCRIPTION_CHARS_MAX = 2_000
ANSWERS_MAX = 200
NUMBER_MAX = 10**15
"""Whole numbers beyond it do not pass through a browser unchanged."""
ENTITY = re.compile(
    r"(?P<kind>person|vehicle):[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
VIN = re.compile("[0-9A-HJ-NPR-Z]{17}")
"""EN 15722: 17 characters without I, O and Q."""

JSON = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]

Code = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_.-]{1,64}\Z")]
Line = Annotated[str, msgspec.Meta(max_length=NAME_CHARS_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=DESCRIPTION_CHARS_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Number = (
    Annotated[int, msgspec.Meta(ge=-NUMBER_MAX, le=NUMBER_MAX)]
    | Annotated[float, msgspec.Meta(ge=-float(NUMBER_MAX), le=float(NUMBER_MAX))]
)


class FieldInvalid(ValueError):
    """The value is not one that the field can hold: ``path`` says where, ``reason`` why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class UnknownField(LookupError):
    """Cards have no such field."""


class FieldTooLong(ValueError):
    """The value is longer in JSON than a card keeps (`VALUE_BYTES_MAX`)."""


class _Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value with members; those left out are empty."""


class Address(_Value, frozen=True):
    """Where it is, as people say it; ``code`` is that of the State Address Register."""

    text: Line = ""
    code: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{9}\Z")] | None = None
    floor: Line = ""
    flat: Line = ""
    entrance: Line = ""
    door_code: Line = ""
    access: Line = ""


class Casualties(_Value, frozen=True):
    """How many people; ``None`` is not known."""

    dead: Count | None = None
    severe: Count | None = None
    light: Count | None = None
    trapped: Count | None = None
    missing: Count | None = None


class CallbackNumber(_Value, frozen=True):
    """A number at which somebody can be reached."""

    number: Annotated[str, msgspec.Meta(max_length=64)]
    note: Line = ""


class Person(_Value, frozen=True):
    """Somebody who is concerned. The roles are those of EIDO."""

    role: Literal["caller", "patient", "reporting_party", "victim", "witness", "suspect"]
    name: Line = ""
    number: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    """As BCP 47 writes it (RFC 5646 §4.4.1 expects 35 characters to be enough)."""
    age: Annotated[int, msgspec.Meta(ge=0, le=150)] | None = None
    condition: Text = ""
    description: Text = ""


class Vehicle(_Value, frozen=True):
    """A vehicle that is concerned; what is typed is kept, also where it cannot be right."""

    vin: Annotated[str, msgspec.Meta(max_length=64)] = ""
    plate: Annotated[str, msgspec.Meta(max_length=64)] = ""
    make: Line = ""
    colour: Line = ""
    description: Text = ""


Answer = Number | Text | Annotated[list[Code], msgspec.Meta(max_length=50)] | None
"""To a question of one answer its code, of several their codes, else text or number."""

SHAPES: Final[Mapping[str, object]] = {
    "type": Code | None,
    "priority": Annotated[int, msgspec.Meta(ge=0, le=10)] | None,
    "summary": Line,
    "address": Address,
    "casualties": Casualties,
    "hazards": Annotated[list[Code], msgspec.Meta(max_length=50)],
    "callback_numbers": Annotated[list[CallbackNumber], msgspec.Meta(max_length=20)],
    "answers": Annotated[dict[Code, Answer], msgspec.Meta(max_length=ANSWERS_MAX)],
    "disposition": Code | None,
}
ENTITY_SHAPES: Final[Mapping[str, object]] = {
    "person": Person | None,
    "vehicle": Vehicle | None,
}
"""``None``: the person or vehicle was removed."""
EMPTY: Final[Mapping[str, JSON]] = {
    "summary": "",
    "address": cast("JSON", msgspec.to_builtins(Address())),
    "casualties": cast("JSON", msgspec.to_builtins(Casualties())),
    "hazards": [],
    "callback_numbers": [],
    "answers": {},
}


@dataclass(frozen=True, slots=True)
class Warned:
    """Something in a value that was kept looks wrong."""

    path: str
    code: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A value as it is kept."""

    value: JSON
    warnings: tuple[Warned, ...] = ()


def checked(name: str, value: object) -> Checked:
    """Return how the field keeps the value, which may be anything that JSON can say.

    Raises `UnknownField`, `FieldTooLong`, and `FieldInvalid` with a path.
    """
    shape = _shape(name)
    try:
        read = msgspec.convert(clean_json(value), shape)
        kept = cast("JSON", msgspec.to_builtins(_normalised(name, read)))
        length = len(msgspec.json.encode(kept))
    except msgspec.ValidationError as error:
        raise _explained(name, error) from None
    except RecursionError:
        raise FieldInvalid(name, "too deep") from None
    if length > VALUE_BYTES_MAX:
        raise FieldTooLong(f"A field holds at most {VALUE_BYTES_MAX} bytes of JSON.")
    return Checked(kept, _warnings(name, read))


def check_name(name: str) -> None:
    """Raise `UnknownField` for a name that no field can have."""
    _shape(name)


def is_entity(name: str) -> bool:
    """Whether it is one of many, a person or a vehicle."""
    return ENTITY.fullmatch(name) is not None


def empty(name: str) -> JSON:
    """Return what a field says that was never saved."""
    return EMPTY.get(name)


def says_nothing(value: object) -> bool:
    """Whether a value that is kept tells nothing at all."""
    if isinstance(value, Mapping):
        return all(says_nothing(member) for member in value.values())
    return value is None or value in ("", [])


def _shape(name: str) -> object:
    if (shape := SHAPES.get(name)) is not None:
        return shape
    if (entity := ENTITY.fullmatch(name)) is not None:
        return ENTITY_SHAPES[entity["kind"]]
    raise UnknownField("cards have no such field")


def _normalised(name: str, value: object) -> object:
    match value:
        case Person(number=str() as number):
            return msgspec.structs.replace(value, number=_number(number, f"{name}.number"))
        case list() if name == "callback_numbers":
            return [
                msgspec.structs.replace(
                    one, number=_number(one.number, f"callback_numbers[{place}].number")
                )
                for place, one in enumerate(value)
            ]
        case list():
            return list(dict.fromkeys(value))  # hazards: the same one twice is one
        case _:
            return value


def _number(typed: str, path: str) -> str:
    number = PhoneNumber.parse(typed)
    if number is None:
        raise FieldInvalid(path, "no telephone number")
    return number.value


def _warnings(name: str, value: object) -> tuple[Warned, ...]:
    if isinstance(value, Vehicle) and value.vin and not VIN.fullmatch(value.vin.strip().upper()):
        return (Warned(f"{name}.vin", "vin_unusual"),)
    return ()


_REASONS = (
    (re.compile(r"Expected `str` of length <= (\d+)"), "at most {} characters"),
    (re.compile(r"Expected `(?:array|object)` of length <= (\d+)"), "at most {} of them"),
    (re.compile(r"Expected `(?:int|float)` <= ([-\d.]+)"), "at most {}"),
    (re.compile(r"Expected `(?:int|float)` >= ([-\d.]+)"), "at least {}"),
    (re.compile(r"Expected `str` matching regex .*", re.DOTALL), "not a code as it is expected"),
    (re.compile(r"Invalid enum value .*", re.DOTALL), "not one of the values that there are"),
    (re.compile(r"Object contains unknown field `(.*)`", re.DOTALL), "has no member {}"),
)
"""What msgspec says, and how a person is told."""


def _explained(name: str, error: msgspec.ValidationError) -> FieldInvalid:
    text, _, where = str(error).rpartition(" - at ")
    if not text:
        text, where = where, ""
    # "`$[0].number`", or "`key` in `$`" for the key of a mapping
    path = name + where.rpartition("`$")[2].removesuffix("`")
    for pattern, told in _REASONS:
        if (found := pattern.match(text)) is not None:
            return FieldInvalid(path, told.format(*found.groups()))
    return FieldInvalid(path, text.replace("`", "").lower())
