"""Bounds of the catalogue's values."""

import re
from collections.abc import Mapping

from ccserver.catalogue import document as d
from ccserver.documents import Part
from ccserver.documents.walk import Range

CODE = re.compile(r"[a-z0-9_.-]{1,64}")
PHONE = re.compile(r"\+?[0-9]{1,20}|")
"""Only what can be dialled, or none."""

TEXT_CHARS_MAX = 200
"""Titles and names; a panel's column shows some forty."""
HELP_CHARS_MAX = 1_000
"""What a call taker can take in while somebody speaks."""
DEPTH_MAX = 4
"""Levels of types; a person in a hurry opens no fifth one."""
VERTICES_MAX = 20_000
"""Corners of all areas together: the municipalities of Latvia to some 100 m need fewer."""
RING_MIN = 4
"""A triangle, closed (RFC 7946 §3.1.6)."""

LONGITUDES: Range = (-180, 180)
LATITUDES: Range = (-90, 90)

RANGES: Mapping[tuple[type[Part], str], Range] = {
    (d.IncidentType, "priority"): (0, 10),
    (d.Answer, "priority"): (0, 10),
    (d.Service, "seen_timeout_s"): (5, 3_600),
}
"""Lowest and highest value; ``None`` passes where the type allows it. 10 is EIDO's highest."""

COUNTS: Mapping[tuple[type[Part], str], int] = {
    (d.Catalogue, "types"): 1_000,
    (d.Catalogue, "questions"): 1_000,
    (d.Catalogue, "hazards"): 200,
    (d.Catalogue, "services"): 500,
    (d.Catalogue, "areas"): 500,
    (d.Catalogue, "dispositions"): 100,
    (d.Catalogue, "refusal_reasons"): 100,
    (d.Catalogue, "delay_reasons"): 100,
    (d.IncidentType, "services"): 50,
    (d.IncidentType, "questions"): 50,
    (d.Question, "answers"): 50,
    (d.Answer, "services_add"): 50,
    (d.Answer, "hazards_add"): 50,
    (d.Answer, "next"): 50,
    (d.Service, "areas"): 500,
    (d.Service, "types"): 1_000,
    (d.Area, "polygons"): 1_000,
}
"""Most items of a list."""
