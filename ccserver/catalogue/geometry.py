"""Areas: whether their outlines can be used, and which of them hold a place.

shapely is imported where it is used, in a thread: it takes half a second with its numpy, and a
controller that starts again must not keep callers waiting for it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ccserver.catalogue import document as d
from ccserver.catalogue.limits import LATITUDES, LONGITUDES, RING_MIN, VERTICES_MAX
from ccserver.documents import Found

if TYPE_CHECKING:
    from shapely import STRtree

LATVIA = (20.5, 55.5, 28.5, 58.2)
"""West, south, east, north; to notice swapped numbers, nothing else."""

_REASON = re.compile(r"(?P<what>.*)\[(?P<x>\S+) (?P<y>\S+)\]")
"""GEOS names the fault and its place: ``Self-intersection[24.1 56.9]``."""


def check_areas(found: Found, areas: Sequence[d.Area]) -> None:
    """The outline of each area can be used."""
    corners = sum(len(ring) for area in areas for polygon in area.polygons for ring in polygon)
    if corners > VERTICES_MAX:
        found.add("areas", "too_many_vertices", count=corners, limit=VERTICES_MAX)
        return
    for number, area in enumerate(areas):
        path = f"areas[{number}]"
        if not area.polygons or not all(area.polygons):
            found.add(f"{path}.polygons", "area_empty", area=area.code)
            continue
        if _rings_sound(found, path, area):
            _check_outline(found, path, area)
            _check_order(found, path, area)


def _rings_sound(found: Found, path: str, area: d.Area) -> bool:
    sound = True
    for item, polygon in enumerate(area.polygons):
        for number, ring in enumerate(polygon):
            fault = _fault(ring)
            if fault is not None:
                code, params = fault
                found.add(f"{path}.polygons[{item}][{number}]", code, **params)
                sound = False
    return sound


def _fault(ring: d.Ring) -> tuple[str, dict[str, int]] | None:
    """What keeps the ring from being one."""
    for corner, (longitude, latitude) in enumerate(ring, 1):
        on_earth = (
            LONGITUDES[0] <= longitude <= LONGITUDES[1] and LATITUDES[0] <= latitude <= LATITUDES[1]
        )
        if not on_earth:  # nor is a NaN
            return "position_outside", {"corner": corner}
    if len(ring) < RING_MIN:
        return "ring_short", {}
    if ring[0] != ring[-1]:
        return "ring_open", {}
    return None


def _check_outline(found: Found, path: str, area: d.Area) -> None:
    import shapely  # noqa: PLC0415

    outline = _outline(area)
    if shapely.is_valid(outline):
        return
    reason = _REASON.fullmatch(str(shapely.is_valid_reason(outline)))
    what, x, y = reason.groups() if reason else ("it is not valid", "?", "?")
    if what in ("Self-intersection", "Ring Self-intersection"):
        found.add(f"{path}.polygons", "area_crosses_itself", longitude=x, latitude=y)
    else:
        found.add(f"{path}.polygons", "area_invalid", longitude=x, latitude=y, reason=what.lower())


def _check_order(found: Found, path: str, area: d.Area) -> None:
    west, south, east, north = LATVIA
    corners = [position for polygon in area.polygons for position in polygon[0]]
    if all(south <= first <= north and west <= second <= east for first, second in corners):
        found.add(f"{path}.polygons", "swapped", area=area.code)


def _outline(area: d.Area) -> Any:
    import shapely  # noqa: PLC0415

    return shapely.MultiPolygon(
        [shapely.Polygon(polygon[0], polygon[1:]) for polygon in area.polygons]
    )


@dataclass(frozen=True)
class AreaIndex:
    """Which areas hold a place; built once for each version, in a thread.

    An area whose outline cannot be used (a database edited by hand) holds no place.
    """

    codes: tuple[str, ...]
    tree: "STRtree"
    """The prepared outlines, in the order of ``codes``."""

    @staticmethod
    def of(areas: Sequence[d.Area]) -> "AreaIndex":
        """Build it; takes a good part of a second for the first one of a process."""
        import shapely  # noqa: PLC0415

        usable: list[tuple[str, Any]] = []
        for area in areas:
            rings = [ring for polygon in area.polygons for ring in polygon]
            if not all(area.polygons) or any(map(_fault, rings)):
                continue
            outline = _outline(area)
            if not outline.is_empty and shapely.is_valid(outline):
                usable.append((area.code, outline))
        tree = shapely.STRtree([outline for _, outline in usable])
        shapely.prepare(tree.geometries)
        return AreaIndex(tuple(code for code, _ in usable), tree)

    def holding(self, longitude: float, latitude: float) -> frozenset[str]:
        """The codes of the areas that hold the place, also of those at whose edge it lies."""
        import shapely  # noqa: PLC0415

        near = self.tree.query(shapely.Point(longitude, latitude))
        inside = shapely.intersects_xy(self.tree.geometries[near], longitude, latitude)
        return frozenset(self.codes[number] for number in near[inside])
