"""The core as the runtime would hold it: one step at a time, each step checked.

Holds the core and the oracle, gives both the same, and stops the run at the first difference.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Protocol

from ccserver.acd import commands as c
from ccserver.acd.core import ACDCore
from ccserver.acd.events import Event
from ccserver.acd.plan import Plan
from ccserver.acd.settings import DistributorSettings
from sim.acd.oracle import Oracle
from sim.acd.rules import Mismatch

STEPS_AT_ONE_INSTANT_MAX = 5_000
"""More steps than any burst makes; reaching it means that time stands still."""


class CoreFactory(Protocol):
    """`ACDCore`, or a broken one in the tests of the simulator itself."""

    def __call__(
        self, settings: DistributorSettings, *, instance: str, plan: Plan | None = None
    ) -> ACDCore:
        """Make a core."""


class Controller:
    """Gives steps to the core and checks the answers. ``now`` is the core's clock."""

    def __init__(
        self,
        settings: DistributorSettings,
        make_core: CoreFactory,
        *,
        self_check: bool,
        digest: bool,
        trace: Callable[[str], None] | None,
        plan: Plan | None = None,
    ) -> None:
        self.steps = 0
        self.counts: Counter[str] = Counter()
        self.digest = sha256() if digest else None
        self._settings = settings
        self._make_core = make_core
        self._self_check = self_check
        self._trace = trace
        self._starts = 0
        self._now = float("-inf")
        self._steps_now = 0
        self.core: ACDCore
        self.oracle: Oracle
        self.start(plan if plan is not None else Plan())

    def start(self, plan: Plan) -> None:
        """Begin with an empty core, as after a restart of the process."""
        if self._starts:
            self.finish()
        self._starts += 1
        self.core = self._make_core(self._settings, instance=f"run{self._starts}", plan=plan)
        self.oracle = Oracle(self._settings, plan)

    def finish(self) -> None:
        """Close the counts."""
        self.counts.update(self.oracle.counts)
        for name, number in self.core.ignored.items():
            self.counts[f"ignored:{name}"] += number

    def event(self, event: Event, *, now: float) -> Sequence[c.Command]:
        """Tell the core an event; return what it wants."""
        answer = self.core.handle_event(event, now=now)
        self.counts[type(event).__name__] += 1
        if self._trace is not None:
            self._say(now, event, answer)
        self.oracle.event(event, now=now, answer=answer)
        return self._checked(now, answer)

    def timer(self, *, now: float) -> Sequence[c.Command]:
        """Tell the core the time; return what it wants."""
        answer = self.core.handle_timer(now=now)
        if self._trace is not None:
            self._say(now, "timer", answer)
        self.oracle.timer(now=now, answer=answer)
        deadline = self.core.next_deadline()
        if deadline is not None and deadline <= now:
            raise Mismatch(f"deadline {deadline} not handled at {now}")
        return self._checked(now, answer)

    def _checked(self, now: float, answer: Sequence[c.Command]) -> Sequence[c.Command]:
        if self._self_check:
            self.core.check_invariants()
        deadline, latest = self.core.next_deadline(), self.oracle.next_deadline()
        if latest is not None and (deadline is None or deadline > latest):
            raise Mismatch(f"next deadline {deadline}, must be {latest}")
        if sum(self.core.ignored.values()) != self.oracle.ignored:
            raise Mismatch(f"stale: {dict(self.core.ignored)}, must be {self.oracle.ignored}")
        self.steps += 1
        self._steps_now = self._steps_now + 1 if now <= self._now else 0
        self._now = max(self._now, now)
        if self._steps_now > STEPS_AT_ONE_INSTANT_MAX:
            raise Mismatch("time does not move")
        if self.digest is not None:
            self.digest.update(repr(answer).encode())
        for command in answer:
            if isinstance(command, c.RescindOffer):
                self.counts[f"RescindOffer:{command.reason}"] += 1
            elif isinstance(command, c.OfferContact | c.ConnectContact):
                self.counts[type(command).__name__] += 1
        return answer

    def _say(self, now: float, what: object, answer: Sequence[c.Command]) -> None:
        if self._trace is None:
            return
        self._trace(f"{now:12.3f} {what}")
        for command in answer:
            if not isinstance(command, c.PublishContact | c.PublishAgent):
                self._trace(f"{'':14}-> {command}")
