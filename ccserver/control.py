"""What call takers ask for in the panel, turned into events and calls."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from ccserver.accounts import AccountStore
from ccserver.acd.commands import AgentState
from ccserver.acd.events import AgentPresence, AgentPresenceChanged, WrapUpEnded
from ccserver.runtime import Runtime
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.wishes import CallRefused, Wishes
from ccserver.types import AgentId, ContactId, LegId
from ccserver.web.ports import Clock, ControlRefused, JSONObject

log = structlog.get_logger(__name__)

MESSAGES = {
    "not_your_contact": "This contact is not at your seat.",
    "already_answered": "The contact has been answered already.",
    "not_talking": "There is no conversation.",
    "not_held": "The caller is not on hold.",
    "no_wrap_up": "There is no wrap-up to end.",
    "no_seat": "This seat does not exist.",
    "telephony_unavailable": "The telephone exchange does not answer; try again or use the phone.",
}


def refused(code: str) -> ControlRefused:
    """The refusal with its sentence."""
    return ControlRefused(code, MESSAGES[code])


class Control:
    """Implements `ccserver.web.ports.ControlPort`."""

    def __init__(
        self,
        runtime: Runtime,
        wishes: Wishes,
        accounts: AccountStore,
        clock: Clock,
        *,
        answer_phone: Callable[[LegId], Awaitable[None]],
        readiness: Callable[[], Mapping[str, bool]],
        alarms: Callable[[], list[str]],
    ) -> None:
        self._runtime = runtime
        self._wishes = wishes
        self._accounts = accounts
        self._clock = clock
        self._answer_phone = answer_phone
        self._readiness = readiness
        self._alarms = alarms

    def snapshot(self) -> JSONObject:
        """All live contacts, seats and alarms."""
        return {**self._runtime.live.snapshot(), "alarms": self._alarms()}

    def readiness(self) -> Mapping[str, bool]:
        """Each part by name."""
        return self._readiness()

    async def set_presence(self, agent_id: AgentId, presence: AgentPresence) -> None:
        """Takes effect at once; returns when it would also survive a restart."""
        if self._runtime.live.seat(agent_id) is None:
            raise refused("no_seat")
        self._runtime.post(AgentPresenceChanged(agent_id, presence))
        await self._accounts.save_presence(
            agent_id, presence.kind, presence.reason, self._clock.now()
        )

    async def end_wrap_up(self, agent_id: AgentId) -> None:
        """The call taker is done before the deadline."""
        seat = self._runtime.live.seat(agent_id)
        if seat is None or seat.state is not AgentState.WRAP_UP:
            raise refused("no_wrap_up")
        self._runtime.post(WrapUpEnded(agent_id))

    async def answer(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Make the desk phone answer."""
        await self._wish(self._answer(agent_id, contact_id))

    async def _answer(self, agent_id: AgentId, contact_id: ContactId) -> None:
        await self._answer_phone(self._wishes.ringing_leg(contact_id, agent_id))

    async def reject(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Stop ringing here; the contact goes to the next call taker."""
        try:
            self._wishes.reject(contact_id, agent_id)
        except CallRefused as refusal:
            raise refused(refusal.code) from refusal

    async def hang_up(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """End the conversation."""
        await self._wish(self._wishes.hang_up(contact_id, agent_id))

    async def hold(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Music for the caller."""
        await self._wish(self._wishes.hold(contact_id, agent_id))

    async def resume(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Back to the caller."""
        await self._wish(self._wishes.resume(contact_id, agent_id))

    async def _wish(self, work: Awaitable[None]) -> None:
        # Shielded: a browser that goes away must not leave a call half changed.
        try:
            await asyncio.shield(asyncio.ensure_future(work))
        except CallRefused as refusal:
            raise refused(refusal.code) from refusal
        except TelephonyError as error:
            log.warning("wish_failed", reason=type(error).__name__)
            raise refused("telephony_unavailable") from error
