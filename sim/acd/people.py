"""Who there is in the simulated world: citizens, call takers, and phones that ring."""

from dataclasses import dataclass, field
from typing import Optional

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.plan import Requirement
from ccserver.types import AgentId, ContactId, Medium


@dataclass(eq=False)
class Citizen:
    """Somebody who is, or will be, in a conversation with the centre, as Asterisk holds it."""

    contact_id: ContactId
    queue: str
    priority: int
    arrived_at: float  # the core's clock
    caller: str
    medium: Medium = Medium.VOICE
    skills: tuple[Requirement, ...] = ()
    site: str = ""
    direction: e.Direction = e.Direction.INBOUND
    preferred: AgentId | None = None
    talks_with: Optional["Taker"] = None
    participants: list["Taker"] = field(default_factory=list)
    outside: bool = False  # a service or an outside number is in the conversation
    in_parachute: bool = False
    to_dial: bool = False  # to be called back, and nobody is on the line yet
    unanswered_call: bool = False  # placed by a call taker whose own phone still rings
    version: int = 0  # of who is with whom

    @property
    def is_alone(self) -> bool:
        """Tell whether nobody at all is with the citizen."""
        return self.talks_with is None and not self.outside

    @property
    def is_text(self) -> bool:
        """Tell whether it is a conversation without a phone."""
        return self.medium is not Medium.VOICE


@dataclass(eq=False)
class Taker:
    """A call taker with a phone."""

    agent_id: AgentId
    presence: e.AgentPresence
    reachable: bool = True
    busy: bool = False
    removed: bool = False
    talks_with: Citizen | None = None
    assists: Citizen | None = None
    texts: list[Citizen] = field(default_factory=list)

    @property
    def on_the_phone(self) -> bool:
        """Tell whether the voice slot is taken by a conversation of the centre's."""
        return self.talks_with is not None or self.assists is not None


@dataclass(eq=False)
class Ring:
    """A phone that rings, or was picked up and is not yet joined with a caller."""

    taker: Taker
    contact_id: ContactId
    kind: c.OfferKind
    by_phone: bool
