"""Proves that no order of any events, under any plan, surprises the simulator's oracle.

The events of `test_acd_stateful` go to a core whose every answer is compared with what a second,
independent model expects: whom it must choose, which effects there must be, what is published.
"""

from collections.abc import Sequence

from hypothesis import HealthCheck, settings

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.plan import Plan
from ccserver.acd.settings import DistributorSettings
from sim.acd.oracle import Oracle
from tests.acd.test_acd_stateful import AnyEvents

TIMES = DistributorSettings(offer_timeout_s=5.0, wrap_up_s=5.0, reject_delay_s=2.5)


class Judged(ACDCore):
    """Shows every answer to the oracle."""

    def __init__(self) -> None:
        super().__init__(TIMES, instance="t")
        self._oracle = Oracle(TIMES, Plan())

    def handle_event(self, event: e.Event, *, now: float) -> list[c.Command]:
        answer = super().handle_event(event, now=now)
        self._oracle.event(event, now=now, answer=answer)
        return self._judged(answer)

    def handle_timer(self, *, now: float) -> list[c.Command]:
        answer = super().handle_timer(now=now)
        self._oracle.timer(now=now, answer=answer)
        return self._judged(answer)

    def _judged(self, answer: Sequence[c.Command]) -> list[c.Command]:
        assert self.ignored.total() == self._oracle.ignored
        latest = self._oracle.next_deadline()
        mine = self.next_deadline()
        assert latest is None or (mine is not None and mine <= latest)
        return list(answer)


class JudgedEvents(AnyEvents):
    """Tells a core anything at all, and the oracle checks each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Judged()


TestJudgedEvents = JudgedEvents.TestCase
TestJudgedEvents.settings = settings(
    max_examples=100,
    derandomize=True,  # Nothing is found by luck here; `AnyEvents` itself goes on searching.
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
del AnyEvents
