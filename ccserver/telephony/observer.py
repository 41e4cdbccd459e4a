"""Who hears what happens to voice contacts: the runtime implements it."""

from datetime import datetime
from typing import Protocol

from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import CallFacts, Segment
from ccserver.types import AgentId, ContactId, OfferId


class CallObserver(Protocol):
    """Who wants to know. Called from the event loop, never blocks."""

    def caller_waits(self, facts: CallFacts) -> None:
        """A caller is in our hands and wants a call taker, for the first time or again."""

    def caller_adopted(
        self,
        facts: CallFacts,
        agent_id: AgentId | None,
        *,
        held: bool,
        participants: tuple[AgentId, ...] = (),
        handed_over: bool = False,
    ) -> None:
        """A conversation that began before this process was found.

        ``agent_id`` is ``None`` exactly if outside parties alone have the caller (``handed_over``).
        """

    def caller_left(self, facts: CallFacts, *, agent_channel: str | None) -> None:
        """The parachute queue has the caller; ``agent_channel`` is the phone that answered."""

    def caller_gone(self, contact_id: ContactId, cut: bool = False) -> None:
        """The caller's leg is at its end; ``cut``: the network's doing and not the caller's."""

    def recording_complete(self, recording: str, began_at: datetime | None = None) -> None:
        """Asterisk closed a channel, and with it a recording; may be told again.

        ``recording`` is the raw file's name: the contact's id for the caller's own channel, what
        the dialplan has called it for another party's, which says itself when it began.
        """

    def conversation_ended(self, contact_id: ContactId) -> None:
        """The call taker (or, after a transfer, the outside party) hung up."""

    def offer_answered(self, offer_id: OfferId) -> None:
        """The call taker's phone answered."""

    def offer_failed(self, offer_id: OfferId, failure: OfferFailure) -> None:
        """The call taker's phone did not."""

    def connected(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Caller and call taker are in one bridge and the lease is cleared."""

    def bridge_silent(self, contact_id: ContactId) -> None:
        """They are in one bridge and nothing is sent to them; it is being mended. May be told
        again."""

    def connect_failed(self, contact_id: ContactId) -> None:
        """They could not be joined, or whoever had the caller was lost; the caller is ours still.

        Also out of a transfer to an outside party that did not answer: back in line, old place.
        """

    def hold_changed(self, contact_id: ContactId, *, held: bool) -> None:
        """The caller hears music, or the conversation again."""

    def mute_changed(self, contact_id: ContactId, agent_id: AgentId, *, muted: bool) -> None:
        """Nobody hears this call taker, or everybody again."""

    def participant_wanted(
        self, contact_id: ContactId, agent_id: AgentId, to_agent: AgentId
    ) -> None:
        """``agent_id`` wants ``to_agent`` in the conversation.

        The offer (of kind ASSIST) is to be made before this returns; none means there is none.
        """

    def participant_left(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """A call taker beside the responsible one has left, or could not be joined after all."""

    def transferred(
        self,
        contact_id: ContactId,
        by_agent: AgentId,
        queue: str | None,
        to_agent: AgentId | None,
    ) -> None:
        """The caller waits again, for this queue or this call taker; ``by_agent`` is free."""

    def handed_over(
        self, contact_id: ContactId, from_agent: AgentId | None, to_agent: AgentId | None
    ) -> None:
        """Somebody else is responsible: a call taker who was in the conversation, or (``None``)
        outside parties alone. ``from_agent`` is ``None`` if outside parties had the caller."""

    def party_changed(self, contact_id: ContactId) -> None:
        """The contact's parties or what they do have changed; `Calls.parties` has them."""

    def segment_changed(self, contact_id: ContactId, segment: Segment) -> None:
        """A new span of the contact begins, and the one before it ends. Told once for each."""

    def outbound_answered(self, contact_id: ContactId) -> None:
        """The citizen whom we called has answered; ``connected`` follows."""

    def outbound_failed(self, contact_id: ContactId, reason: str) -> None:
        """The citizen did not answer: busy, no_answer, rejected, unreachable, cancelled, failed.

        The contact is over; there is no recording.
        """

    def monitored(self, contact_id: ContactId, supervisor: AgentId, mode: str) -> None:
        """A supervisor listens, whispers, has come in (``barge``), or is gone (``off``)."""
