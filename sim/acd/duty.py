"""What call takers and their phones do between conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.types import AgentId, ContactId, OfferId
from sim.acd.people import Citizen, Taker
from sim.acd.profile import LATE_MAX_S
from sim.acd.rules import NOT_READY, OFF, READY

if TYPE_CHECKING:
    from sim.acd.world import World

MISSED = "missed_offers"
"""Reason code of the presence that the core gives to somebody who lets it ring."""

CLOSED_MIN_S = 10.0
"""Nobody comes back earlier, and in this time or soon after it somebody calls."""

PLACED_GIVEN_UP_S = 2 * LATE_MAX_S + 60.0
"""A placed call that never rang was lost on its way, and the panel gives it up."""


class Duty:
    """Call takers come, go, pick, call out, and their phones break."""

    def __init__(self, world: World) -> None:
        self.world = world

    def begin(self) -> None:
        """Let everybody begin to work, and things to break."""
        world, p = self.world, self.world.profile
        count = len(p.agents)
        for taker in world.takers:
            world.channel.tell_seat(taker)
            self._later(world.rng.uniform(0, 120), taker)
        world.often(p.device_failures_per_hour * count, self._device_fails)
        world.often(p.own_calls_per_hour * count, self._own_call)
        world.often(p.removals_per_hour, self._remove)
        world.often(p.closings_per_hour, self._close)
        world.often(p.picks_per_hour, self._pick)
        world.often(p.placed_per_hour, self._place)
        world.often(p.nonsense_per_hour, self._nonsense)

    def everybody_works(self) -> None:
        """Bring everybody to a seat with a phone that works."""
        for taker in self.world.takers:
            taker.removed = False
            taker.reachable, taker.busy = True, False
            taker.presence = e.AgentPresence(READY)
            self.world.channel.tell_seat(taker)
            self.world.after(3 * LATE_MAX_S, lambda taker=taker: self._still_here(taker))  # type: ignore[misc]

    def _still_here(self, taker: Taker) -> None:
        """Say it once more when the last late report has come."""
        self.world.channel.tell_seat(taker)

    # ---- presence ----------------------------------------------------------------------------

    def _later(self, delay_s: float, taker: Taker) -> None:
        self.world.after(delay_s, lambda: self._change(taker))

    def _change(self, taker: Taker) -> None:
        """Come to work, go for a break, go home; now and then say the same twice."""
        world = self.world
        if world.calm:
            return
        if taker.presence.kind is READY:
            resting = (e.AgentPresence(OFF), e.AgentPresence(NOT_READY, "break"))
            taker.presence = world.rng.choice(resting)
            mean_s = world.profile.break_mean_s
        else:
            taker.presence = e.AgentPresence(READY)
            mean_s = world.profile.duty_mean_s
        world.channel.tell_presence(taker)
        if world.chance(0.2):
            world.channel.tell_presence(taker)
        self._later(world.rng.expovariate(1 / mean_s), taker)

    def _close(self) -> None:
        """Everybody goes home; phones stay, but for those in browsers. Later they come back."""
        world, p = self.world, self.world.profile
        if world.calm:
            return
        for taker in world.takers:
            taker.presence = e.AgentPresence(OFF)
            world.channel.tell_presence(taker)
            if taker.reachable and not taker.on_the_phone and world.chance(p.browser_phone_chance):
                taker.reachable = False
                world.channel.tell_device(taker)
            away_s = CLOSED_MIN_S + world.rng.expovariate(1 / p.closed_mean_s)
            world.after(away_s, lambda taker=taker: self._come(taker))  # type: ignore[misc]
        world.after(world.rng.uniform(0, 3 * CLOSED_MIN_S), world.arrive)

    def _come(self, taker: Taker) -> None:
        if taker.presence.kind is OFF and not taker.removed:
            taker.presence = e.AgentPresence(READY)
            self.world.channel.tell_presence(taker)
            self._device_returns(taker)

    def told_of_agent(self, view: c.AgentView) -> None:
        """Somebody who was made not ready sees it, and sooner or later says that it is over."""
        taker = self.world.taker_of.get(view.agent_id)
        if taker is not None and view.presence.reason == MISSED:
            delay_s = self.world.rng.uniform(1, 120)
            self.world.after(delay_s, lambda: self._here_again(taker))

    def _here_again(self, taker: Taker) -> None:
        if taker.presence.kind is READY and not taker.removed:
            self.world.channel.tell_presence(taker)

    def _remove(self) -> None:
        """An administrator deletes a seat, and makes it again."""
        world = self.world
        taker = world.rng.choice(world.takers)
        if taker.removed or world.calm:
            return
        taker.removed = True
        world.channel.tell_seat(taker)
        world.after(world.rng.uniform(1, 600), lambda: self._restore(taker))

    def _restore(self, taker: Taker) -> None:
        if taker.removed:
            taker.removed = False
            self.world.channel.tell_seat(taker)

    # ---- devices -----------------------------------------------------------------------------

    def _device_fails(self) -> None:
        world = self.world
        taker = world.rng.choice(world.takers)
        if not taker.reachable:
            return
        taker.reachable = False
        rings = [o for o, ring in world.rings.items() if ring.taker is taker and ring.by_phone]
        for offer_id in rings:
            world.stop_ringing(offer_id)
            if world.chance(0.7):
                world.channel.tell(e.OfferFailed(offer_id, e.OfferFailure.FAILED))
        told_first = world.rng.random() < 0.5
        if told_first:
            world.channel.tell_device(taker)
        world.talks.phone_lost(taker)
        if not told_first:
            world.channel.tell_device(taker)
        world.after(world.rng.uniform(1, 300), lambda: self._device_returns(taker))

    def _device_returns(self, taker: Taker) -> None:
        if not taker.reachable:
            taker.reachable = True
            self.world.channel.tell_device(taker)

    def _own_call(self) -> None:
        """A call that the core knows nothing of keeps a phone busy."""
        world = self.world
        taker = world.rng.choice(world.takers)
        if taker.busy or taker.on_the_phone:
            return
        taker.busy = True
        world.channel.tell_device(taker)
        world.after(world.rng.uniform(1, 200), lambda: self._own_call_ends(taker))

    def _own_call_ends(self, taker: Taker) -> None:
        if taker.busy:
            taker.busy = False
            self.world.channel.tell_device(taker)

    # ---- the panel ---------------------------------------------------------------------------

    def _pick(self) -> None:
        """Somebody takes a contact from the list of the waiting."""
        world = self.world
        waiting = [x for x in world.citizens.values() if x.is_alone and not x.in_parachute]
        if waiting:
            taker, citizen = world.rng.choice(world.takers), world.rng.choice(waiting)
            world.channel.tell(e.ContactPicked(citizen.contact_id, taker.agent_id))

    def _place(self) -> None:
        """Somebody calls a citizen from a card."""
        world = self.world
        taker = world.rng.choice(world.takers)
        if taker.removed or taker.on_the_phone:
            return
        contact_id = world.new_id()
        citizen = Citizen(
            contact_id,
            "emergency",
            5,
            world.channel.core_time(),
            f"number-{contact_id}",
            direction=e.Direction.OUTBOUND,
            unanswered_call=True,
        )
        world.citizens[contact_id] = citizen
        world.channel.tell(
            e.ContactPlaced(contact_id, taker.agent_id, citizen.queue, caller=citizen.caller)
        )
        world.after(PLACED_GIVEN_UP_S, lambda: self._give_up(citizen))

    def _give_up(self, citizen: Citizen) -> None:
        if self.world.citizens.get(citizen.contact_id) is citizen and citizen.unanswered_call:
            del self.world.citizens[citizen.contact_id]
            self.world.channel.tell(e.ContactEnded(citizen.contact_id))

    def _nonsense(self) -> None:
        """Events that make no sense, about anybody."""
        world = self.world
        taker = world.rng.choice(world.takers)
        other = world.rng.choice(world.takers)
        nobody, never = AgentId("agent-nobody"), ContactId("contact-0")
        known = next(iter(world.citizens), never)
        events: list[e.Event] = [
            e.WrapUpEnded(taker.agent_id),
            e.WrapUpEnded(nobody),
            e.WrapUpExtended(taker.agent_id, -5.0),
            e.WrapUpExtended(nobody, 5.0),
            e.AgentPresenceChanged(nobody, e.AgentPresence(READY)),
            e.AgentDeviceChanged(nobody, True, False),
            e.AgentRemoved(nobody),
            e.ContactReturned(never),
            e.ContactReturned(known, nobody),
            e.ContactTransferred(never, taker.agent_id, "office"),
            e.ContactTransferred(known, nobody, "office"),
            e.ContactHandedOver(known, nobody, taker.agent_id),
            e.ContactPicked(never, taker.agent_id),
            e.ContactPicked(known, nobody),
            e.ContactPlaced(known, taker.agent_id, "emergency"),
            e.ContactPlaced(world.new_id(), nobody, "emergency"),
            e.ContactSkillsChanged(never, ()),
            e.ParticipantInvited(never, taker.agent_id),
            e.ParticipantInvited(known, nobody),
            e.ParticipantLeft(known, nobody),
            e.OfferAccepted(OfferId("of another world")),
            e.OfferFailed(OfferId("of another world"), e.OfferFailure.BUSY),
        ]
        citizen = world.citizens.get(known)
        if not taker.removed:
            events.append(e.AgentAdded(taker.agent_id))
        rings = any(ring.taker is taker for ring in world.rings.values())
        if citizen is not None and citizen.talks_with is not taker and not rings:
            events.append(e.ContactHandedOver(known, taker.agent_id, other.agent_id))
            events.append(e.ContactTransferred(known, taker.agent_id, "emergency"))
        if known in world.controller.oracle.contacts:
            events.append(e.ContactArrived(known, "emergency", 10, world.channel.core_time()))
            events.append(e.ContactAdopted(known, "emergency", 10, 0.0, taker.agent_id))
        # Said at once: what is nonsense now may be true in a moment.
        world.channel.say(world.rng.choice(events))
