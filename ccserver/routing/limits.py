"""Bounds of the document's values: the checks refuse what lies outside, `to_plan` corrects it."""

import math
import re
from collections.abc import Mapping

from ccserver.documents import Part
from ccserver.documents.walk import Range
from ccserver.ecall.urn import service_of
from ccserver.routing import document as d

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
SKILL = re.compile(r"[a-z][a-z0-9_-]{0,31}(?::[a-z0-9][a-z0-9_-]{0,31})?")
SKILL_PATTERN = re.compile(r"\*|[a-z][a-z0-9_-]{0,31}:\*|" + SKILL.pattern)
"""In a relaxing step: a skill, all skills of a category, or all."""
AGENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
NUMBER = re.compile(r"\+?[0-9]{1,20}")
"""Only what can be dialled: nothing in it means something else in a dialplan."""
SERVICE_CHARS_MAX = 96
"""As much as a card holds of it."""
PREFIX = re.compile(r"\+[0-9]{0,15}|[0-9]{1,15}")
"""The beginning of a number; + alone is that of every one with a country in front."""
COUNTRY_PREFIX = "+371"
"""As `ccserver.types.PhoneNumber` writes this country's numbers."""
MUSIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEYS = frozenset("0123456789*#")
SILENT_KEY = "5"

TEXT_CHARS_MAX = 200
"""Titles and names; a panel's column shows some forty."""
PROMPT_CHARS_MAX = 1_000
"""A minute of speech; callers must hear it to its end between two announcements."""

WAIT_S_MAX = 86_400.0
"""No contact waits a day; a longer time is a slip of the pen."""

RANGES: Mapping[tuple[type[Part], str], Range] = {
    (d.Callbacks, "attempts_max"): (1, 20),
    (d.Callbacks, "retry_after_s"): (10, WAIT_S_MAX),
    (d.General, "missed_offers_max"): (1, 20),
    (d.General, "silence_after_s"): (2, 60),
    (d.SkillLevel, "level"): (1, 10),
    (d.Relax, "after_s"): (0, WAIT_S_MAX),
    (d.Relax, "level"): (0, 10),
    (d.Overflow, "after_s"): (0, WAIT_S_MAX),
    (d.Waiting, "announce_every_s"): (10, 600),
    (d.Queue, "queue_class"): (0, 9),
    (d.Queue, "head_start_s"): (0, 3_600),
    (d.Queue, "priority"): (0, 10),
    (d.Queue, "priority_step_s"): (0, 600),
    (d.Queue, "ring_all_max"): (2, 50),
    (d.Queue, "offer_timeout_s"): (3, 120),
    (d.Queue, "wrap_up_s"): (1, 3_600),
    (d.Queue, "alarm_after_s"): (1, WAIT_S_MAX),
    (d.Queue, "escalate_after_s"): (1, WAIT_S_MAX),
    (d.Queue, "redial_window_s"): (0, WAIT_S_MAX),
    (d.Agent, "text_max"): (0, 20),
    (d.Entry, "priority"): (0, 10),
}
"""Lowest and highest value; ``None`` passes where the type allows it."""

COUNTS: Mapping[tuple[type[Part], str], int] = {
    (d.Dialling, "allow"): 100,
    (d.Dialling, "deny"): 100,
    (d.Document, "sites"): 100,
    (d.Document, "skills"): 500,
    (d.Document, "queues"): 200,
    (d.Document, "agents"): 5_000,
    (d.Document, "schedules"): 50,
    (d.Document, "entries"): 200,
    (d.Document, "prompts"): 200,
    (d.Document, "directory"): 500,
    (d.Queue, "skills"): 20,
    (d.Queue, "relax"): 20,
    (d.Queue, "overflow"): 20,
    (d.Queue, "sites"): 100,
    (d.Waiting, "languages"): 12,
    (d.Agent, "queues"): 200,
    (d.Agent, "skills"): 100,
    (d.Schedule, "weekly"): 50,
    (d.Schedule, "exceptions"): 200,
    (d.Weekly, "days"): 7,
    (d.DateException, "open"): 10,
    (d.Entry, "rules"): 10,
    (d.Entry, "skills"): 20,
}
"""Most items of a list."""


def is_service(text: str) -> bool:
    """Whether this is a service URN as a call asks for it: in small letters."""
    return service_of(text) == text and len(text) <= SERVICE_CHARS_MAX


def clamped(owner: Part, field: str) -> float:
    """The field's number, moved into its range; what is no number at all becomes the lowest."""
    value: float = getattr(owner, field)
    low, high = RANGES[type(owner), field]
    return low if math.isnan(value) else min(max(value, low), high)


def clamped_or_none(owner: Part, field: str) -> float | None:
    """As `clamped`, for a field that may be ``None``."""
    return None if getattr(owner, field) is None else clamped(owner, field)
