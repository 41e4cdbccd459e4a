"""The panel draws a shape where the server says that it is: both are held against one file."""

import json
from pathlib import Path
from typing import Any

import pytest

from ccserver.location.shapes import shape_from_json

SHAPES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "panel" / "tests" / "shapes.json").read_text("utf-8")
)
"""Each shape as the API writes it, and the box around its outline: west, south, east, north."""


@pytest.mark.parametrize("vector", SHAPES, ids=lambda vector: vector["shape"]["type"])
def test_the_outline_has_the_bounds_that_the_panel_is_tested_with(vector: dict[str, Any]) -> None:
    shape = shape_from_json(vector["shape"])
    assert shape.as_json() == vector["shape"]
    lons, lats = zip(*shape.outline(), strict=True)
    found = (min(lons), min(lats), max(lons), max(lats))
    assert found == pytest.approx(vector["bounds"], abs=1e-6)


def test_every_shape_of_the_api_is_among_them() -> None:
    assert {vector["shape"]["type"] for vector in SHAPES} == {
        *("Point", "Circle", "Ellipse", "ArcBand", "Polygon", "Sphere", "Ellipsoid", "Prism")
    }
