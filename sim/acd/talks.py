"""What happens within conversations, from the connection to the last who hangs up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccserver.acd import commands as c
from ccserver.acd import events as e
from sim.acd.people import Citizen, Ring, Taker
from sim.acd.plans import QUEUES
from sim.acd.rules import Mismatch

if TYPE_CHECKING:
    from sim.acd.world import World

TALK_MAX_S = 1200.0

TOLD_AGAIN_S = 1.0
"""After this time the truth of a conversation is told again, if reports may have been reordered."""


class Talks:
    """Joins and parts citizens and call takers, and tells the core what they did."""

    def __init__(self, world: World) -> None:
        self.world = world

    # ---- beginning ---------------------------------------------------------------------------

    def connect(self, offer: c.ConnectContact, ring: Ring | None) -> None:
        """Join a citizen and a call taker, if both are still there."""
        world = self.world
        citizen = world.citizens.get(offer.contact_id)
        taker = world.taker_of[offer.agent_id]
        if citizen is None:
            world.channel.tell(e.ContactEnded(offer.contact_id))
        elif citizen.in_parachute:
            world.channel.tell(e.ContactLeft(offer.contact_id))
        elif offer.kind is c.OfferKind.ASSIST:
            self._join(citizen, taker, ring)
        elif ring is None and citizen.unanswered_call:
            del world.citizens[citizen.contact_id]
            world.channel.tell(e.ContactEnded(citizen.contact_id))
        elif ring is None:
            self._tell(e.ContactReturned(citizen.contact_id, taker.agent_id), citizen)
        elif not citizen.is_alone or (ring.by_phone and taker.on_the_phone):
            raise Mismatch(f"{offer} would part people who talk")
        else:
            self._begin(citizen, taker)
        if ring is not None and ring.by_phone and world.profile.busy_by_own_ring_chance:
            world.channel.tell_device(taker)

    def _begin(self, citizen: Citizen, taker: Taker) -> None:
        world, p = self.world, self.world.profile
        citizen.talks_with = taker
        citizen.unanswered_call = citizen.to_dial = False
        citizen.version += 1
        if citizen.is_text:
            taker.texts.append(citizen)
        else:
            taker.talks_with = citizen
            world.spoke(citizen, taker)
        talk_s = min(world.rng.expovariate(1 / p.talk_mean_s), TALK_MAX_S)
        world.after(talk_s, lambda: self._hang_up(citizen, taker))
        within = world.rng.uniform(0, talk_s)
        if world.chance(p.transfer_chance):
            world.after(within, lambda: self._transfer(citizen, taker))
        if citizen.is_text:
            return
        if world.chance(p.invite_chance):
            world.after(within, lambda: self._invite(citizen, taker))
        if world.chance(p.hand_over_chance):
            world.after(world.rng.uniform(within, talk_s), lambda: self._go(citizen, taker))

    def _join(self, citizen: Citizen, taker: Taker, ring: Ring | None) -> None:
        """Let a second call taker into the conversation."""
        if ring is None or citizen.talks_with is None:
            self._tell(e.ParticipantLeft(citizen.contact_id, taker.agent_id), citizen)
        elif taker.on_the_phone:
            raise Mismatch(f"{taker.agent_id} would be in two conversations")
        else:
            citizen.participants.append(taker)
            taker.assists = citizen
            citizen.version += 1
            stays_s = self.world.rng.expovariate(1 / 60)
            self.world.after(stays_s, lambda: self._participant_leaves(citizen, taker))

    # ---- within ------------------------------------------------------------------------------

    def _tell(self, event: e.Event, citizen: Citizen) -> None:
        """Tell what became of a conversation; and once more if it is still so a moment later."""
        world = self.world
        world.channel.tell(event)
        version = citizen.version

        def again() -> None:
            rings = any(x.contact_id == citizen.contact_id for x in world.rings.values())
            if citizen.version == version and not rings and world.is_here(citizen):
                world.channel.say(event)

        if world.channel.is_unsafe:
            world.after(TOLD_AGAIN_S, again)

    def _is_with(self, citizen: Citizen, taker: Taker) -> bool:
        return self.world.is_here(citizen) and citizen.talks_with is taker

    def _transfer(self, citizen: Citizen, taker: Taker) -> None:
        """Pass the citizen on to a queue or to a colleague, whoever that is and does."""
        world = self.world
        if world.calm or not self._is_with(citizen, taker) or citizen.participants:
            return
        self.part(citizen)
        if world.rng.random() < 0.5:
            queue = world.rng.choice((*QUEUES, "unheard-of")) if world.profile.rich else None
            citizen.queue = queue or citizen.queue
            event = e.ContactTransferred(citizen.contact_id, taker.agent_id, queue=queue)
        else:
            to = world.rng.choice(world.takers)
            event = e.ContactTransferred(citizen.contact_id, taker.agent_id, agent_id=to.agent_id)
        self._tell(event, citizen)

    def _invite(self, citizen: Citizen, taker: Taker) -> None:
        if self._is_with(citizen, taker) and not self.world.calm:
            colleague = self.world.rng.choice(self.world.takers)
            event = e.ParticipantInvited(citizen.contact_id, colleague.agent_id)
            self.world.channel.tell(event)

    def _participant_leaves(self, citizen: Citizen, taker: Taker) -> None:
        if taker.assists is citizen:
            citizen.participants.remove(taker)
            taker.assists = None
            citizen.version += 1
            self._tell(e.ParticipantLeft(citizen.contact_id, taker.agent_id), citizen)

    def _go(self, citizen: Citizen, taker: Taker) -> None:
        """Leave the citizen with a colleague who helps, or with a service outside."""
        if not self._is_with(citizen, taker) or self.world.calm:
            return
        if not citizen.participants:
            citizen.outside = True
        self._hand_over(citizen, taker)

    def _hand_over(self, citizen: Citizen, taker: Taker) -> None:
        world = self.world
        taker.talks_with = None
        to = citizen.participants.pop(0) if citizen.participants else None
        citizen.talks_with = to
        citizen.version += 1
        if to is not None:
            to.assists, to.talks_with = None, citizen
            world.after(world.rng.uniform(1, 120), lambda: self._hang_up(citizen, to))
        else:
            world.after(world.rng.uniform(1, 120), lambda: self._outside_ends(citizen))
        to_agent = to.agent_id if to is not None else None
        self._tell(e.ContactHandedOver(citizen.contact_id, taker.agent_id, to_agent), citizen)

    # ---- ending ------------------------------------------------------------------------------

    def phone_lost(self, taker: Taker) -> None:
        """A phone is gone from under a conversation."""
        citizen = taker.talks_with
        if taker.assists is not None:
            self._participant_leaves(taker.assists, taker)
        elif citizen is not None and (citizen.participants or citizen.outside):
            self._hand_over(citizen, taker)
        elif citizen is not None:
            self.part(citizen)
            self._tell(e.ContactReturned(citizen.contact_id, taker.agent_id), citizen)

    def part(self, citizen: Citizen) -> None:
        """Separate everybody."""
        taker, citizen.talks_with, citizen.outside = citizen.talks_with, None, False
        citizen.version += 1
        if taker is not None and citizen.is_text:
            taker.texts.remove(citizen)
        elif taker is not None:
            taker.talks_with = None
        for participant in citizen.participants:
            participant.assists = None
        citizen.participants.clear()

    def _outside_ends(self, citizen: Citizen) -> None:
        """The service outside hangs up, or the citizen does."""
        if not self.world.is_here(citizen) or citizen.talks_with is not None:
            return
        if not citizen.outside:
            return
        if self.world.chance(0.3):
            self.part(citizen)
            self._tell(e.ContactReturned(citizen.contact_id), citizen)
        else:
            self._end(citizen, cut=False)

    def _hang_up(self, citizen: Citizen, taker: Taker) -> None:
        """Either side hangs up; the core is told the same."""
        if not self._is_with(citizen, taker):
            return
        world, p = self.world, self.world.profile
        if citizen.participants and world.rng.random() < 0.5:
            self._hand_over(citizen, taker)
        else:
            self._end(citizen, cut=world.chance(p.cut_chance))
        if world.chance(p.extend_chance):
            by_s = world.rng.choice((1.0, 10.0, 400.0))
            extended = e.WrapUpExtended(taker.agent_id, by_s)
            world.after(world.rng.uniform(0, 5), lambda: world.channel.tell(extended))
        if world.rng.random() < p.early_wrap_up_chance:
            delay_s = world.rng.uniform(0, p.settings.wrap_up_s)
            world.after(delay_s, lambda: world.channel.tell(e.WrapUpEnded(taker.agent_id)))

    def _end(self, citizen: Citizen, *, cut: bool) -> None:
        world = self.world
        self.part(citizen)
        del world.citizens[citizen.contact_id]
        if cut:
            world.channel.tell(e.ContactEnded(citizen.contact_id, cut=True))
            world.may_call_again(citizen)
        elif world.chance(0.1):
            world.channel.tell(e.ContactAbandoned(citizen.contact_id))
        else:
            world.channel.tell(e.ContactEnded(citizen.contact_id))
