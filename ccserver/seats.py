"""Which seats there are, with their phones: read at start, and again whenever people change."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ccserver.accounts import AccountStore, AgentProfile, Role
from ccserver.acd.events import (
    AgentAdded,
    AgentPresence,
    AgentPresenceChanged,
    AgentRemoved,
    PresenceKind,
)
from ccserver.config import Config, ConfigError
from ccserver.current_plan import CurrentPlan
from ccserver.db import DatabaseUnavailable
from ccserver.runtime import Runtime
from ccserver.telephony.asterisk_conf import render
from ccserver.telephony.devices import Devices
from ccserver.telephony.errors import TelephonyError
from ccserver.types import AgentId

log = structlog.get_logger(__name__)

RETRY_S = 5.0
"""After a look that failed: the database or Asterisk is away."""


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
        self._changed = asyncio.Event()

    async def load(self) -> None:
        """Read the seats; may raise `DatabaseUnavailable`."""
        await self._take(initial=True)

    def changed(self) -> None:
        """People were changed: look again soon."""
        self._changed.set()

    async def restore_presences(self) -> None:
        """What the seats declared before; what they declare meanwhile is newer."""
        kept = await self._accounts.presences()
        for agent_id in self._profiles:
            # Somebody who never declared anything is not there, and the distributor must know it.
            presence = kept.get(agent_id, AgentPresence(PresenceKind.OFF))
            self._runtime.post(AgentPresenceChanged(agent_id, presence))

    async def run(self) -> None:
        """Follow the changes for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                if await self._take(initial=False):
                    await self._reload_phones()
            except (DatabaseUnavailable, TelephonyError, ConfigError, OSError) as error:
                log.warning("seats_not_taken", reason=type(error).__name__)
                self._changed.set()
                await asyncio.sleep(RETRY_S)

    async def _take(self, *, initial: bool) -> bool:
        """Whether the phones have changed, so that Asterisk has to know."""
        profiles = {profile.agent_id: profile for profile in await self._accounts.agents()}
        supervisors = {
            account.agent_id
            for account in await self._accounts.accounts()
            if account.agent_id is not None and account.role is not Role.CALL_TAKER
        }
        news = profiles != self._profiles
        for agent_id, profile in profiles.items():
            if self._profiles.get(agent_id) != profile:
                self._add(profile, known=agent_id in self._profiles, initial=initial)
        for agent_id in self._profiles.keys() - profiles.keys():
            log.info("seat_removed", agent_id=agent_id)
            self._runtime.post(AgentRemoved(agent_id))
            self._devices.remove(agent_id)
        self._profiles = profiles
        self._plan.set_supervisors(frozenset(supervisors))
        if news and not initial:
            await asyncio.to_thread(render, self._config, list(profiles.values()))
        return news and not initial

    def _add(self, profile: AgentProfile, *, known: bool, initial: bool) -> None:
        self._runtime.live.add_seat(profile)
        self._devices.add(profile.agent_id, profile.sip_username)
        if not known:
            log.info("seat_added", agent_id=profile.agent_id)
            self._runtime.post(AgentAdded(profile.agent_id))
            if not initial:
                off = AgentPresence(PresenceKind.OFF)
                self._runtime.post(AgentPresenceChanged(profile.agent_id, off))
