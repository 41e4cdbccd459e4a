"""One voice contact as Asterisk carries it: the caller's leg, the others' legs, bridge, lease."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ccserver.acd.commands import OfferKind
from ccserver.ecall.urn import parents, service_of
from ccserver.telephony.party import Leg
from ccserver.types import ContactId, LegId, OfferId, PhoneNumber

BRIDGE_PREFIX = "bridge-"
OUTBOUND_PREFIX = "call-"
CUT_CAUSES = frozenset({27, 38, 41, 42, 44, 47, 102})
"""ITU-T Q.850, the network's doing: out of order, failure, congestion, no media, a dead signalling
relation."""
OUTBOUND = "outbound"
"""The value of ``DIRECTION``, and of the journal's sixth field, of a citizen whom we call."""
SERVICE_CHARS_MAX = 96
"""A card's field; of a longer URN a parent is kept, which serves its children (RFC 5031 §2)."""
SIP_CALL_ID_CHARS_MAX = 254
"""The dialplan keeps 255; one that has so many may have been cut, and would name another call."""


def bridge_id_of(contact_id: ContactId) -> str:
    """The bridge id of a contact's conversation."""
    return f"{BRIDGE_PREFIX}{contact_id}"


def outbound_leg_id(contact_id: ContactId) -> LegId:
    """The channel id that we choose for a citizen whom we call."""
    return LegId(f"{OUTBOUND_PREFIX}{contact_id}")


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the dialplan knows of a caller from the first INVITE."""

    contact_id: ContactId
    arrived_at: datetime
    caller_number: str | None
    caller_number_hidden: bool
    called_number: str
    outbound: bool = False
    """We called: ``caller_number`` is whom, ``arrived_at`` when the call taker asked for it."""
    queue: str | None = None
    """Where the distributor has put the caller since; ``None``: where the dialled number leads."""
    language: str | None = None
    """What the caller chose by key."""
    cannot_speak: bool = False
    """The caller said so by key."""
    service: str | None = None
    """The service URN that was asked for, in small letters; ``None``: just the number."""
    trunk: str | None = None
    """By whom it came, as the SIP edge knows it."""
    sip_call_id: str | None = None
    """By it the SIP edge finds the dialog; of a call of ours there is none before its answer."""
    has_data: bool = False
    """Something came with the call beside the voice, and Asterisk has kept it."""
    msd_ack: str | None = None
    """What the SIP edge has told the car of its MSD: ``received``, ``unreadable``; or nothing."""
    calls_back: bool = False
    """Of a call of ours: to a citizen, whose network lets it through (RFC 7090)."""

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
            outbound=variables.get("DIRECTION") == OUTBOUND,
            queue=variables.get("QUEUE") or None,
            language=variables.get("LANGUAGE") or None,
            cannot_speak=variables.get("CANNOT_SPEAK") == "1",
            service=variables.get("SERVICE", ""),
            trunk=variables.get("TRUNK") or None,
            sip_call_id=variables.get("SIP_CALL_ID", ""),
            has_data=variables.get("CALL_DATA") == "1",
            msd_ack=variables.get("MSD_ACK") or None,
        )

    @classmethod
    def from_texts(
        cls,
        contact_id: str,
        arrived_at: str,
        number: str,
        hidden: str,
        called: str,
        *,
        outbound: bool = False,
        queue: str | None = None,
        language: str | None = None,
        cannot_speak: bool = False,
        service: str = "",
        trunk: str | None = None,
        sip_call_id: str = "",
        has_data: bool = False,
        msd_ack: str | None = None,
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
            outbound=outbound,
            queue=queue,
            language=language,
            cannot_speak=cannot_speak,
            service=_service(service),
            trunk=trunk,
            sip_call_id=sip_call_id if 0 < len(sip_call_id) <= SIP_CALL_ID_CHARS_MAX else None,
            has_data=has_data,
            msd_ack=msd_ack,
        )


def _service(text: str) -> str | None:
    """The URN, or the nearest parent that a card has room for; ``None`` for what is none."""
    asked = service_of(text)
    kept = parents(asked) if asked is not None else ()
    return next((each for each in kept if len(each) <= SERVICE_CHARS_MAX), None)


class CallPhase(StrEnum):
    """Where the caller's leg is, and who else there is, as far as this process knows.

    *Other* is the party that is being rung or consulted; everybody else who has joined is simply
    in the conversation, which may so be a conference in any phase. `transfer` has the moves.
    """

    DIALLED = "dialled"  # we call: the call taker's phone, then the citizen's; nobody waits yet
    CLAIMED = "claimed"  # ours: waiting or being offered; the lease runs
    CONNECTING = "connecting"  # the call taker answered, bridging is under way; the lease runs
    TALKING = "talking"  # bridged with a call taker; no lease
    HELD = "held"  # out of the bridge, music; the lease runs
    INVITING = "inviting"  # as TALKING, and the other rings
    DIALLING = "dialling"  # as HELD, and the other rings
    CONSULTING = "consulting"  # as HELD, and the other is with the call taker
    SWAPPED = "swapped"  # as TALKING, and the other is on hold
    BOTH_HELD = "both_held"  # as HELD, and so is the other
    HANDING = "handing"  # the other rings, no call taker is there; music; the lease runs
    HANDED_OVER = "handed_over"  # bridged with outside parties alone; no lease
    PARACHUTE = "parachute"  # in the dialplan's queue, or on its way back to us
    GONE = "gone"


class Segment(StrEnum):
    """What a span of a contact is; the unit of the timeline and of statistics."""

    QUEUE = "queue"
    TALK = "talk"
    HOLD = "hold"
    CONSULT = "consult"
    CONFERENCE = "conference"
    TRANSFER = "transfer"  # no call taker any more, the outside party's phone rings
    HANDED_OVER = "handed_over"
    PARACHUTE = "parachute"


@dataclass(slots=True)
class Call:
    """One voice contact's state in this process. Asterisk holds the truth."""

    facts: CallFacts
    caller_leg: LegId
    caller_channel: str
    phase: CallPhase
    legs: dict[LegId, Leg] = field(default_factory=dict)
    """All legs but the caller's that live and are wanted, ringing ones too."""
    owner: Leg | None = None
    """Who is responsible: the call taker, or the outside party that has the caller."""
    other: Leg | None = None
    """The party that is being rung or consulted."""
    heir: Leg | None = None
    """The call taker whom the owner is about to leave the caller to; else the first one has it."""
    rings_back: Leg | None = None
    """Who hears that the other's phone rings."""
    conversation: str = ""
    """The name of the dialplan's group of those who keep this caller company; empty: none."""
    hold_marked: bool = False
    """As the dialplan sees it: the end of a leg is never a goodbye."""
    music_owed: bool = False
    """The caller should hear music, and a command for it has failed: the survey makes up for it."""
    bridge_made: bool = False
    ended_posted: bool = False
    hang_up_wanted: bool = False  # by the call taker, in the panel
    dialled: bool = False  # we have asked for the citizen's phone to ring
    dial_answered: bool = False  # and Asterisk has said that it does
    segment: Segment | None = None  # the last one told
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

    def take(self, leg: Leg) -> None:
        """One more leg."""
        self.legs[leg.leg_id] = leg
        self.changes += 1

    def lose(self, leg: Leg) -> None:
        """A leg less; whoever it was, it is not any more."""
        self.legs.pop(leg.leg_id, None)
        if self.owner is leg:
            self.owner = None
        if self.other is leg:
            self.other = None
        self.changes += 1

    def offer(self, offer_id: OfferId) -> Leg | None:
        """The leg of an offer that lives."""
        return next((leg for leg in self.legs.values() if leg.offer_id == offer_id), None)

    def ringing(self, *kinds: OfferKind) -> list[Leg]:
        """The legs of offers of these kinds (all, if none is named) that nobody has connected."""
        return [
            leg
            for leg in self.legs.values()
            if leg.offer_id is not None
            and leg is not self.owner
            and not leg.joined
            and (not kinds or leg.offer_kind in kinds)
        ]

    def successor(self, without: Leg | None = None) -> Leg | None:
        """Who keeps the caller if this one leaves: call takers first, in the order of joining."""
        keepers = [leg for leg in self.legs.values() if leg is not without and leg.armed]
        return min(keepers, key=lambda leg: leg.agent_id is None, default=None)

    @property
    def contact_id(self) -> ContactId:
        """The contact that this call is."""
        return self.facts.contact_id
