"""The way between the world and the core, and everything that goes wrong on it.

Events are duplicated, delayed (and so reordered), lost and found again by a later reconciliation;
commands are delivered twice. The process stalls (SIGSTOP), restarts, and its clock jumps. The
channel knows the two clocks: the world's time never jumps; the core's is the world's plus a skew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ccserver.acd import commands as c
from ccserver.acd import events as e
from sim.acd.profile import LATE_MAX_S
from sim.acd.snapshot import snapshot

if TYPE_CHECKING:
    from sim.acd.people import Taker
    from sim.acd.world import World

WAY_S = 0.001
"""From the world to the core when nothing is wrong."""

COMMAND_S = 0.01
"""From a command of the core to its effect; one value, so that commands keep their order."""

CONVERSATION_LATE_MAX_S = 0.4
"""Less than the fastest pick-up, so that a late report about a conversation cannot meet the same
people talking again. (Only an identity of each conversation could tell the two apart.)"""

ABOUT_A_CONVERSATION = (
    e.ContactReturned,
    e.ContactTransferred,
    e.ContactHandedOver,
    e.ContactPlaced,
    e.ParticipantInvited,
    e.ParticipantLeft,
)
"""Reports whose late duplicate would be taken for a new one; none outlives its process."""


class Channel:
    """Tells the core what happens, and the world what the core wants."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_up = True
        self._skew_s = 0.0
        self._epoch = 0
        self._stalled_until = 0.0

    def begin(self) -> None:
        """Let the process and its clock fail at random."""
        p = self.world.profile
        self.world.often(p.restarts_per_hour, self._crash)
        self.world.often(p.stalls_per_hour, self._stall)
        self.world.often(p.clock_jumps_per_hour, self._jump)

    # ---- clocks ------------------------------------------------------------------------------

    def core_time(self) -> float:
        """Return the core's clock."""
        return self.world.time + self._skew_s

    def timer_time(self) -> float | None:
        """Return when, in the world's time, the armed timer goes off."""
        if not self.is_up:
            return None
        deadline = self.world.controller.core.next_deadline()
        if deadline is None:
            return None
        return max(deadline - self._skew_s, self._stalled_until, self.world.time)

    def timer(self, time: float) -> None:
        """Let the timer go off; never before its deadline by an error of rounding."""
        self.world.time = time
        deadline = self.world.controller.core.next_deadline()
        now = self.core_time()
        if deadline is not None and abs(deadline - now) < 1e-6:
            now = max(now, deadline)
        self._do(self.world.controller.timer(now=now))

    def _jump(self) -> None:
        rng = self.world.rng
        self._skew_s += rng.choice((rng.uniform(-30, 0), rng.uniform(0, 60)))

    def _stall(self) -> None:
        self._stalled_until = self.world.time + self.world.rng.uniform(0.1, 12)

    # ---- events ------------------------------------------------------------------------------

    def tell(self, event: e.Event) -> None:
        """Send an event on its way, with all that may become of it."""
        world, p = self.world, self.world.profile
        late_max_s = (
            CONVERSATION_LATE_MAX_S if isinstance(event, ABOUT_A_CONVERSATION) else LATE_MAX_S
        )
        delay_s = WAY_S
        if world.chance(p.late_chance):
            delay_s = world.rng.choice((0.1, 1.0, 1.0)) * world.rng.uniform(0, late_max_s)
        elif world.chance(p.lost_chance):
            delay_s = late_max_s  # lost, then found by a reconciliation
        self._send(delay_s, event)
        if world.chance(p.duplicate_chance):
            self._send(world.rng.uniform(0, late_max_s), event)

    def tell_device(self, taker: Taker) -> None:
        """Tell what is known of a phone; a late report is followed by the truth."""
        self.tell(e.AgentDeviceChanged(taker.agent_id, taker.reachable, taker.busy))
        self._repeat(lambda: e.AgentDeviceChanged(taker.agent_id, taker.reachable, taker.busy))

    def tell_presence(self, taker: Taker) -> None:
        """Tell what a person declared; a late report is followed by the truth."""
        self.tell(e.AgentPresenceChanged(taker.agent_id, taker.presence))
        self._repeat(lambda: e.AgentPresenceChanged(taker.agent_id, taker.presence))

    def tell_seat(self, taker: Taker) -> None:
        """Tell that a seat exists, or does not; a late report is followed by the truth.

        A seat that exists again begins signed off, with its phone unknown: both are told anew.
        """

        def existence() -> e.Event:
            return (e.AgentRemoved if taker.removed else e.AgentAdded)(taker.agent_id)

        self.tell(existence())
        self._repeat(existence)
        if not taker.removed:
            self.tell_device(taker)
            self.tell_presence(taker)

    def tell_plan(self) -> None:
        """Tell the routing as it is now; a late report is followed by the truth."""
        self.tell(e.PlanChanged(self.world.plan))
        self._repeat(lambda: e.PlanChanged(self.world.plan))

    def say(self, event: e.Event) -> None:
        """Send an event on its way, with nothing that happens to it."""
        self._send(WAY_S, event)

    @property
    def is_unsafe(self) -> bool:
        """Tell whether anything happens to events on their way."""
        p = self.world.profile
        return bool(p.late_chance or p.lost_chance or p.duplicate_chance)

    def _repeat(self, truth: Callable[[], e.Event]) -> None:
        if self.is_unsafe:
            self.world.after(LATE_MAX_S + 1, lambda: self._send(WAY_S, truth()))

    def _send(self, delay_s: float, event: e.Event) -> None:
        epoch = self._epoch
        self.world.after(delay_s, lambda: self._arrive(event, epoch))

    def _arrive(self, event: e.Event, epoch: int) -> None:
        world = self.world
        if world.time < self._stalled_until:
            world.after(self._stalled_until - world.time, lambda: self._arrive(event, epoch))
            return
        if not self.is_up:
            return
        if epoch != self._epoch and isinstance(event, ABOUT_A_CONVERSATION):
            return
        self._do(world.controller.event(event, now=self.core_time()))

    # ---- commands ----------------------------------------------------------------------------

    def _do(self, commands: Sequence[c.Command]) -> None:
        """Carry out what the core wants, unless the process dies first."""
        epoch, world = self._epoch, self.world
        if not commands:
            return

        def carry_out() -> None:
            if epoch != self._epoch:
                return
            for command in commands:
                world.execute(command)
                if world.chance(world.profile.command_duplicate_chance):
                    world.execute(command)

        world.after(COMMAND_S, carry_out)

    # ---- restart -----------------------------------------------------------------------------

    def _crash(self) -> None:
        if not self.is_up:
            return
        self.is_up = False
        self._epoch += 1
        self.world.forget_rings()
        self.world.after(self.world.rng.uniform(0, 10), self._start)

    def _start(self) -> None:
        """Rebuild a new core from what Asterisk holds, in the order that the core asks for.

        Late events of the old process come on top, and now and then the order is no order.
        """
        world = self.world
        self.is_up = True
        self._stalled_until = 0.0
        world.controller.start(world.plan)
        seats, rest = snapshot(world, now=self.core_time())
        if world.chance(0.2):
            world.rng.shuffle(rest)
        for event in (*seats, *rest):
            self._do(world.controller.event(event, now=self.core_time()))
