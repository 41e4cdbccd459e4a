"""One voice contact as Asterisk carries it: the caller's leg, offers, bridge, lease."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ccserver.types import AgentId, ContactId, LegId, OfferId, PhoneNumber

OFFER_LEG_PREFIX = "leg-"
BRIDGE_PREFIX = "bridge-"


def offer_leg_id(offer_id: OfferId) -> LegId:
    """The channel id that we choose for an offer: a repeated originate is then refused."""
    return LegId(f"{OFFER_LEG_PREFIX}{offer_id}")


def offer_of_leg(leg_id: str) -> OfferId | None:
    """The offer whose leg this channel id is; ``None`` for every other channel."""
    if not leg_id.startswith(OFFER_LEG_PREFIX):
        return None
    return OfferId(leg_id.removeprefix(OFFER_LEG_PREFIX))


def bridge_id_of(contact_id: ContactId) -> str:
    """The bridge id of a contact's conversation."""
    return f"{BRIDGE_PREFIX}{contact_id}"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the dialplan knows of a caller from the first INVITE."""

    contact_id: ContactId
    arrived_at: datetime
    caller_number: str | None
    caller_number_hidden: bool
    called_number: str

    @classmethod
    def from_channel_variables(cls, variables: Mapping[str, str]) -> "CallFacts | None":
        """Read the variables that ``extensions.conf`` sets; ``None`` if this is not a caller."""
        contact_id, arrived_at = variables.get("CONTACT_ID", ""), variables.get("ARRIVED_AT", "")
        if not contact_id or not arrived_at:
            return None
        return cls.from_texts(
            contact_id,
            arrived_at,
            variables.get("CALLER_NUMBER", ""),
            variables.get("CALLER_HIDDEN", ""),
            variables.get("CALLED_NUMBER", ""),
        )

    @classmethod
    def from_texts(
        cls, contact_id: str, arrived_at: str, number: str, hidden: str, called: str
    ) -> "CallFacts":
        """Build from the dialplan's texts; a time that cannot be read becomes "now"."""
        try:
            arrived = datetime.fromtimestamp(float(arrived_at), UTC)
        except (ValueError, OverflowError, OSError):
            arrived = datetime.fromtimestamp(time.time(), UTC)
        parsed = PhoneNumber.parse(number)
        dialled = PhoneNumber.parse(called)
        return cls(
            contact_id=ContactId(contact_id),
            arrived_at=arrived,
            caller_number=parsed.value if parsed else None,
            caller_number_hidden=hidden == "1",
            called_number=dialled.value if dialled else "112",
        )


class CallPhase(StrEnum):
    """Where the caller's leg is, as far as this process knows."""

    CLAIMED = "claimed"  # ours: waiting or being offered; the lease runs
    CONNECTING = "connecting"  # the call taker answered, bridging is under way; the lease runs
    TALKING = "talking"  # bridged; no lease
    HELD = "held"  # out of the bridge, music; the lease runs
    PARACHUTE = "parachute"  # in the dialplan's queue, or on its way back to us
    GONE = "gone"


LEASED_PHASES = frozenset({CallPhase.CLAIMED, CallPhase.CONNECTING, CallPhase.HELD})


@dataclass(slots=True)
class OfferLeg:
    """The call taker's leg of one offer."""

    offer_id: OfferId
    agent_id: AgentId
    leg_id: LegId
    created: bool = False
    answered: bool = False
    held: bool = False  # as the dialplan sees it: the end of a leg on hold is never a goodbye
    over: bool = False  # its end is known
    withdrawn: bool = False  # we hang it up; its end is no news for the distributor


@dataclass(slots=True)
class Call:
    """One voice contact's state in this process. Asterisk holds the truth."""

    facts: CallFacts
    caller_leg: LegId
    caller_channel: str
    phase: CallPhase
    offer: OfferLeg | None = None
    bridge_made: bool = False
    ended_posted: bool = False
    hang_up_wanted: bool = False  # by the call taker, in the panel
    changes: int = 0
    """Counts what changed here, so that an older look into Asterisk is known to be older."""
    lease_doubts: int = 0
    """How often the lease is still to be cleared: a lost renewal may yet be carried out."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """The commands for one call run one after the other."""
    lease_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Two commands for one lease never travel side by side: the later one could win first."""

    def move(self, phase: CallPhase) -> None:
        """The caller's leg is in another phase."""
        self.phase = phase
        self.changes += 1

    def take(self, offer: OfferLeg | None) -> None:
        """Another call taker's leg, or none."""
        self.offer = offer
        self.changes += 1

    @property
    def contact_id(self) -> ContactId:
        """The contact that this call is."""
        return self.facts.contact_id
