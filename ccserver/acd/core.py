"""The distributor: events in, commands out; no clock, no I/O, no logging, no await.

The runtime tells the core every event with the present time, executes the returned commands in
their order, and arms one timer for `ACDCore.next_deadline`. The same events at the same times give
the same commands, in every process.

Four things hold after every step (`ACDCore.check_invariants`):

1. No contact is lost or held twice: it waits, or is offered (to one reserved agent; to several only
   where the queue rings all), or talks with one responsible agent and with those who assist, or is
   handed over to an outside party. Every agent in it holds this voice contact and no other.
2. No contact waits while an agent is free who may be offered it.
3. The order of those who wait with the same need is class, then arrival less head start, then
   arrival; that key never changes while one waits.
4. Every wait has a deadline: an offer, a wrap-up and a pause end by themselves, and whoever waits
   comes to the next step until everybody is asked. (How long the citizen hears music is the
   lease's business.)

The core is built in layers, each a module and a class that knows only those before it:
`book` (the facts, and the lines and deadlines that follow from them), `offers` (who gets whom),
`seats` (agents), `conversations` (contacts), and this, the contract. Beside them stand values
without a memory: `plan` and `needs` (who may get whom), `matching` and `pools` (the lines),
`agent` and `contact` (the state tables).

Who gets whom. The first contact that can be given out is: voice before text, then by its place.
Among the agents who are free for it, in this order: who has not refused it; whom it prefers, if
IDLE; who is ready before who stands by (escalated contacts only); who is at its own site; fewest
texts in hand; then what its queue's selection says. Where all are rung, the first ``ring_all_max``.

The last resort. While nobody at all is logged in with a reachable device, a voice contact rings at
vacant positions, as many at once as where all are rung, for somebody may be in the room. It goes to
somebody on duty as soon as one is free for it.

Events that are duplicated, reordered or late are harmless. What speaks of something unknown or
over is counted in `ACDCore.ignored` and changes nothing. Two cases need more than that. An offer
accepted after it ended has a live leg somewhere, so the answer is to rescind it (again). And a
contact that was abandoned or ended is remembered for a while, so that its arrival or adoption,
overtaken by its end, does not leave a ghost in the line. A contact that *left* may come back: the
parachute queue can hand it to us again.

A failed offer pauses the agent, and a paused agent is asked last when it returns. Pauses are
bounded by the settings; they hold even if nobody else is ready, because the device or the person
that failed a moment ago would most likely fail again.

After a restart a new core is told, in this order: `AgentAdded` for all, `RedialExpected`,
`ContactAdopted` for those who talk, `ContactAdopted` for those who wait, `AgentDeviceChanged`,
`AgentPresenceChanged` for all, also for those who are OFF. Presence last, so that nobody is idle
before all waiting contacts stand in line. Until it is told, an agent counts as one who may be
there, so that nobody is escalated past people whom the core is about to hear of.
"""

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.conversations import Conversations
from ccserver.acd.errors import StaleEvent
from ccserver.acd.invariants import check


class ACDCore(Conversations):
    """The pure state machine. ``instance`` makes offer ids unique over restarts."""

    def handle_event(self, event: e.Event, *, now: float) -> list[c.Command]:
        """Take in what happened; return what is wanted, effects first, publications last.

        A ``now`` before the last one (a clock that jumped) counts as the last one. Deadlines that
        have passed meanwhile are left to `handle_timer`: an answer that comes before the core has
        given up the offer is in time.
        """
        self._advance(now)
        try:
            self._dispatch(event)
        except StaleEvent as stale:
            self.ignored[f"{type(event).__name__}:{stale.reason}"] += 1
        self._match()
        return self._drain()

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is to be called next; ``None`` while nothing is timed."""
        first = self._deadlines.first()
        return first[0] if first is not None else None

    def handle_timer(self, *, now: float) -> list[c.Command]:
        """End every wait whose deadline is not after ``now``, in the order of deadlines.

        Only then are contacts given out: of two whose wait widens at the same time, the first in
        line is not the one whose timer happens to come first.
        """
        self._advance(now)
        while (first := self._deadlines.first()) is not None and first[0] <= self._now:
            self._expire(self._timed[first[1]])
            self._settle()
        self._match()
        return self._drain()

    def check_invariants(self, *, thorough: bool = True) -> None:
        """Raise `InvariantBroken` unless the four promises hold.

        Looks at everything; if not ``thorough``, the order of the lines is left out.
        """
        check(
            plan=self._plan,
            contacts=self._contacts,
            agents=self._agents,
            offers=self._offers,
            pools=self._pools,
            deadlines=self._deadlines,
            thorough=thorough,
        )

    @property
    def size(self) -> int:
        """What a thorough check has to look at: agents times distinct needs, and contacts."""
        return len(self._agents) * len(self._pools.by_need) + len(self._contacts)

    def contact_views(self) -> list[c.ContactView]:
        """Return every contact held, in the order in which they came to the core."""
        return [contact.view() for contact in self._contacts.values()]

    def agent_views(self) -> list[c.AgentView]:
        """Return every agent, in the order in which they were added."""
        return [agent.view() for agent in self._agents.values()]

    def _dispatch(self, event: e.Event) -> None:  # noqa: C901, PLR0912
        match event:
            case e.OfferAccepted() | e.OfferFailed():
                self._on_offer_event(event)
            case e.ContactArrived():
                self._admit(event)
            case e.ContactAdopted():
                self._adopt(event)
            case e.ContactPlaced():
                self._place_call(event)
            case e.ContactTransferred():
                self._transfer(event)
            case e.ContactPicked():
                self._pick(event)
            case e.ContactHandedOver():
                self._hand_over(event)
            case e.ParticipantInvited():
                self._invite(event)
            case e.ParticipantLeft():
                self._part_event(event)
            case e.ContactSkillsChanged():
                self._change_skills(event)
            case e.RedialExpected():
                self._on_redial_expected(event)
            case e.PlanChanged():
                self._change_plan(event.plan)
            case e.ContactAbandoned() | e.ContactEnded() | e.ContactLeft() | e.ContactReturned():
                self._on_contact_event(event)
            case _:
                self._on_agent_event(event)
