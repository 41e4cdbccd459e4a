"""Who hears what happens to voice contacts: the runtime implements it."""

from typing import Protocol

from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import CallFacts
from ccserver.types import AgentId, ContactId, OfferId


class CallObserver(Protocol):
    """Who wants to know. Called from the event loop, never blocks."""

    def caller_waits(self, facts: CallFacts) -> None:
        """A caller is in our hands and wants a call taker, for the first time or again."""

    def caller_adopted(self, facts: CallFacts, agent_id: AgentId, *, held: bool) -> None:
        """A conversation that began before this process was found."""

    def caller_left(self, facts: CallFacts, *, agent_channel: str | None) -> None:
        """The parachute queue has the caller; ``agent_channel`` is the phone that answered."""

    def caller_gone(self, contact_id: ContactId) -> None:
        """The caller's leg is at its end."""

    def recording_complete(self, contact_id: ContactId) -> None:
        """Asterisk closed the caller's channel, and with it the recording."""

    def conversation_ended(self, contact_id: ContactId) -> None:
        """The call taker hung up."""

    def offer_answered(self, offer_id: OfferId) -> None:
        """The call taker's phone answered."""

    def offer_failed(self, offer_id: OfferId, failure: OfferFailure) -> None:
        """The call taker's phone did not."""

    def connected(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Caller and call taker are in one bridge and the lease is cleared."""

    def connect_failed(self, contact_id: ContactId) -> None:
        """They could not be joined, or the call taker's leg was lost; the caller is ours still."""

    def hold_changed(self, contact_id: ContactId, *, held: bool) -> None:
        """The caller hears music, or the call taker again."""
