"""Supervisors who listen, whisper, come in, or take over.

A supervisor's phone and a snooping channel on the call taker's leg share a bridge of their own; the
conversation itself is not touched by it. Whoever only listens is muted before anybody could hear.
After a restart monitors are not adopted but swept: a supervisor asks again.
"""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from ccserver.telephony.call import Call, bridge_id_of
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.guard import Guard
from ccserver.telephony.offers import CENTRE_NUMBER
from ccserver.telephony.party import (
    MONITOR_LEG_PREFIX,
    SNOOP_PREFIX,
    Leg,
    PartyKind,
    PartyState,
    PartyView,
)
from ccserver.telephony.transfer import KEPT_PHASES, OWNED_PHASES, CallRefused
from ccserver.types import AgentId, ContactId, LegId

log = structlog.get_logger(__name__)

MONITOR_BRIDGE_PREFIX = "monitor-bridge-"
RING_S = 20  # the supervisor has just pressed the button


class MonitorMode(StrEnum):
    """What a supervisor does with a conversation."""

    LISTEN = "listen"
    WHISPER = "whisper"  # the call taker alone hears it
    BARGE = "barge"  # everybody hears it
    OFF = "off"


@dataclass(slots=True)
class Monitor:
    """One supervisor at one conversation."""

    contact_id: ContactId
    supervisor: AgentId
    leg: Leg
    mode: MonitorMode
    take_over: bool = False
    snoop_id: LegId | None = None
    over: bool = False

    @property
    def bridge_id(self) -> str:
        """The bridge of supervisor and snoop."""
        return f"{MONITOR_BRIDGE_PREFIX}{self.leg.leg_id}"


class Monitors:
    """All supervisors at work; one conversation each."""

    def __init__(
        self,
        guard: Guard,
        *,
        endpoint_of_agent: Callable[[AgentId], str | None],
        instance: str,
    ) -> None:
        self._guard = guard
        self._endpoint_of_agent = endpoint_of_agent
        self._instance = instance
        self._numbers = itertools.count(1)
        self._monitors: dict[AgentId, Monitor] = {}

    async def set_mode(self, call: Call, supervisor: AgentId, mode: MonitorMode) -> None:
        """Begin, change or end; raises `CallRefused` or a telephony error."""
        monitor = self._monitors.get(supervisor)
        if mode is MonitorMode.OFF:
            if monitor is not None and monitor.contact_id == call.contact_id:
                self.end(monitor)
                return
            await self._step_out(call, supervisor)
            return
        async with call.lock:
            if call.phase not in OWNED_PHASES and call.phase not in KEPT_PHASES:
                raise CallRefused("not_talking")
            if self._in_conversation(call, supervisor) is not None:
                raise CallRefused("already_in")
            if monitor is None:
                await self._begin(call, supervisor, mode)
            elif monitor.contact_id != call.contact_id:
                raise CallRefused("monitors_another")
            else:
                await self._change(call, monitor, mode)

    async def take_over(self, call: Call, supervisor: AgentId) -> bool:
        """Come in and have the caller; true if in already, so that the owner can leave now."""
        if self._in_conversation(call, supervisor) is not None:
            return True
        await self.set_mode(call, supervisor, MonitorMode.BARGE)
        monitor = self._monitors.get(supervisor)
        if monitor is not None:
            monitor.take_over = True  # at the answer
        return self._in_conversation(call, supervisor) is not None

    def views(self, contact_id: ContactId) -> list[PartyView]:
        """The supervisors at a contact who are not in its conversation."""
        return [
            PartyView(
                monitor.leg.leg_id,
                PartyKind.SUPERVISOR,
                monitor.supervisor,
                None,
                "",
                _state(monitor),
            )
            for monitor in self._monitors.values()
            if monitor.contact_id == contact_id
        ]

    def of_leg(self, leg_id: str) -> Monitor | None:
        """The monitor to which a supervisor's leg or a snooping channel belongs."""
        for monitor in self._monitors.values():
            if leg_id in (monitor.leg.leg_id, monitor.snoop_id):
                return monitor
        return None

    def all(self) -> list[Monitor]:
        """All of them."""
        return list(self._monitors.values())

    # -- events ---------------------------------------------------------------------------------

    def answered(self, monitor: Monitor, call: Call | None) -> Monitor | None:
        """The supervisor's phone was picked up; gives the monitor if it now comes in."""
        if monitor.leg.answered:
            return None
        monitor.leg.created = monitor.leg.answered = True
        if call is None:
            self.end(monitor)
            return None
        if monitor.mode is MonitorMode.BARGE:
            return monitor
        self._guard.table.spawn(call, self._attach(call, monitor))
        return None

    def leg_gone(self, monitor: Monitor, leg_id: str, call: Call | None) -> None:
        """The supervisor hung up, or the leg that was listened to has ended."""
        if leg_id == monitor.leg.leg_id:
            monitor.leg.over = True
            self.end(monitor)
            return
        monitor.snoop_id = None
        if call is None or call.owner is None or not call.owner.joined:
            self.end(monitor)
        else:
            # The conversation has another call taker now.
            self._guard.table.spawn(call, self._attach(call, monitor))

    def call_over(self, contact_id: ContactId) -> None:
        """There is nothing to listen to any more."""
        for monitor in self.all():
            if monitor.contact_id == contact_id:
                self.end(monitor)

    def end(self, monitor: Monitor) -> None:
        """The supervisor's phone is let go. Also safe to say twice."""
        if monitor.over:
            return
        monitor.over = True
        self._monitors.pop(monitor.supervisor, None)
        self._guard.table.spawn(None, self._clear(monitor, leg=True))
        self._tell(monitor, MonitorMode.OFF)

    # -- inside ---------------------------------------------------------------------------------

    async def _begin(self, call: Call, supervisor: AgentId, mode: MonitorMode) -> None:
        endpoint = self._endpoint_of_agent(supervisor)
        if endpoint is None:
            raise CallRefused("no_seat")
        if any(leg.agent_id == supervisor for leg in call.legs.values()):
            raise CallRefused("already_in")
        leg_id = LegId(f"{MONITOR_LEG_PREFIX}{self._instance}-{next(self._numbers)}")
        leg = Leg(leg_id, PartyKind.SUPERVISOR, agent_id=supervisor)
        monitor = Monitor(call.contact_id, supervisor, leg, mode)
        self._monitors[supervisor] = monitor
        try:
            await self._guard.actions.ring(
                leg_id,
                endpoint=endpoint,
                caller_id=call.facts.caller_number or CENTRE_NUMBER,
                timeout_s=RING_S,
                variables={
                    "CONTACT_ID": call.contact_id,
                    "PARTY_KIND": PartyKind.SUPERVISOR.value,
                    "AGENT_ID": supervisor,
                    "CALLER_CHANNEL": call.caller_channel,
                    "PJSIP_HEADER(add,X-CCServer-Contact)": call.contact_id,
                    "PJSIP_HEADER(add,X-CCServer-Monitor)": mode.value,
                    "CHANNEL(hangup_handler_push)": "agent-leg,gone,1",
                },
            )
        except TelephonyError:
            if not leg.answered:
                self.end(monitor)
                raise
        leg.created = True
        self._tell(monitor, mode)

    async def _change(self, call: Call, monitor: Monitor, mode: MonitorMode) -> None:
        if mode is monitor.mode:
            return
        if mode is MonitorMode.BARGE and monitor.leg.answered:
            await self._clear(monitor, leg=False)
            await self.come_in(call, monitor)
            return
        if monitor.leg.answered:
            await self._set_mute(monitor, mode)
        monitor.mode = mode
        self._tell(monitor, mode)

    async def come_in(self, call: Call, monitor: Monitor) -> None:
        """From listener to party: into the bridge, then armed. Under the call's lock."""
        leg = monitor.leg
        if call.phase not in KEPT_PHASES and call.phase not in OWNED_PHASES:
            self.end(monitor)
            raise CallRefused("not_talking")
        try:
            await self._guard.list_legs(call, leg)
            if leg.muted:
                await self._guard.actions.unmute(leg.leg_id)
                leg.muted = False
            await self._guard.actions.join(bridge_id_of(call.contact_id), leg.leg_id)
            await self._guard.arm(call, leg)
        except TelephonyError:
            self.end(monitor)
            raise
        if monitor.over or (call.phase not in KEPT_PHASES and call.phase not in OWNED_PHASES):
            # The call or the supervisor has ended meanwhile.
            self._guard.table.spawn(None, self._guard.release_leg(leg.leg_id))
            return
        self._monitors.pop(monitor.supervisor, None)
        leg.joined = True
        call.take(leg)
        self._guard.table.bind(leg.leg_id, call.contact_id)
        monitor.mode = MonitorMode.BARGE
        self._tell(monitor, MonitorMode.BARGE)
        self._guard.changed(call)

    async def _attach(self, call: Call, monitor: Monitor) -> None:
        """Muted first, then the snoop, then both into their bridge."""
        actions = self._guard.actions
        owner = call.owner
        if monitor.over:
            return
        if owner is None:
            self.end(monitor)
            return
        try:
            if not monitor.leg.muted:
                await actions.mute(monitor.leg.leg_id)
                monitor.leg.muted = True
            snoop_id = LegId(f"{SNOOP_PREFIX}{self._instance}-{next(self._numbers)}")
            monitor.snoop_id = snoop_id
            await actions.snoop(owner.leg_id, snoop_id)
            await actions.make_bridge(monitor.bridge_id, call.contact_id)
            await actions.join(monitor.bridge_id, monitor.leg.leg_id, snoop_id)
            await self._set_mute(monitor, monitor.mode)
        except TelephonyError as error:
            log.warning("monitor_failed", contact_id=call.contact_id, reason=type(error).__name__)
            self.end(monitor)

    async def _set_mute(self, monitor: Monitor, mode: MonitorMode) -> None:
        if mode is MonitorMode.WHISPER and monitor.leg.muted:
            await self._guard.actions.unmute(monitor.leg.leg_id)
            monitor.leg.muted = False
        elif mode is MonitorMode.LISTEN and not monitor.leg.muted:
            await self._guard.actions.mute(monitor.leg.leg_id)
            monitor.leg.muted = True

    async def _step_out(self, call: Call, supervisor: AgentId) -> None:
        """A supervisor who has come in leaves again; not one who has the caller."""
        leg = self._in_conversation(call, supervisor)
        if leg is None:
            raise CallRefused("not_monitored")
        if leg is call.owner:
            raise CallRefused("has_the_caller")
        self._guard.withdraw(call, leg)
        self._guard.observer.monitored(call.contact_id, supervisor, MonitorMode.OFF.value)
        self._guard.changed(call)

    async def _clear(self, monitor: Monitor, *, leg: bool) -> None:
        """Snoop and bridge away, and the phone too if wanted; each as far as it gets."""
        actions = self._guard.actions
        snoop_id, monitor.snoop_id = monitor.snoop_id, None
        if snoop_id is not None:
            with contextlib.suppress(TelephonyError):
                await actions.hang_up(snoop_id)
        if leg and not monitor.leg.over:
            with contextlib.suppress(TelephonyError):
                await self._guard.release_leg(monitor.leg.leg_id)
        elif not leg:
            with contextlib.suppress(TelephonyError):
                await actions.leave(monitor.bridge_id, monitor.leg.leg_id)
        with contextlib.suppress(ARIRefused, TelephonyError):
            await actions.destroy_bridge(monitor.bridge_id)

    def _in_conversation(self, call: Call, supervisor: AgentId) -> Leg | None:
        return next(
            (
                leg
                for leg in call.legs.values()
                if leg.kind is PartyKind.SUPERVISOR and leg.agent_id == supervisor and leg.joined
            ),
            None,
        )

    def _tell(self, monitor: Monitor, mode: MonitorMode) -> None:
        self._guard.observer.monitored(monitor.contact_id, monitor.supervisor, mode.value)
        self._guard.observer.party_changed(monitor.contact_id)


def _state(monitor: Monitor) -> PartyState:
    if not monitor.leg.answered:
        return PartyState.RINGING
    whispers = monitor.mode is MonitorMode.WHISPER
    return PartyState.WHISPERING if whispers else PartyState.LISTENING
