"""Which seats there are, with their phones: read at start, and again whenever people change."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

import structlog

from ccserver.accounts import AccountStore, AgentProfile, Right, rights_of
from ccserver.acd.events import (
    AgentAdded,
    AgentPresence,
    AgentPresenceChanged,
    AgentRemoved,
    PresenceKind,
)
from ccserver.audit import AuditEntry
from ccserver.config import Config, ConfigError
from ccserver.current_plan import CurrentPlan
from ccserver.db import DatabaseUnavailable
from ccserver.runtime import Runtime
from ccserver.telephony.asterisk_conf import render
from ccserver.telephony.devices import Devices
from ccserver.telephony.errors import TelephonyError
from ccserver.types import AgentId

log = structlog.get_logger(__name__)

NOT_THERE = AgentPresence(PresenceKind.OFF)
RETRY_S = 5.0
"""After a look that failed: the database or Asterisk is away."""
FORCED_MAX = 1_000
"""A shift's worth of supervisors' acts during one outage; what does not fit is in the log."""


class Seats:
    """Keeps the distributor, the panels and Asterisk's phones with the accounts."""

    def __init__(
        self,
        config: Config,
        accounts: AccountStore,
        runtime: Runtime,
        devices: Devices,
        plan: CurrentPlan,
        *,
        reload_phones: Callable[[], Awaitable[None]],
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._runtime = runtime
        self._devices = devices
        self._plan = plan
        self._reload_phones = reload_phones
        self._profiles: dict[AgentId, AgentProfile] = {}
        self._numbers: list[str] = []
        self._phones_due = False
        self._changed = asyncio.Event()
        self._decided: set[AgentId] = set()
        self._decided_wake = asyncio.Event()
        self._forced: deque[tuple[AgentId, AuditEntry]] = deque()

    async def load(self) -> None:
        """Read the seats; may raise `DatabaseUnavailable`."""
        await self._take(initial=True)

    def plan_changed(self) -> None:
        """Another routing plan: perhaps a trunk may dial other numbers now."""
        if self._plan.numbers() != self._numbers:
            self._changed.set()

    def changed(self) -> None:
        """People, or the numbers of the plan, were changed: look again soon."""
        self._changed.set()

    async def restore_presences(self) -> None:
        """What the seats declared before; what they declared since the start is newer."""
        kept = await self._presences()
        for agent_id in self._profiles:
            seat = self._runtime.live.seat(agent_id)
            if seat is not None and (seat.presence != NOT_THERE or seat.presence_pending):
                continue
            # Somebody who never declared anything is not there, and the distributor must know it.
            presence = kept.get(agent_id, NOT_THERE)
            self._runtime.post(AgentPresenceChanged(agent_id, presence))

    async def _presences(self) -> Mapping[AgentId, AgentPresence]:
        while True:
            try:
                return await self._accounts.presences()
            except DatabaseUnavailable:
                # Calls that were adopted go on meanwhile; ending the process would help nobody.
                log.warning("presences_not_read")
                await asyncio.sleep(RETRY_S)

    def presence_decided(self, agent_id: AgentId) -> None:
        """The distributor took somebody out: a restart must not make the person ready again."""
        self._decided.add(agent_id)
        self._decided_wake.set()

    def presence_forced(self, agent_id: AgentId, forced: AuditEntry) -> None:
        """A supervisor declared it while the database was away: that is still to be written."""
        if len(self._forced) >= FORCED_MAX:
            log.error("forced_presence_not_audited", agent_id=agent_id, author=forced.author)
            return
        self._forced.append((agent_id, forced))
        self._decided_wake.set()

    async def keep_presences(self) -> None:
        """Write down for ever what the distributor and supervisors decided."""
        while True:
            await self._decided_wake.wait()
            self._decided_wake.clear()
            while self._forced:
                agent_id, forced = self._forced[0]
                try:
                    await self._keep_forced(agent_id, forced)
                except DatabaseUnavailable:
                    log.warning("presence_not_kept", agent_id=agent_id)
                    await asyncio.sleep(RETRY_S)
                else:
                    self._forced.popleft()
            while self._decided:
                agent_id = self._decided.pop()
                try:
                    await self._keep_presence(agent_id)
                except DatabaseUnavailable:
                    log.warning("presence_not_kept", agent_id=agent_id)
                    self._decided.add(agent_id)
                    await asyncio.sleep(RETRY_S)

    async def _keep_forced(self, agent_id: AgentId, forced: AuditEntry) -> None:
        """With what the seat is by then: the person may have declared something since."""
        now = self._declared(agent_id) or NOT_THERE
        await self._accounts.save_presence(
            agent_id, now.kind, now.reason, self._runtime.now(), forced=forced
        )

    async def _keep_presence(self, agent_id: AgentId) -> None:
        """Write what the seat is now, until that is what was written.

        The person may declare something at the same time, and of two writes that travel together
        the older one may be the last.
        """
        written: AgentPresence | None = None
        while (wanted := self._declared(agent_id)) is not None and wanted != written:
            await self._accounts.save_presence(
                agent_id, wanted.kind, wanted.reason, self._runtime.now()
            )
            written = wanted

    def _declared(self, agent_id: AgentId) -> AgentPresence | None:
        seat = self._runtime.live.seat(agent_id)
        return None if seat is None else seat.presence_pending or seat.presence

    async def run(self) -> None:
        """Follow the changes for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._take(initial=False)
                if self._phones_due:
                    phones, numbers = list(self._profiles.values()), self._numbers
                    await asyncio.to_thread(render, self._config, phones, numbers)
                    await self._reload_phones()
                    self._phones_due = False
            except (DatabaseUnavailable, TelephonyError, ConfigError, OSError) as error:
                log.warning("seats_not_taken", reason=type(error).__name__)
                self._changed.set()
                await asyncio.sleep(RETRY_S)

    async def _take(self, *, initial: bool) -> None:
        profiles = {profile.agent_id: profile for profile in await self._accounts.agents()}
        supervisors = {
            account.agent_id
            for account in await self._accounts.accounts()
            if account.agent_id is not None and Right.SUPERVISE in rights_of(account.role)
        }
        numbers = self._plan.numbers()
        if (profiles, numbers) != (self._profiles, self._numbers) and not initial:
            self._phones_due = True  # until Asterisk knows them, however often that fails
        for agent_id, profile in profiles.items():
            if self._profiles.get(agent_id) != profile:
                self._add(profile, known=agent_id in self._profiles, initial=initial)
        for agent_id in self._profiles.keys() - profiles.keys():
            log.info("seat_removed", agent_id=agent_id)
            self._runtime.post(AgentRemoved(agent_id))
            self._runtime.live.remove_seat(agent_id)
            self._devices.remove(agent_id)
        self._profiles, self._numbers = profiles, numbers
        self._plan.set_supervisors(frozenset(supervisors))

    def _add(self, profile: AgentProfile, *, known: bool, initial: bool) -> None:
        self._runtime.live.add_seat(profile)
        self._devices.add(profile.agent_id, profile.sip_username)
        if not known:
            log.info("seat_added", agent_id=profile.agent_id)
            self._runtime.post(AgentAdded(profile.agent_id))
            if not initial:
                self._runtime.post(AgentPresenceChanged(profile.agent_id, NOT_THERE))
