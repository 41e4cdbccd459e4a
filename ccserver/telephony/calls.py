"""Voice contacts: turns ARI's events into news for the distributor, and its wishes into calls.

Asterisk holds the truth and carries the calls; this is the view of it. Everything here may be
repeated, late or missing, so each handler looks at the state before it acts, and `survey` repairs
what was missed. One rule is never broken: whatever fails here, the caller stays where the dialplan
can see it (a lease, or a keeper's leg with its hang-up handler).

This module sorts events and commands out; the work is done in `offers` (phones that ring),
`joining` (the first answer, and waiting again), `conversation` (hold, consult, transfer), `ends`
(legs that end), `outside`, `outbound` and `monitor`.
"""

import contextlib
import secrets
from collections.abc import Callable
from typing import Any

import structlog

from ccserver.acd.commands import OfferKind
from ccserver.telephony.actions import Actions
from ccserver.telephony.call import Call, CallFacts, CallPhase
from ccserver.telephony.conversation import Conversation
from ccserver.telephony.ends import Ends
from ccserver.telephony.errors import ARIRefused
from ccserver.telephony.guard import Guard
from ccserver.telephony.joining import Joining
from ccserver.telephony.monitor import Monitors
from ccserver.telephony.observer import CallObserver
from ccserver.telephony.offers import Offers
from ccserver.telephony.outbound import Outbound
from ccserver.telephony.outside import Outside
from ccserver.telephony.party import (
    MONITOR_LEG_PREFIX,
    OFFER_LEG_PREFIX,
    PARTY_LEG_PREFIX,
    SNOOP_PREFIX,
    Leg,
    PartyView,
    offer_leg_id,
)
from ccserver.telephony.table import CallTable
from ccserver.telephony.transfer import CallRefused, Successor
from ccserver.types import AgentId, ContactId, LegId, OfferId

log = structlog.get_logger(__name__)

EVENTS_WANTED = (
    "CallBroadcast",
    "StasisStart",
    "StasisEnd",
    "ChannelDestroyed",
    "ChannelHangupRequest",
)
PARTY_PREFIXES = (OFFER_LEG_PREFIX, PARTY_LEG_PREFIX)
MONITOR_PREFIXES = (MONITOR_LEG_PREFIX, SNOOP_PREFIX)


class Calls:
    """All voice contacts of this process.

    ``trunk``: whether calls can go out. ``instance`` makes the channel ids of outside parties
    unique over restarts.
    """

    def __init__(
        self,
        actions: Actions,
        observer: CallObserver,
        *,
        lease_s: int,
        endpoint_of_agent: Callable[[AgentId], str | None],
        trunk: bool = False,
        instance: str | None = None,
    ) -> None:
        name = instance or secrets.token_hex(4)
        self.table = CallTable()
        self.guard = Guard(actions, observer, self.table, lease_s=lease_s)
        self.joining = Joining(self.guard)
        self.conversation = Conversation(self.guard, self.joining)
        self.ends = Ends(self.guard, self.joining, self.conversation)
        self.offers = Offers(self.guard, endpoint_of_agent=endpoint_of_agent)
        self.outside = Outside(self.guard, instance=name, trunk=trunk)
        self.outbound = Outbound(self.guard, self.offers, self.joining, self.ends, self.outside)
        self.monitors = Monitors(self.guard, endpoint_of_agent=endpoint_of_agent, instance=name)
        self.actions = actions
        self.observer = observer
        self.lease_s = lease_s

    # -- Asterisk's events ----------------------------------------------------------------------

    def handle(self, event: dict[str, Any]) -> None:
        """One ARI event. Unknown kinds and unknown channels are none of our business."""
        channel = event.get("channel")
        if not isinstance(channel, dict) or not isinstance(channel.get("id"), str):
            return
        kind, leg_id = event.get("type"), channel["id"]
        cause = event.get("cause")
        cause = cause if isinstance(cause, int) else 0
        if leg_id.startswith(PARTY_PREFIXES):
            self._tell_recording(kind, channel)
            self._handle_party(kind, LegId(leg_id), cause)
        elif leg_id.startswith(MONITOR_PREFIXES):
            self._handle_monitor(kind, LegId(leg_id), cause)
        elif kind == "CallBroadcast":
            self.table.spawn(None, self._claim(channel))
        elif kind == "StasisStart":
            self._caller_entered(channel)
        else:
            self._handle_caller(kind, leg_id, cause)

    def _tell_recording(self, kind: object, channel: dict[str, Any]) -> None:
        """Of whomsoever the leg is by now: also one that was given up has been recorded."""
        recording = (channel.get("channelvars") or {}).get("RECORDING")
        if kind == "ChannelDestroyed" and recording:
            self.observer.recording_complete(recording)

    def _handle_party(self, kind: object, leg_id: LegId, cause: int) -> None:
        call = self.table.of_leg(leg_id)
        leg = call.legs.get(leg_id) if call else None
        if call is None or leg is None:
            if kind == "StasisStart":
                # Answered after we gave it up: the phone must not stay off the hook for nothing.
                self.table.spawn(None, self.guard.release_leg(leg_id))
            elif kind == "ChannelDestroyed":
                self.table.unbind(leg_id)
        elif kind == "StasisStart":
            self.leg_answered(call, leg)
        elif kind == "ChannelDestroyed":
            self.ends.leg_gone(call, leg, cause)

    def leg_answered(self, call: Call, leg: Leg) -> None:
        """A phone that we rang was picked up; to be told once."""
        if leg.offer_id is not None:
            self.offers.answered(call, leg)
        elif not leg.answered and not leg.withdrawn:
            self.ends.other_answered(call, leg)

    def _handle_monitor(self, kind: object, leg_id: LegId, cause: int) -> None:
        monitor = self.monitors.of_leg(leg_id)
        if monitor is None:
            # One who has come in is a party; anybody else is left over.
            if self.table.of_leg(leg_id) is not None or kind != "StasisStart":
                self._handle_party(kind, leg_id, cause)
            elif leg_id.startswith(MONITOR_LEG_PREFIX):
                self.table.spawn(None, self.guard.release_leg(leg_id))
            return
        call = self.table.get(monitor.contact_id)
        if kind == "StasisStart" and leg_id == monitor.leg.leg_id:
            if self.monitors.answered(monitor, call) is not None and call is not None:
                self.table.spawn(call, self._come_in(call, monitor.supervisor, leg_id))
        elif kind == "ChannelDestroyed":
            self.monitors.leg_gone(monitor, leg_id, call)

    async def _come_in(self, call: Call, supervisor: AgentId, leg_id: LegId) -> None:
        monitor = self.monitors.of_leg(leg_id)
        if monitor is None:
            return
        try:
            await self.monitors.come_in(call, monitor)
            if monitor.take_over:
                await self.let_owner_leave(call, supervisor)
        except CallRefused as refused:
            log.info("supervisor_not_in", contact_id=call.contact_id, code=refused.code)

    async def let_owner_leave(self, call: Call, supervisor: AgentId) -> None:
        """The supervisor, who has come in, has the caller from now on. Under the call's lock."""
        leg = next((leg for leg in call.legs.values() if leg.agent_id == supervisor), None)
        owner = call.owner
        if leg is None or not leg.armed:
            raise CallRefused("not_talking")
        if owner is leg:
            return
        call.owner = leg
        if call.phase is CallPhase.HANDED_OVER:
            call.move(CallPhase.TALKING)
        self.observer.handed_over(call.contact_id, owner.agent_id if owner else None, supervisor)
        if owner is not None and owner.agent_id is not None:
            self.guard.withdraw(call, owner)
        self.guard.changed(call)

    def _handle_caller(self, kind: object, leg_id: str, cause: int) -> None:
        call = self.table.of_leg(leg_id)
        if call is None:
            return
        if kind == "ChannelHangupRequest":
            if call.phase is not CallPhase.DIALLED:  # there, the end of the channel tells why
                self.ends.caller_hung_up(call, cause)
                self.monitors.call_over(call.contact_id)
        elif kind == "ChannelDestroyed":
            self.caller_destroyed(call, cause)
        elif kind == "StasisEnd":
            self.ends.caller_left_application(call)
            if call.phase is CallPhase.PARACHUTE:
                self.monitors.call_over(call.contact_id)

    def caller_destroyed(self, call: Call, cause: int = 0) -> None:
        """The caller's channel does not exist any more."""
        self.ends.caller_destroyed(call, cause)
        self.monitors.call_over(call.contact_id)

    async def _claim(self, channel: dict[str, Any]) -> None:
        claimed = await self.actions.claim(LegId(channel["id"]))
        variables = channel.get("channelvars") or {}
        log.debug("claim_answered", contact_id=variables.get("CONTACT_ID"), claimed=claimed)

    def _caller_entered(self, channel: dict[str, Any]) -> None:
        facts = CallFacts.from_channel_variables(channel.get("channelvars") or {})
        if facts is None:
            log.error("unknown_channel_in_application", leg_id=channel["id"])
            return
        call = self.table.get(facts.contact_id)
        if self.table.is_over(facts.contact_id) or (call and call.phase is CallPhase.GONE):
            if facts.outbound:  # answered at the moment in which the call taker gave up
                self.table.spawn(None, self.actions.hang_up(LegId(channel["id"])))
            return  # overtaken by the caller's end
        if call is not None and call.phase is CallPhase.DIALLED:
            self.outbound.answered(call, channel.get("name", ""), facts)
            return
        if call is not None and call.phase is not CallPhase.PARACHUTE:
            # Repeated, or its StasisEnd was lost; a look into Asterisk tells which. Believing it
            # would take a talking caller away from the call taker.
            log.info("caller_claimed_again", contact_id=facts.contact_id, phase=call.phase)
            self.look_again = True
            return
        if call is not None and call.ended_posted:
            self.table.spawn(call, self.guard.end_caller(call))
            return
        call = self.table.remember(facts, LegId(channel["id"]), channel.get("name", ""))
        call.move(CallPhase.CLAIMED)
        log.info("caller_claimed", contact_id=facts.contact_id)
        if facts.outbound:  # the dialplan has no music for somebody whom we call
            self.table.spawn(call, self.actions.start_music(call.caller_leg, "emergency"))
        self.observer.caller_waits(facts)
        self.guard.changed(call)

    # -- the distributor's commands -------------------------------------------------------------

    def offer(
        self,
        offer_id: OfferId,
        contact_id: ContactId,
        agent_id: AgentId,
        timeout_s: float,
        kind: OfferKind = OfferKind.ANSWER,
    ) -> None:
        """Ring the call taker's phone: for a caller, for a conversation, or for a call of ours."""
        self.offers.offer(offer_id, contact_id, agent_id, timeout_s, kind)

    def rescind(self, offer_id: OfferId, contact_id: ContactId) -> None:
        """Stop ringing, or let go of a leg that answered too late."""
        self.offers.rescind(offer_id, contact_id)

    def connect(self, offer_id: OfferId, contact_id: ContactId) -> None:
        """The offer was accepted in time: do what it was for."""
        call = self.table.get(contact_id)
        leg = call.offer(offer_id) if call else None
        if call is None or leg is None:
            self.table.spawn(call, self.guard.drop_leg(offer_leg_id(offer_id)))
        elif leg.offer_kind is OfferKind.ANSWER:
            self.joining.connect(call, leg)
        elif leg.offer_kind is OfferKind.OUTBOUND:
            self.outbound.dial(call, leg)
        elif not leg.joined:
            self.ends.other_answered(call, leg)

    def open_outbound(self, facts: CallFacts) -> None:
        """We are going to call a citizen: the contact exists, its OUTBOUND offer comes next.

        ``facts.caller_number`` is whom to call. Raises `CallRefused` with ``no_trunk`` or
        ``bad_number``.
        """
        self.outbound.open(facts)

    def cancel_outbound(self, contact_id: ContactId) -> None:
        """The citizen is not to be called any more; a conversation goes on."""
        call = self.table.get(contact_id)
        if call is not None and call.phase is CallPhase.DIALLED:
            self.ends.no_citizen(call, "cancelled")

    def note(self, contact_id: ContactId, name: str, value: str) -> None:
        """Write a fact on the caller's channel, where the process after this one finds it."""
        call = self.table.get(contact_id)
        if call is not None and call.phase is not CallPhase.DIALLED:
            self.table.spawn(call, self._note(call, name, value))

    async def _note(self, call: Call, name: str, value: str) -> None:
        with contextlib.suppress(ARIRefused):  # in the parachute queue, or gone
            await self.actions.set_variable(call.caller_leg, name, value)

    # -- what others may know -------------------------------------------------------------------

    @property
    def look_again(self) -> bool:
        """Something does not fit: the next survey should come soon."""
        return self.guard.look_again

    @look_again.setter
    def look_again(self, value: bool) -> None:
        self.guard.look_again = value

    def parties(self, contact_id: ContactId) -> tuple[PartyView, ...]:
        """Everybody beside the caller: in the conversation, on hold, rung, or listening.

        Phones that ring for a waiting caller are offers and not parties.
        """
        call = self.table.get(contact_id)
        if call is None:
            return ()
        shown = [leg.view for leg in call.legs.values() if leg.joined or leg is call.other]
        return (*shown, *self.monitors.views(contact_id))

    def muted(self, contact_id: ContactId, agent_id: AgentId) -> bool:
        """Whether nobody hears this call taker."""
        call = self.table.get(contact_id)
        return call is not None and any(
            leg.muted for leg in call.legs.values() if leg.agent_id == agent_id
        )

    def is_live(self, leg_id: LegId) -> bool:
        """Whether a leg is one that somebody here still wants."""
        call = self.table.of_leg(leg_id)
        return (call is not None and leg_id in call.legs) or self.monitors.of_leg(
            leg_id
        ) is not None


def prospect(call: Call) -> Successor:
    """Who would keep the caller if the owner left after the other has come in."""
    others = [leg for leg in call.legs.values() if leg is not call.owner and leg.keeps]
    there = [leg for leg in others if leg.joined]
    if any(leg.agent_id is not None for leg in there):
        return Successor.AGENT
    return Successor.OUTSIDE if there else Successor.NOBODY
