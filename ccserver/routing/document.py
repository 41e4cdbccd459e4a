"""The routing document: everything a supervisor decides about who gets which contact, and when.

One document, one version. Decoding refuses only what has the wrong shape (types, unknown keys);
whether the parts fit together is said by `ccserver.routing.checks`, all problems at once.
"""

import datetime
from collections.abc import Mapping
from typing import Literal

from ccserver.acd.plan import TEXT_MAX
from ccserver.documents import DocumentKind, Part, Texts, Told

EMERGENCY_NUMBER = "112"
CALLBACK_QUEUE = "callback"
"""Call-backs of abandoned contacts wait here."""
TEST_QUEUE = "ecall_test"
"""Calls that try whether we answer wait here, where no entry says otherwise."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SelectionName = Literal["longest_idle", "fewest_contacts", "round_robin", "ring_all"]
DirectoryKind = Literal["service", "interpreter", "other"]


class Callbacks(Part, frozen=True, kw_only=True):
    """How abandoned contacts are called back."""

    automatic: bool = False
    attempts_max: int = 3
    retry_after_s: float = 300.0


class Dialling(Part, frozen=True, kw_only=True):
    """Which numbers call takers may type, by their beginning; the longest that fits decides.

    ``allow`` empty: every number that ``deny`` does not name.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ("90", "+979")
    """Premium rate: Latvia's, and the international one (ITU-T E.169.2)."""


class General(Part, frozen=True, kw_only=True):
    """What holds for the whole centre."""

    missed_offers_max: int = 3
    text_during_voice: bool = False
    voice_during_text: bool = True
    default_language: str = "lv"
    silence_after_s: float = 8.0
    callbacks: Callbacks = Callbacks()
    dialling: Dialling = Dialling()


class Site(Part, frozen=True, kw_only=True):
    """A place where call takers sit."""

    name: str
    title: Texts = Texts()


class Skill(Part, frozen=True, kw_only=True):
    """Something a call taker can do: ``name`` or ``category:name``."""

    name: str
    title: Texts = Texts()


class SkillLevel(Part, frozen=True, kw_only=True):
    """A skill with the level that is needed, or that somebody has."""

    skill: str
    level: int = 1


class Relax(Part, frozen=True, kw_only=True):
    """From ``after_s`` of waiting on, less of a skill is enough; level 0: it is not needed."""

    after_s: float
    skill: str
    level: int = 0


class Overflow(Part, frozen=True, kw_only=True):
    """From ``after_s`` of waiting on, also that queue's members, or also that site."""

    after_s: float
    queue: str | None = None
    site: str | None = None


class Waiting(Part, frozen=True, kw_only=True):
    """What a waiting caller hears and may press."""

    greeting: str | None = None
    announcement: str | None = None
    announce_every_s: float = 30.0
    music: str = "calm"
    languages: Mapping[str, str] = {}
    """Key of the telephone → language."""
    silent_keys: bool = True
    """5 and 55 mean "I cannot speak"."""


class Queue(Part, frozen=True, kw_only=True):
    """Where contacts wait. The meaning of each key is in ``docs/reference/routing.md``."""

    name: str
    title: Texts = Texts()
    queue_class: int = 5
    head_start_s: float = 0.0
    priority: int = 5
    priority_step_s: float = 60.0
    skills: tuple[SkillLevel, ...] = ()
    relax: tuple[Relax, ...] = ()
    overflow: tuple[Overflow, ...] = ()
    sites: tuple[str, ...] = ()
    site_affinity: bool = True
    prefer_last_agent: bool = True
    selection: SelectionName = "longest_idle"
    ring_all_max: int = 8
    offer_timeout_s: float | None = None
    wrap_up_s: float | None = None
    alarm_after_s: float = 30.0
    escalate_after_s: float = 60.0
    redial_window_s: float = 600.0
    waiting: Waiting = Waiting()


class Agent(Part, frozen=True, kw_only=True):
    """What a seat does. A seat that is not listed is a member of every queue, without skills."""

    agent_id: str
    queues: tuple[str, ...] | None = None
    skills: tuple[SkillLevel, ...] = ()
    site: str = ""
    text_max: int = TEXT_MAX
    may_pick: bool = False


class Span(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Local wall time from ``from`` (included) to ``to`` (not included; ``24:00`` is midnight)."""

    from_: str
    to: str


class Weekly(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The same span on several days of each week."""

    days: tuple[Day, ...]
    from_: str
    to: str


class DateException(Part, frozen=True, kw_only=True):
    """One date on which the week does not count: closed, open all day, or open in these spans."""

    date: datetime.date
    open: bool | tuple[Span, ...] = False


class Schedule(Part, frozen=True, kw_only=True):
    """When something is open, in the wall time of ``timezone``."""

    name: str
    timezone: str = "Europe/Riga"
    weekly: tuple[Weekly, ...] = ()
    exceptions: tuple[DateException, ...] = ()


class Rule(Part, frozen=True, kw_only=True):
    """While the schedule is open, contacts go to this queue."""

    schedule: str
    queue: str


class Entry(Part, frozen=True, kw_only=True):
    """A number that citizens dial, or a service that they ask for, and where it leads.

    The first open rule wins.
    """

    number: str
    """Also a service URN (RFC 5031), which serves its children that have no entry of their own."""
    queue: str
    site: str = ""
    priority: int | None = None
    """``None``: that of the queue it leads to."""
    service: str = ""
    """What whoever dials this number asks for, where the call itself does not say."""
    skills: tuple[SkillLevel, ...] = ()
    """On top of those of the queue it leads to."""
    rules: tuple[Rule, ...] = ()


class Prompt(Part, frozen=True, kw_only=True):
    """A text that is spoken to callers."""

    name: str
    texts: Texts = Texts()


class DirectoryEntry(Part, frozen=True, kw_only=True):
    """Somebody outside whom call takers may call or transfer to."""

    name: str
    number: str
    title: Texts = Texts()
    kind: DirectoryKind = "service"


class Document(Part, frozen=True, kw_only=True):
    """The whole routing configuration."""

    general: General = General()
    sites: tuple[Site, ...] = ()
    skills: tuple[Skill, ...] = ()
    queues: tuple[Queue, ...] = ()
    agents: tuple[Agent, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    entries: tuple[Entry, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    directory: tuple[DirectoryEntry, ...] = ()


def _without_meaningless(data: object, ignored: Told) -> object:
    """Leave out ``recorded`` of queues: every call is recorded. Documents that hold it are kept."""
    queues = data.get("queues") if isinstance(data, dict) else None
    if not isinstance(queues, list):
        return data
    left: list[object] = []
    for number, queue in enumerate(queues):
        if isinstance(queue, dict) and "recorded" in queue:
            ignored(f"queues[{number}].recorded")
            queue = {key: value for key, value in queue.items() if key != "recorded"}  # noqa: PLW2901
        left.append(queue)
    return {**data, "queues": left} if isinstance(data, dict) else data


DOCUMENT_BYTES_MAX = 1024 * 1024
"""Five thousand call takers with their skills are some 700 KiB."""

ROUTING = DocumentKind(
    "routing", Document, DOCUMENT_BYTES_MAX, without_meaningless=_without_meaningless
)
