"""Who may get whom, worked out anew each time from the plan and from what is believed.

Nothing here is kept, indexed or shared with the core: each question looks at everybody. It is slow
and meant to be obviously right, sentence by sentence as the plan's documentation has it.
"""

from collections.abc import Iterable
from math import isfinite

from ccserver.acd import events as e
from ccserver.acd.commands import Shortage
from ccserver.acd.plan import (
    ALARM_AFTER_S,
    ESCALATE_AFTER_S,
    AgentPlan,
    Plan,
    QueuePlan,
    Selection,
)
from ccserver.types import Medium
from sim.acd.beliefs import Believed, Seat

READY, NOT_READY, OFF = e.PresenceKind.READY, e.PresenceKind.NOT_READY, e.PresenceKind.OFF


class Mismatch(Exception):
    """The core did something else than it must."""


def planned(plan: Plan, queue: str) -> QueuePlan:
    """Return the plan of a queue."""
    return plan.queues.get(queue, plan.fallback)


def seat_plan(plan: Plan, seat: Seat) -> AgentPlan:
    """Return the plan of a seat."""
    known = plan.agents.get(seat.agent_id)
    return known if known is not None else AgentPlan(seat.agent_id)


def moments(plan: Plan, contact: Believed) -> list[float]:
    """Return when something happens to one who waits."""
    queue = planned(plan, contact.queue)
    after = [alarm_after_s(queue), escalate_after_s(queue)]
    after += [step.after_s for step in queue.relax]
    after += [step.after_s for step in queue.overflow]
    return [contact.since + seconds for seconds in after if isfinite(seconds)]


def number(seconds: float) -> float:
    """Return seconds as a plan has them; what is no number is none."""
    return seconds if isfinite(seconds) else 0.0


def alarm_after_s(queue: QueuePlan) -> float:
    """Return how long one waits before supervisors are told."""
    return queue.alarm_after_s if isfinite(queue.alarm_after_s) else ALARM_AFTER_S


def escalate_after_s(queue: QueuePlan) -> float:
    """Return how long one waits before every position may get it."""
    return queue.escalate_after_s if isfinite(queue.escalate_after_s) else ESCALATE_AFTER_S


def waited_long(plan: Plan, contact: Believed, at: float) -> bool:
    """Tell whether every position may get a contact because of the time."""
    return contact.since + escalate_after_s(planned(plan, contact.queue)) <= at


def place(plan: Plan, contact: Believed) -> tuple[bool, int, float, float, int]:
    """Return a sort key: the least is given out first. Voice before text."""
    queue = planned(plan, contact.queue)
    points = min(10, max(0, contact.priority))
    head_start_s = number(queue.head_start_s) + points * number(queue.priority_step_s)
    return (
        contact.medium is not Medium.VOICE,
        -queue.queue_class,
        contact.arrived_at - head_start_s,
        contact.arrived_at,
        contact.order,
    )


def fits(plan: Plan, contact: Believed, seat: Seat, at: float) -> bool:
    """Tell whether a seat is one of those whom the queue's rules ask ``at`` that time."""
    queue, who = planned(plan, contact.queue), seat_plan(plan, seat)
    if contact.medium is not Medium.VOICE and who.text_max < 1:
        return False
    passed = [step for step in queue.overflow if contact.since + step.after_s <= at]
    if who.queues is not None:
        open_to = {queue.name}
        also = [plan.queues.get(step.queue) for step in passed if step.queue is not None]
        open_to |= {other.name for other in also if other is not None}
        if not open_to & set(who.queues):
            return False
    if queue.sites:
        sites = set(queue.sites) | {step.site for step in passed if step.site is not None}
        if who.site not in sites:
            return False
    return all(_has(who, skill) >= level for skill, level in asked(queue, contact, at).items())


def asked(queue: QueuePlan, contact: Believed, at: float) -> dict[str, int]:
    """Return the levels that are asked after all relaxations so far."""
    levels: dict[str, int] = {}
    for needed in [*queue.skills, *contact.skills]:
        levels[needed.skill] = max(levels.get(needed.skill, 0), needed.level)
    for step in queue.relax:
        if not contact.since + step.after_s <= at:  # Nor one whose time is no number.
            continue
        category = step.skill.removesuffix("*") if step.skill.endswith(":*") else None
        for skill, level in levels.items():
            if step.skill in (skill, "*") or (category and skill.startswith(category)):
                levels[skill] = min(level, step.level)
    return levels


def _as_asked_first(plan: Plan, contact: Believed, seat: Seat) -> bool:
    """Tell whether a seat has every skill that was asked before anything was relaxed."""
    who = seat_plan(plan, seat)
    needed = [*planned(plan, contact.queue).skills, *contact.skills]
    return all(_has(who, each.skill) >= each.level for each in needed)


def _has(who: AgentPlan, skill: str) -> int:
    return max([have.level for have in who.skills if have.skill == skill] or [0])


def nobody_there(plan: Plan, contact: Believed, seats: Iterable[Seat], at: float) -> bool:
    """Tell whether nobody whom the rules ask is logged in."""
    return not any(seat.logged_in and fits(plan, contact, seat, at) for seat in seats)


def shortage(plan: Plan, contact: Believed, seats: Iterable[Seat], at: float) -> Shortage:
    """Return why one waits: what is lacking among those whom the rules ask."""
    asked_now = [
        seat for seat in seats if waited_long(plan, contact, at) or fits(plan, contact, seat, at)
    ]
    if contact.medium is not Medium.VOICE:
        asked_now = [seat for seat in asked_now if seat_plan(plan, seat).text_max > 0]
    if not asked_now:
        return Shortage.NOBODY_QUALIFIED
    there = [seat for seat in asked_now if seat.logged_in]
    if not there:
        return Shortage.NOBODY_LOGGED_IN
    reachable = any(seat.reachable for seat in there)
    return Shortage.ALL_BUSY if reachable else Shortage.NO_DEVICE


def nobody_on_duty(seats: Iterable[Seat]) -> bool:
    """Tell whether nobody at all is logged in with a phone that can be reached."""
    return not any(seat.logged_in and seat.reachable for seat in seats)


def free_for(plan: Plan, contact: Believed, seat: Seat) -> int | None:
    """Return 0 if a seat could be offered something like this now, 1 if only in need.

    2 if only because nobody is on duty, or None.
    """
    if contact.medium is Medium.VOICE:
        at_a_text = bool(seat.texts) or seat.text_ring is not None
        return None if at_a_text and not plan.voice_during_text else seat.may_be_rung()
    if len(seat.texts) >= seat_plan(plan, seat).text_max:
        return None
    return seat.may_get_text(during_voice=plan.text_during_voice)


def may_get(
    plan: Plan, contact: Believed, seat: Seat, seats: Iterable[Seat], at: float
) -> int | None:
    """Return 0, 1 or 2 (see `free_for`) if this contact may be offered to this seat, else None."""
    level = free_for(plan, contact, seat)
    if level is None:
        return None
    if fits(plan, contact, seat, at) and level == 0:
        return 0
    has_room = contact.medium is Medium.VOICE or seat_plan(plan, seat).text_max > 0
    in_need = waited_long(plan, contact, at) or nobody_there(plan, contact, seats, at)
    if level == 2 and not nobody_on_duty(seats):
        return None
    return level if has_room and in_need else None


def rank(plan: Plan, contact: Believed, seat: Seat, level: int) -> tuple[object, ...]:
    """Return how early a seat is asked, the least first; equal ranks are equally good."""
    queue = planned(plan, contact.queue)
    counted = 0
    if queue.selection is Selection.FEWEST_CONTACTS:
        counted = seat.accepted
    elif queue.selection is Selection.ROUND_ROBIN:
        counted = seat.last_offer
    at_home = seat_plan(plan, seat).site == contact.site or not contact.site
    refused = seat.agent_id in contact.refused
    # Who refused a contact is not preferred for it any more, even when nobody else is left.
    is_preferred = contact.preferred == seat.agent_id and level == 0 and not refused
    return (
        refused,
        not (queue.prefer_last_agent and is_preferred),
        level,
        not _as_asked_first(plan, contact, seat),
        queue.site_affinity and not at_home,
        len(seat.texts),
        counted,
        seat.idle_at,
    )
