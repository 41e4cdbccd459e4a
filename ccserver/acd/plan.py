"""The routing, as one value: who may get whom, in what order, and what happens while one waits.

The core takes a `Plan` at its start and a new one at any time. It never trusts it: what cannot be
(a queue that does not exist, a time that is no number, a skill that nobody has) has no effect, or
the effect of the default, and a contact always ends at the escalation, which asks for nothing but a
person and a device.

Skills are named ``category:name`` or ``name`` (``language:lv``, ``ecall``) and have levels 1 to 10.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite

from ccserver.types import AgentId

ALARM_AFTER_S = 30.0
ESCALATE_AFTER_S = 60.0

TEXT_MAX = 2
"""Text conversations at a time where nobody says otherwise: a citizen who cannot speak is answered
in a centre that was only just set up. Two, because an answer is typed while the other one reads."""


class Selection(StrEnum):
    """Who comes first among those who may be offered a contact.

    Within each, those with fewer text conversations in hand come first.
    """

    LONGEST_IDLE = "longest_idle"
    FEWEST_CONTACTS = "fewest_contacts"  # accepted since signing on; then longest idle
    ROUND_ROBIN = "round_robin"  # whose last offer is the longest ago; then longest idle
    RING_ALL = "ring_all"  # as many as there are at that moment, longest idle first


@dataclass(frozen=True, slots=True)
class Requirement:
    """A skill that is needed, or had, at ``level`` or above."""

    skill: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class RelaxStep:
    """After ``after_s`` of waiting no more than ``level`` is asked of ``skill``; 0: nothing.

    ``skill`` is a name, ``category:*`` or ``*``. A step never raises what is needed.
    """

    after_s: float
    skill: str
    level: int = 0

    def covers(self, skill: str) -> bool:
        """Return whether the step is about ``skill``."""
        if self.skill.endswith(":*"):
            return skill.startswith(self.skill[:-1])
        return self.skill in ("*", skill)


@dataclass(frozen=True, slots=True)
class OverflowStep:
    """After ``after_s`` of waiting also the agents of that queue, and those at that site.

    Not transitive: the steps of the other queue are not taken. A queue that is not in the plan, and
    a site for a queue that is open to all sites, have no effect.
    """

    after_s: float
    queue: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """How the contacts of one queue wait and are given out. Seconds count from the wait's start."""

    name: str
    queue_class: int = 5
    """0–9. A contact of a higher class is always before one of a lower."""
    head_start_s: float = 0.0
    """Within a class the order is by waiting time plus head start: by arrival minus head start."""
    priority_step_s: float = 60.0
    """Further head start for each point of the contact's priority."""
    skills: tuple[Requirement, ...] = ()
    relax: tuple[RelaxStep, ...] = ()
    overflow: tuple[OverflowStep, ...] = ()
    sites: tuple[str, ...] = ()
    """Whose agents may take its contacts; empty: all."""
    site_affinity: bool = True
    """An agent at the contact's own site is asked before others: a preference, never a wait."""
    prefer_last_agent: bool = True
    """Who spoke with this person last is asked first if IDLE: a preference, never a wait."""
    selection: Selection = Selection.LONGEST_IDLE
    ring_all_max: int = 8
    offer_timeout_s: float | None = None
    """None: that of the distributor's settings. So also ``wrap_up_s``."""
    wrap_up_s: float | None = None
    alarm_after_s: float = ALARM_AFTER_S
    """Supervisors are told that somebody waits."""
    escalate_after_s: float = ESCALATE_AFTER_S
    """From then on every agent may get it, also NOT_READY ones with a reachable, free device."""
    redial_window_s: float = 600.0
    """A voice caller who is back within it, after an abandon or a cut call, keeps the place."""


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """What one agent may be given."""

    agent_id: AgentId
    queues: tuple[str, ...] | None = None
    """None: all."""
    skills: tuple[Requirement, ...] = ()
    site: str = ""
    text_max: int = TEXT_MAX
    """Text conversations at a time, beside the voice slot."""
    supervisor: bool = False
    may_pick: bool = False
    """A right, checked by the edge; the core takes a pick from anybody."""
    _levels: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for have in self.skills:
            self._levels[have.skill] = max(have.level, self.level(have.skill))

    def level(self, skill: str) -> int:
        """Return the level of ``skill``; 0: not had."""
        return self._levels.get(skill, 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole routing. Without anything in it: one queue, everybody's, as `QueuePlan` is."""

    queues: Mapping[str, QueuePlan] = field(default_factory=dict)
    agents: Mapping[AgentId, AgentPlan] = field(default_factory=dict)
    fallback: QueuePlan = QueuePlan("fallback")
    """For contacts in a queue that is not in the plan."""
    missed_offers_max: int = 3
    """After so many timed-out offers one after the other the agent is NOT_READY; 0: never."""
    text_during_voice: bool = False
    """May somebody who rings or talks be offered a text?"""
    voice_during_text: bool = True
    """May somebody with texts be offered a voice contact? (An offer, never by force.)"""
    wrap_up_extension_max_s: float = 300.0
    """In all, for one wrap-up."""

    def queue(self, name: str) -> QueuePlan:
        """Return the plan of a queue; the fallback's for one that is unknown."""
        return self.queues.get(name, self.fallback)

    def agent(self, agent_id: AgentId) -> AgentPlan:
        """Return what is planned for an agent; for an unknown one, all queues and no skills."""
        found = self.agents.get(agent_id)
        return found if found is not None else AgentPlan(agent_id)


def finite(seconds: float | None, otherwise: float) -> float:
    """Return ``seconds`` if it is a number that passes, else ``otherwise``."""
    return seconds if seconds is not None and isfinite(seconds) else otherwise


def positive(seconds: float | None, otherwise: float) -> float:
    """Return ``seconds`` if they pass and are more than none, else ``otherwise``."""
    return seconds if seconds is not None and isfinite(seconds) and seconds > 0 else otherwise
