"""What a new process is told after a restart, read from the truth as Asterisk holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccserver.acd import events as e
from sim.acd.people import Citizen

if TYPE_CHECKING:
    from sim.acd.world import World


def snapshot(world: World, *, now: float) -> tuple[list[e.Event], list[e.Event]]:
    """Return the events of a start in their order: the seats, and all that comes after them."""
    takers = [taker for taker in world.takers if not taker.removed]
    seats: list[e.Event] = [e.AgentAdded(taker.agent_id) for taker in takers]
    rest: list[e.Event] = [
        redial for redial in world.redials() if now - redial.over_at <= 2 * 600.0
    ]
    here = [x for x in world.citizens.values() if not x.in_parachute and not x.unanswered_call]
    for citizen in sorted(here, key=lambda x: x.is_alone):
        if citizen.to_dial:
            # Nobody is on the line yet: the list of those to be called back tells it anew.
            rest.append(arrival(citizen))
            continue
        taker = citizen.talks_with
        rest.append(
            e.ContactAdopted(
                citizen.contact_id,
                citizen.queue,
                citizen.priority,
                citizen.arrived_at,
                taker.agent_id if taker is not None else None,
                citizen.medium,
                citizen.caller,
                citizen.skills,
                citizen.site,
                citizen.direction,
                tuple(x.agent_id for x in citizen.participants),
                citizen.outside and taker is None,
            )
        )
    for taker in takers:
        rest.append(e.AgentDeviceChanged(taker.agent_id, taker.reachable, taker.busy))
    for taker in takers:
        rest.append(e.AgentPresenceChanged(taker.agent_id, taker.presence))
    return seats, rest


def arrival(citizen: Citizen) -> e.ContactArrived:
    """Return the event by which somebody wants to be answered, or is to be called back."""
    return e.ContactArrived(
        citizen.contact_id,
        citizen.queue,
        citizen.priority,
        citizen.arrived_at,
        citizen.medium,
        citizen.caller,
        citizen.skills,
        citizen.site,
        citizen.preferred,
        citizen.direction,
    )
