"""A leg beside the caller's: a call taker's, a service's, an interpreter's; and targets."""

import re
from dataclasses import dataclass
from enum import StrEnum

from ccserver.acd.commands import OfferKind
from ccserver.types import DIALLED_DIGITS_MAX, AgentId, LegId, OfferId

OFFER_LEG_PREFIX = "leg-"
PARTY_LEG_PREFIX = "party-"
MONITOR_LEG_PREFIX = "monitor-"
SNOOP_PREFIX = "snoop-"
NAME_MAX = 80  # what a title of the directory may have; it travels as a channel variable
_DIALLABLE = re.compile(rf"\+?[0-9]{{1,{DIALLED_DIGITS_MAX}}}")


def offer_leg_id(offer_id: OfferId) -> LegId:
    """The channel id that we choose for an offer: a repeated originate is then refused."""
    return LegId(f"{OFFER_LEG_PREFIX}{offer_id}")


def offer_of_leg(leg_id: str) -> OfferId | None:
    """The offer whose leg this channel id is; ``None`` for every other channel."""
    if not leg_id.startswith(OFFER_LEG_PREFIX):
        return None
    return OfferId(leg_id.removeprefix(OFFER_LEG_PREFIX))


def diallable(number: str) -> str | None:
    """The digits to dial, with a ``+`` before them or not; ``None`` if it is anything else.

    What passes here becomes part of a dial string: nothing with a meaning to the dialplan, to SIP
    or to an endpoint's name may be in it.
    """
    text = re.sub(r"[ ()./-]", "", number)
    return text if _DIALLABLE.fullmatch(text) else None


class PartyKind(StrEnum):
    """Who a leg beside the caller's is."""

    AGENT = "agent"
    SERVICE = "service"
    INTERPRETER = "interpreter"  # never keeps the caller: without a call taker it knows nothing
    OUTSIDE = "outside"
    SUPERVISOR = "supervisor"


class PartyState(StrEnum):
    """What a party does, for the panel."""

    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    LISTENING = "listening"
    WHISPERING = "whispering"


@dataclass(frozen=True, slots=True)
class PartyView:
    """A party as others may see it."""

    party_id: LegId
    kind: PartyKind
    agent_id: AgentId | None
    number: str | None
    name: str
    state: PartyState


@dataclass(frozen=True, slots=True)
class AgentTarget:
    """A call taker of this centre."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class QueueTarget:
    """A queue of this centre; for blind transfers only."""

    queue: str


@dataclass(frozen=True, slots=True)
class NumberTarget:
    """Somebody outside; ``kind`` is SERVICE, INTERPRETER or OUTSIDE."""

    number: str
    kind: PartyKind = PartyKind.OUTSIDE
    name: str = ""


Target = AgentTarget | QueueTarget | NumberTarget


@dataclass(slots=True)
class Leg:
    """One leg beside the caller's, from before it rings until its end."""

    leg_id: LegId
    kind: PartyKind
    agent_id: AgentId | None = None
    offer_id: OfferId | None = None  # of the distributor's; an outside party has none
    offer_kind: OfferKind = OfferKind.ANSWER
    number: str | None = None
    name: str = ""
    created: bool = False
    answered: bool = False
    joined: bool = False  # it has been put into the conversation (and may be on hold since)
    armed: bool = False  # in the dialplan's group: its end is not overlooked, also without us
    held: bool = False  # out of the bridge, with music
    muted: bool = False
    over: bool = False  # its end is known
    withdrawn: bool = False  # we hang it up; its end is no news

    @property
    def keeps(self) -> bool:
        """Whether the caller may be left with this party alone."""
        return self.kind is not PartyKind.INTERPRETER

    @property
    def view(self) -> PartyView:
        """What the panel shows of it."""
        state = PartyState.HELD if self.held else PartyState.TALKING
        if not self.joined:
            state = PartyState.RINGING
        return PartyView(self.leg_id, self.kind, self.agent_id, self.number, self.name, state)
