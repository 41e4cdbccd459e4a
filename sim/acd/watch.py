"""Is the core's picture true, sooner or later? Looks at both, knowing nothing of who is next.

The truth and the core may differ while a report is on its way, or while the process stands still.
A difference that stays is a caller connected to nobody, a call taker stuck, or a contact lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ccserver.acd import commands as c
from sim.acd.profile import LATE_MAX_S
from sim.acd.rules import Mismatch

if TYPE_CHECKING:
    from sim.acd.people import Citizen
    from sim.acd.world import World

LOOK_EVERY_S = 20.0

DIFFERENCE_MAX_S = 2 * LATE_MAX_S + 60.0
"""A late report, a process that stands still on top, one that restarts on top of that, and the
two looks between which the difference began."""

STATES = c.ContactState


class Watch:
    """Compares the truth with the core's views now and then."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._since: dict[str, float] = {}

    def begin(self) -> None:
        """Look from now on, to the end."""
        self.world.after(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        world = self.world
        if world.channel.is_up:
            now = list(self._differences())
            self._since = {what: self._since.get(what, world.time) for what in now}
            for what, since in self._since.items():
                if world.time - since > DIFFERENCE_MAX_S:
                    raise Mismatch(f"for {world.time - since:.0f} s: {what}")
        world.after(LOOK_EVERY_S, self._look)

    def _differences(self) -> Iterator[str]:
        yield from self._about_citizens()
        yield from self._about_takers()

    def _about_citizens(self) -> Iterator[str]:
        views = self.world.controller.core.contact_views()
        contacts = {view.contact_id: view for view in views}
        for citizen in self.world.citizens.values():
            view = contacts.pop(citizen.contact_id, None)
            if citizen.in_parachute or citizen.unanswered_call:
                continue
            if view is None:
                yield f"{citizen.contact_id} is here, and the core does not know"
            elif wrong := _wrong(citizen, view):
                yield f"{citizen.contact_id} {wrong}"
        for contact_id in contacts:
            yield f"{contact_id} is not here, and the core holds it"

    def _about_takers(self) -> Iterator[str]:
        agents = {view.agent_id: view for view in self.world.controller.core.agent_views()}
        for taker in self.world.takers:
            seat = agents.get(taker.agent_id)
            if seat is None:
                if not taker.removed:
                    yield f"{taker.agent_id} is here, and the core does not know"
                continue
            at = taker.talks_with or taker.assists
            believed = seat.contact_id if seat.state is c.AgentState.TALKING else None
            if believed != (at.contact_id if at is not None else None):
                yield f"{taker.agent_id} is at {at and at.contact_id}, in the core at {believed}"
            if set(seat.contacts) != {text.contact_id for text in taker.texts}:
                yield f"{taker.agent_id} has other texts than {seat.contacts}"


def _wrong(citizen: Citizen, view: c.ContactView) -> str | None:
    """Return how a view differs from the truth."""
    taker = citizen.talks_with
    if taker is not None:
        true = view.state is STATES.TALKING and view.agent_id == taker.agent_id
        helpers = {helper.agent_id for helper in citizen.participants}
        if true and set(view.participants) == helpers:
            return None
        return f"talks with {taker.agent_id} and {helpers}; {view.state} {view.agent_id}"
    if citizen.outside:
        return None if view.state is STATES.HANDED_OVER else f"is outside; {view.state}"
    if view.state in (STATES.WAITING, STATES.OFFERED):
        return None
    return f"is connected to nobody; {view.state} {view.agent_id}"
