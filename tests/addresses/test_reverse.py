"""The buildings at a point, nearest first, and the place where none is close."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver.addresses import AddressIndex
from ccserver.location import Position, distance_m
from tests.addresses.registers import Register, imported


def test_the_house_at_the_point_comes_first(index: AddressIndex) -> None:
    found = index.near(Position(56.98011, 24.2), limit=2)
    assert [one.text for one in found.addresses] == [
        "Brīvības gatve 200, Rīga, LV-1010",
        "Brīvības gatve 202, Rīga, LV-1010",
    ]
    assert found.addresses[0].distance_m == pytest.approx(1.1, abs=0.2)
    assert found.place is None


def test_far_from_every_building_the_place_is_named(index: AddressIndex) -> None:
    found = index.near(Position(57.82, 25.05), limit=1)
    assert found.addresses[0].text.startswith('"Riņņi"')
    assert (found.addresses[0].distance_m or 0) > 200
    assert found.place is not None
    assert found.place.text == "Vecates pag., Valmieras nov."


def test_a_point_outside_the_country_has_no_address(index: AddressIndex) -> None:
    assert index.near(Position(0.0, 0.0), limit=5).addresses == ()


def test_nothing_nearer_is_missed(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    made = Register()
    city = made.city(100000009, "Rīga")
    at = {}
    for number in range(300):
        code = 101000001 + number
        at[f"{code}"] = (56.9 + chance.random() * 0.2, 24.0 + chance.random() * 0.3)
        made.building(code, f"Māja {number}", city, "", at[f"{code}"])
    path, _ = imported(made, tmp_path)
    index = AddressIndex(path, timeout_s=30.0)
    for _ in range(50):
        point = Position(56.9 + chance.random() * 0.2, 24.0 + chance.random() * 0.3)
        wanted = sorted(at, key=lambda code: distance_m(point, Position(*at[code])))[:4]
        assert [one.code for one in index.near(point, limit=4).addresses] == wanted


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(1, 50))
def test_any_point_is_answered(index: AddressIndex, lat: float, lon: float, limit: int) -> None:
    assert len(index.near(Position(lat, lon), limit=limit).addresses) <= limit
