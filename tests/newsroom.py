"""A centre whose news is under test: the real core, runtime and call control, virtual time."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ccserver.card import TimelineEntry, TimelineTag
from ccserver.live import LiveContact
from ccserver.routing import DEFAULT_DOCUMENT, Document, StoredPlan
from ccserver.routing import document as d
from ccserver.telephony.call import CallFacts
from ccserver.telephony.party import NumberTarget, PartyKind
from ccserver.types import AgentId, ContactId
from tests.telephony.centre import EPOCH, Centre, passed
from tests.telephony.fakes import FakeAsterisk
from tests.telephony.virtual_time import in_virtual_time

FIRST, SECOND = AgentId("agent-101"), AgentId("agent-102")
C1, UNKNOWN = ContactId("c1"), ContactId("unknown")
CITIZEN = "+37126123456"
SERVICE = NumberTarget("113", PartyKind.SERVICE, "NMPD")
TAG = TimelineTag
WITH_OFFICE: Document = msgspec.structs.replace(
    DEFAULT_DOCUMENT, queues=(*DEFAULT_DOCUMENT.queues, d.Queue(name="office"))
)


def stored(document: Document, version: int = 1, *, newest: int | None = None) -> StoredPlan:
    return StoredPlan(version, document, EPOCH, "anna", "", newest or version)


def run(test: Callable[[Centre], Awaitable[None]], *, document: Document = WITH_OFFICE) -> None:
    async def whole() -> None:
        centre = Centre(FakeAsterisk(), supervised=True)
        centre.plan.apply(stored(document))
        await centre.start()
        await test(centre)
        centre.check()
        assert not centre.asterisk.unguarded

    in_virtual_time(whole())


async def replaced(
    centre: Centre, *, ready: bool = True, document: Document = WITH_OFFICE
) -> Centre:
    """The process dies, and a new one takes over."""
    centre.kill()
    successor = Centre(centre.asterisk, instance="p2", supervised=True)
    successor.plan.apply(stored(document))
    await successor.start(ready=ready)
    await passed(0.3)
    return successor


async def talking(centre: Centre) -> LiveContact:
    """agent-101 talks with a citizen."""
    centre.asterisk.call("c1")
    await passed(0.2)
    await answered(centre, FIRST)
    return live(centre)


async def answered(centre: Centre, agent_id: AgentId) -> None:
    """The phone that rings at this seat is picked up."""
    rung = [
        leg
        for leg in centre.asterisk.legs()
        if leg.variables.get("AGENT_ID") == agent_id and leg.state == "Ringing"
    ]
    assert len(rung) == 1, f"{agent_id} is not rung once"
    centre.asterisk.answer(rung[0].id)
    await passed(0.3)


def live(centre: Centre, contact_id: str = "c1") -> LiveContact:
    contact = centre.live.get(ContactId(contact_id))
    assert contact is not None
    return contact


def state(centre: Centre, agent_id: AgentId = FIRST) -> str:
    seat = centre.live.seat(agent_id)
    assert seat is not None
    return seat.state.value


def shown(centre: Centre, contact_id: str = "c1") -> dict[str, Any]:
    """The contact as the panels were told of it last."""
    messages = [message["contact"] for message, _ in centre.of_type("contact")]
    found = [m for m in messages if isinstance(m, dict) and m["contact_id"] == contact_id]
    return found[-1]


def entries(centre: Centre, *tags: TimelineTag) -> list[TimelineEntry]:
    return [x for x in centre.journal.items if isinstance(x, TimelineEntry) and x.tag in tags]


def facts(contact: str = "c1") -> CallFacts:
    return CallFacts(ContactId(contact), EPOCH, CITIZEN, False, "112")
