"""Fields: whatever JSON is sent is kept as it is read, or refused with the place that is wrong."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.card.fields import (
    EMPTY,
    SHAPES,
    VALUE_BYTES_MAX,
    FieldInvalid,
    FieldTooLong,
    UnknownField,
    checked,
    empty,
    is_entity,
    says_nothing,
)

PERSON = "person:5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a01"
VEHICLE = "vehicle:5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a02"
NAMES = (*SHAPES, PERSON, VEHICLE)
MEMBERS = st.sampled_from(
    [
        *("text", "code", "floor", "dead", "severe", "number", "note", "role", "name", "age"),
        *("condition", "vin", "plate", "q1", "fire"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["caller", "fire.house", "+371 29123456", "123456789", "1HGCM82633A004352"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(MEMBERS | st.text(max_size=9), inner, max_size=5)
    ),
    max_leaves=20,
)


def kept_or_refused(name: str, value: object) -> tuple[object, FieldInvalid | None]:
    try:
        return checked(name, value).value, None
    except FieldInvalid as refusal:
        return None, refusal


@given(st.sampled_from(NAMES), VALUES)
def test_any_json_is_kept_or_refused_with_a_path(name: str, value: object) -> None:
    kept, refusal = kept_or_refused(name, value)
    if refusal is not None:
        assert refusal.path.startswith(name)
        assert refusal.reason
        return
    assert json.loads(json.dumps(kept)) == kept
    assert msgspec.json.decode(msgspec.json.encode(kept)) == kept
    assert checked(name, kept).value == kept


@given(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["caller", "patient", "victim"])},
        optional={
            "name": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            "number": st.none() | st.from_regex(r"\A(\+|00)?[0-9]{1,12}\Z"),
            "age": st.none() | st.integers(0, 150),
        },
    )
)
def test_what_is_typed_of_a_person_comes_back(person: dict[str, object]) -> None:
    kept, refusal = kept_or_refused(PERSON, person)
    if refusal is not None:
        too_long = len(str(person.get("name", ""))) > 200
        assert too_long or refusal.path == f"{PERSON}.number"
        return
    assert isinstance(kept, dict)
    assert kept | person | {"number": kept["number"]} == kept
    assert checked(PERSON, kept).value == kept


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("address", {"text": "x" * 201}, "address.text: at most 200 characters"),
        ("address", {"code": "12"}, "address.code: not a code as it is expected"),
        ("address", {"street": "x"}, "address: has no member street"),
        ("address", None, "address: expected object, got null"),
        ("address", "Brīvības 1", "address: expected object, got str"),
        ("priority", 11, "priority: at most 10"),
        ("priority", -1, "priority: at least 0"),
        ("priority", True, "priority: expected int | null, got bool"),
        ("priority", 5.0, "priority: expected int | null, got float"),
        ("type", "Fire!", "type: not a code as it is expected"),
        ("summary", None, "summary: expected str, got null"),
        ("casualties", {"dead": 100_001}, "casualties.dead: at most 100000"),
        ("hazards", ["gas", "a b"], "hazards[1]: not a code as it is expected"),
        ("hazards", ["gas"] * 51, "hazards: at most 50 of them"),
        ("callback_numbers", [{"number": "?"}], "callback_numbers[0].number: no telephone number"),
        ("answers", {"a b": 1}, "answers: not a code as it is expected"),
        ("answers", {"a": 10**16}, "answers[...]: at most 1000000000000000"),
        ("answers", {"a": math.nan}, "answers[...]: at "),
        ("answers", {"a": math.inf}, "answers[...]: at most"),
        ("answers", {"a": {"b": 1}}, "answers[...]: "),
        (PERSON, {"name": "A"}, f"{PERSON}: object missing required field role"),
        (PERSON, {"role": "boss"}, f"{PERSON}.role: not one of the values that there are"),
        (PERSON, {"role": "caller", "age": 151}, f"{PERSON}.age: at most 150"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(name: str, value: object, told: str) -> None:
    with pytest.raises(FieldInvalid) as caught:
        checked(name, value)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("type", "fire.house", "fire.house"),
        ("type", None, None),
        ("summary", "nul\0 and half \ud83d <b>&amp;", "nul and half \ufffd <b>&amp;"),
        ("hazards", ["gas", "fire", "gas"], ["gas", "fire"]),
        (
            "callback_numbers",
            [{"number": " 29 123 456"}, {"number": "112"}],
            [{"number": "+37129123456", "note": ""}, {"number": "112", "note": ""}],
        ),
        (
            "answers",
            {"a": 1.5, "b": "yes", "c": ["x", "y"], "d": None, "e": "free Ā"},
            {"a": 1.5, "b": "yes", "c": ["x", "y"], "d": None, "e": "free Ā"},
        ),
        (PERSON, None, None),
    ],
)
def test_what_is_kept_is_as_every_database_keeps_it(name: str, value: object, kept: object) -> None:
    assert checked(name, value).value == kept


@pytest.mark.parametrize(
    ("vin", "warned"),
    [
        ("1HGCM82633A004352", False),
        ("1hgcm82633a004352", False),
        ("", False),
        ("1HGCM82633A00435", True),
        ("1HGCM82633A00435O", True),
        ("can only read HGCM", True),
    ],
)
def test_a_vin_that_cannot_be_right_is_kept_with_a_warning(vin: str, warned: bool) -> None:
    result = checked(VEHICLE, {"vin": vin})
    assert isinstance(result.value, dict)
    assert result.value["vin"] == vin
    assert [(one.path, one.code) for one in result.warnings] == (
        [(f"{VEHICLE}.vin", "vin_unusual")] if warned else []
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "types",
        "notes",
        "person",
        "person:",
        "person:1",
        PERSON.upper(),
        PERSON + "\n",
        PERSON.replace("person", "animal"),
        "address.text",
    ],
)
def test_the_list_of_fields_is_closed(name: str) -> None:
    with pytest.raises(UnknownField):
        checked(name, None)


def test_a_value_is_bounded_in_bytes() -> None:
    fits = {f"q{n}": "x" * 2_000 for n in range(8)}
    assert checked("answers", fits).value == fits
    with pytest.raises(FieldTooLong, match=str(VALUE_BYTES_MAX)):
        checked("answers", fits | {"q8": "x" * 2_000})


def test_depth_is_bounded() -> None:
    deep: object = 1
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(FieldInvalid, match="answers"):
        checked("answers", {"a": deep})


@pytest.mark.parametrize("name", NAMES)
def test_what_was_never_saved_is_a_value_that_says_nothing(name: str) -> None:
    assert checked(name, empty(name)).value == empty(name)
    assert says_nothing(empty(name))
    assert set(EMPTY) <= set(SHAPES)


@pytest.mark.parametrize(
    ("value", "nothing"),
    [
        ({"dead": 0}, False),
        ({"dead": None}, True),
        (0, False),
        (False, False),
        ([], True),
        (["x"], False),
        ({"a": {"b": ""}}, True),
    ],
)
def test_zero_casualties_is_something_that_was_said(value: object, nothing: bool) -> None:
    assert says_nothing(value) is nothing


def test_persons_and_vehicles_are_told_from_other_fields() -> None:
    assert [is_entity(name) for name in (PERSON, VEHICLE, "type")] == [True, True, False]
