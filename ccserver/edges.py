"""What an offer, its end and its acceptance mean to contacts of one kind.

The runtime carries out what the distributor wants by the edge of the contact's medium: a caller's
offer rings a phone, a text's is a card that pops at the seat.
"""

from collections.abc import Callable
from typing import Protocol

from ccserver.acd.commands import ConnectContact, OfferContact, OfferKind, RescindOffer
from ccserver.telephony.call import CallPhase
from ccserver.telephony.calls import Calls
from ccserver.types import ContactId


class Edge(Protocol):
    """The side of the citizen, and of the call taker's device. Nothing here waits or raises."""

    def kind_of(self, command: OfferContact) -> OfferKind:
        """What the offer is about, where the edge knows better than the distributor."""

    def offer(self, command: OfferContact, kind: OfferKind, timeout_s: float) -> None:
        """Present the contact to the call taker."""

    def rescind(self, command: RescindOffer) -> None:
        """Present it no longer; of an offer that is unknown or over there is nothing to do."""

    def connect(self, command: ConnectContact) -> None:
        """The offer was accepted in time: bring the two together."""


class VoiceEdge:
    """Calls: phones ring, and bridges join.

    ``before_connect`` is told before a caller is joined with a call taker.
    """

    def __init__(self, calls: Calls, before_connect: Callable[[ContactId], None]) -> None:
        self._calls = calls
        self._before_connect = before_connect

    def kind_of(self, command: OfferContact) -> OfferKind:
        """Whether the citizen is still to be dialled is what telephony knows, over restarts too."""
        call = self._calls.table.get(command.contact_id)
        if command.kind is OfferKind.ASSIST or call is None:
            return command.kind
        return OfferKind.OUTBOUND if call.phase is CallPhase.DIALLED else OfferKind.ANSWER

    def offer(self, command: OfferContact, kind: OfferKind, timeout_s: float) -> None:
        """Ring the phone."""
        self._calls.offer(command.offer_id, command.contact_id, command.agent_id, timeout_s, kind)

    def rescind(self, command: RescindOffer) -> None:
        """Stop ringing."""
        self._calls.rescind(command.offer_id, command.contact_id)

    def connect(self, command: ConnectContact) -> None:
        """Join caller and call taker."""
        if command.kind is not OfferKind.ASSIST:
            self._before_connect(command.contact_id)
        self._calls.connect(command.offer_id, command.contact_id)
