"""What a waiting contact needs of an agent, and how that changes while it waits.

Pure functions of the plan and of time: `need_at` says whom a contact may be offered to at a moment,
`next_step` when the answer may change, `qualifies` whether one agent fits. Contacts with equal
needs wait in one line, so their number never makes a decision slow.

A need starts from the queue: its members, its sites, its skills and the contact's own. Relaxation
lowers levels, overflow adds queues and sites, escalation asks for nothing any more. Each step only
widens; who fits once, fits until the end. What was asked for at first stays a preference: among
those who are free, whoever has it all is asked first (`wanted`).
"""

from dataclasses import dataclass
from math import isfinite

from ccserver.acd.plan import (
    ALARM_AFTER_S,
    ESCALATE_AFTER_S,
    AgentPlan,
    Plan,
    QueuePlan,
    Requirement,
    Selection,
    finite,
)
from ccserver.types import Medium


@dataclass(frozen=True, slots=True)
class Need:
    """Whom a contact may be offered to, and in which order they are asked."""

    medium: Medium
    selection: Selection
    everybody: bool = False
    """Escalated: no queue, site or skill is asked, and NOT_READY agents are rung too."""
    queues: tuple[str, ...] = ()
    """The agents of any of these. The names are those of plans, so an unknown queue is the
    fallback."""
    sites: tuple[str, ...] = ()
    """Those at any of these; empty: at all."""
    skills: tuple[Requirement, ...] = ()
    """With all of these; sorted, each skill once."""

    def widened(self) -> "Need":
        """Return the need of one who is escalated."""
        return Need(self.medium, self.selection, everybody=True)


def qualifies(agent: AgentPlan, need: Need) -> bool:
    """Return whether an agent may be given such a contact when it is there and free."""
    if need.medium is not Medium.VOICE and agent.text_max < 1:
        return False
    if need.everybody:
        return True
    if agent.queues is not None and not any(queue in agent.queues for queue in need.queues):
        return False
    if need.sites and agent.site not in need.sites:
        return False
    return all(agent.level(needed.skill) >= needed.level for needed in need.skills)


def alarm_after_s(queue: QueuePlan) -> float:
    """Return how long one waits before supervisors are told."""
    return finite(queue.alarm_after_s, ALARM_AFTER_S)


def escalate_after_s(queue: QueuePlan) -> float:
    """Return how long one waits before everybody is asked; a plan cannot make it endless."""
    return finite(queue.escalate_after_s, ESCALATE_AFTER_S)


def need_at(
    plan: Plan,
    queue_name: str,
    own_skills: tuple[Requirement, ...],
    medium: Medium,
    *,
    since: float,
    now: float,
) -> Need:
    """Return what a contact needs that has waited in a queue ``since`` then."""
    queue = plan.queue(queue_name)
    if since + escalate_after_s(queue) <= now:
        return Need(medium, queue.selection, everybody=True)
    queues, sites = [queue.name], list(queue.sites)
    for step in queue.overflow:
        if since + step.after_s <= now:
            other = plan.queues.get(step.queue) if step.queue is not None else None
            if other is not None and other.name not in queues:
                queues.append(other.name)
            if sites and step.site is not None and step.site not in sites:
                sites.append(step.site)
    skills = _relaxed(queue, own_skills, since=since, now=now)
    return Need(
        medium,
        queue.selection,
        queues=tuple(sorted(queues)),
        sites=tuple(sorted(sites)),
        skills=skills,
    )


def _relaxed(
    queue: QueuePlan, own_skills: tuple[Requirement, ...], *, since: float, now: float
) -> tuple[Requirement, ...]:
    """Return the queue's and the contact's requirements as they are after the steps so far."""
    levels = _levels(queue, own_skills)
    for step in queue.relax:
        if since + step.after_s <= now:
            for skill, level in levels.items():
                if step.covers(skill):
                    levels[skill] = min(level, step.level)
    return tuple(Requirement(skill, level) for skill, level in sorted(levels.items()) if level > 0)


def wanted(queue: QueuePlan, own_skills: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """Return what the queue and the contact asked for at first.

    A step of relaxation lets others have the contact, too; it does not make them as good.
    """
    return tuple(Requirement(skill, level) for skill, level in _levels(queue, own_skills).items())


def _levels(queue: QueuePlan, own_skills: tuple[Requirement, ...]) -> dict[str, int]:
    levels: dict[str, int] = {}
    for required in (*queue.skills, *own_skills):
        levels[required.skill] = max(required.level, levels.get(required.skill, 0))
    return levels


def next_step(plan: Plan, queue_name: str, *, since: float, now: float) -> float | None:
    """Return when something happens next to one who waits: relax, overflow, alarm, escalate."""
    queue = plan.queue(queue_name)
    steps = [alarm_after_s(queue), escalate_after_s(queue)]
    steps += [step.after_s for step in queue.relax]
    steps += [step.after_s for step in queue.overflow]
    moments = (since + after_s for after_s in steps if isfinite(after_s))
    return min((moment for moment in moments if moment > now), default=None)
