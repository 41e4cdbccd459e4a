"""Looks at the process's own health every second: metrics, and alarms for whoever is at a panel.

An alarm is raised once, stays until its reason is gone, and is then cleared. It says what is wrong
in a code that the panel has a sentence for.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from ccserver.acd.commands import AgentState, ContactState
from ccserver.card import CardJournal
from ccserver.config import Config
from ccserver.live import WAITING_STATES
from ccserver.metrics import Metrics
from ccserver.routing.default import EMERGENCY_QUEUE
from ccserver.runtime import Runtime
from ccserver.telephony.ami import AMIClient
from ccserver.telephony.ari import ARIClient
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

INTERVAL_S = 1.0
LINK_PATIENCE_S = 3.0  # a reconnect takes less; longer is worth a person's attention
JOURNAL_PENDING_ALARM = 500  # about five seconds of ten calls a second
DISK_FREE_MIN_BYTES = 2_000_000_000  # an hour of fifty conversations, raw and sealed side by side
CONTACT_STATES = ("waiting", "offered", "talking", "held", "handed_over", "parachute")
LAG_ALARM_S = 0.5  # a fifth of a lease's renewal interval


class AlarmCode(StrEnum):
    """What can be wrong; the panel has a sentence in three languages for each."""

    TELEPHONY_DOWN = "telephony_down"
    PHONE_STATES_UNKNOWN = "phone_states_unknown"
    CARDS_NOT_WRITTEN = "cards_not_written"
    DISK_LOW = "disk_low"
    SERVER_SLOW = "server_slow"
    PLAN_UNUSABLE = "plan_unusable"
    CALLBACKS_FAIL = "callbacks_fail"
    WEBHOOKS_FAIL = "webhooks_fail"
    SMS_DOWN = "sms_down"
    SMS_STUCK = "sms_stuck"
    CALL_DATA_STUCK = "call_data_stuck"
    EDGE_DOWN = "edge_down"
    NODE_DOWN = "node_down"
    ECALL_HANDED_OVER = "ecall_handed_over"


@dataclass(slots=True)
class _Alarms:
    publish: Callable[[dict[str, object]], None]
    active: set[AlarmCode] = field(default_factory=set)

    def set(self, code: AlarmCode, *, active: bool) -> None:
        """Raise or clear; tells only what is new."""
        if active == (code in self.active):
            return
        if active:
            self.active.add(code)
            log.error("alarm_raised", code=code.value)
        else:
            self.active.discard(code)
            log.info("alarm_cleared", code=code.value)
        self.publish({"type": "alarm", "code": code.value, "data": {"active": active}})


class Watch:
    """One watch per process; `run` never ends by itself."""

    def __init__(
        self,
        config: Config,
        runtime: Runtime,
        journal: CardJournal,
        ari: ARIClient,
        ami: AMIClient,
        *,
        metrics: Metrics,
        clock: Clock,
        publish: Callable[[dict[str, object]], None],
        plan_faulty: Callable[[], bool] = lambda: False,
        callbacks_stuck: Callable[[], bool] = lambda: False,
        webhooks_stuck: Callable[[], bool] = lambda: False,
        sms_down: Callable[[], bool] = lambda: False,
        sms_stuck: Callable[[], bool] = lambda: False,
        call_data_stuck: Callable[[], bool] = lambda: False,
        edge_down: Callable[[], bool] = lambda: False,
        node_down: Callable[[], bool] = lambda: False,
        ecall_handed_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._plan_faulty = plan_faulty
        self._callbacks_stuck = callbacks_stuck
        self._webhooks_stuck = webhooks_stuck
        self._sms_down = sms_down
        self._sms_stuck = sms_stuck
        self._call_data_stuck = call_data_stuck
        self._edge_down = edge_down
        self._node_down = node_down
        self._ecall_handed_over = ecall_handed_over
        self._spool_dir = config.recording.spool_dir
        self._runtime = runtime
        self._journal = journal
        self._links: dict[str, ARIClient | AMIClient] = {"ari": ari, "ami": ami}
        self._metrics = metrics
        self._clock = clock
        self._alarms = _Alarms(publish)
        self._up_at = dict.fromkeys(self._links, clock.monotonic())
        self._counted: dict[str, int] = {}
        self._queues_seen = {EMERGENCY_QUEUE}  # an empty line must be told, too

    def active(self) -> list[str]:
        """The alarms that stand now, for a panel that connects."""
        return sorted(code.value for code in self._alarms.active)

    async def run(self) -> None:
        """Look every second. A broken invariant of the core ends the process here."""
        while True:
            due = self._clock.monotonic() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            lag_s = max(0.0, self._clock.monotonic() - due)
            free_bytes = await asyncio.to_thread(self._disk_free)
            self.look(lag_s, free_bytes)
            try:
                self._runtime.check_invariants()
            except Exception:
                self._metrics.invariants_broken.inc()
                raise

    def look(self, lag_s: float, free_bytes: int) -> None:
        """One look, given how late the loop was and what is free for recordings."""
        metrics, now = self._metrics, self._clock.monotonic()
        for name, link in self._links.items():
            if link.ready:
                self._up_at[name] = now
        down = {name: now - up_at > LINK_PATIENCE_S for name, up_at in self._up_at.items()}
        metrics.ari_connected.set(self._links["ari"].ready)
        metrics.ami_connected.set(self._links["ami"].ready)
        metrics.loop_lag_seconds.set(lag_s)
        metrics.journal_pending.set(self._journal.pending)
        for name, link in self._links.items():
            metrics.telephony_events_pending.labels(name).set(link.events_pending)
            overflows = self._grown(f"{name}_overflows", link.counters["overflows"])
            metrics.telephony_overflows.labels(name).inc(overflows)
        reconnects = {"ari": metrics.ari_reconnects, "ami": metrics.ami_reconnects}
        for name, counter in reconnects.items():
            made = max(0, self._links[name].counters["connects"] - 1)
            counter.inc(self._grown(f"{name}_reconnects", made))
        metrics.journal_spilled.inc(self._grown("spilled", self._journal.spilled))
        self._count_contacts()
        self._alarms.set(AlarmCode.TELEPHONY_DOWN, active=down["ari"])
        self._alarms.set(AlarmCode.PHONE_STATES_UNKNOWN, active=down["ami"])
        self._alarms.set(
            AlarmCode.CARDS_NOT_WRITTEN,
            active=self._journal.pending > JOURNAL_PENDING_ALARM or self._journal.spill_lines > 0,
        )
        self._alarms.set(AlarmCode.DISK_LOW, active=free_bytes < DISK_FREE_MIN_BYTES)
        self._alarms.set(AlarmCode.SERVER_SLOW, active=lag_s > LAG_ALARM_S)
        self._alarms.set(AlarmCode.PLAN_UNUSABLE, active=self._plan_faulty())
        self._alarms.set(AlarmCode.CALLBACKS_FAIL, active=self._callbacks_stuck())
        self._alarms.set(AlarmCode.WEBHOOKS_FAIL, active=self._webhooks_stuck())
        self._alarms.set(AlarmCode.SMS_DOWN, active=self._sms_down())
        self._alarms.set(AlarmCode.SMS_STUCK, active=self._sms_stuck())
        self._alarms.set(AlarmCode.CALL_DATA_STUCK, active=self._call_data_stuck())
        self._alarms.set(AlarmCode.EDGE_DOWN, active=self._edge_down())
        self._alarms.set(AlarmCode.NODE_DOWN, active=self._node_down())
        self._alarms.set(AlarmCode.ECALL_HANDED_OVER, active=self._ecall_handed_over())

    def _count_contacts(self) -> None:
        counts = dict.fromkeys(CONTACT_STATES, 0)
        queues: Counter[str] = Counter(dict.fromkeys(self._queues_seen, 0))
        for contact in self._runtime.live.contacts():
            if contact.test:
                continue
            if contact.view is None:
                counts["parachute"] += 1
            elif contact.view.state is ContactState.TALKING and contact.on_hold:
                counts["held"] += 1
            elif contact.view.state.value in counts:
                counts[contact.view.state.value] += 1
            if contact.view is not None and contact.view.state in WAITING_STATES:
                queues[contact.queue] += 1
        self._queues_seen.update(queues)
        for state, count in counts.items():
            self._metrics.contacts.labels(state).set(count)
        for queue, count in queues.items():
            self._metrics.contacts_waiting.labels(queue).set(count)
        agents = Counter(agent.state for agent in self._runtime.live.agents())
        for agent_state in AgentState:
            self._metrics.agents.labels(agent_state.value).set(agents[agent_state])

    def _grown(self, name: str, total: int) -> int:
        grown = total - self._counted.get(name, 0)
        self._counted[name] = total
        return grown

    def _disk_free(self) -> int:
        try:
            return shutil.disk_usage(self._spool_dir).free
        except OSError:
            return 0
