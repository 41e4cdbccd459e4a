"""Decisions per second of the distributor's core with many call takers, skills and waiting.

Run as ``python -m bench.acd``; prints a table and one JSON line. A decision is one step that the
runtime asks for, with the question for the next deadline. The wheel is that of a busy centre: an
offer is accepted, a conversation ends, its wrap-up is ended, which offers the next contact, and a
new contact arrives, so that always as many wait. There are two curves: 500 call takers with lines
of different lengths, and 1 000 who wait with different numbers of call takers. Their points take
turns within one run, several times. Times are of the processor, which a busy machine disturbs less.

How the cost grows is read from two figures. The log-log slope is the exponent of a power law: 1
would be a cost in proportion to the number, and for a logarithm it falls towards 0. The second is
what ten times as many cost, in microseconds: for a logarithm it is the same at every decade.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.plan import AgentPlan, OverflowStep, Plan, QueuePlan, RelaxStep, Requirement
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId

AGENTS = 500
AGENTS_CURVE = (50, 500, 5_000)
WAITING_OF_CURVE = 1_000
SKILLS = tuple(f"skill:{number}" for number in range(50))
QUEUES = tuple(f"queue-{number}" for number in range(10))
SITES = ("riga", "valmiera", "liepaja")
WAITING = (10, 100, 1_000, 10_000)
TURNS = 1_000
REPETITIONS = 5

LONG_S = 1e6
"""Longer than a run: what is measured are decisions, not a line that ages as a whole."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One point of a curve, over all repetitions. Times in microseconds per decision."""

    agents: int
    waiting: int
    waited: int
    """How many really waited at the end, which the skills decide."""
    p50_us: float
    p99_us: float
    per_second: tuple[float, ...]
    """Of each repetition."""

    @property
    def spread_percent(self) -> float:
        """How far the repetitions lie apart."""
        low, high = min(self.per_second), max(self.per_second)
        return 100.0 * (high - low) / statistics.median(self.per_second)


class Wheel:
    """A core with every agent ringing and a line of a given length, and its turns."""

    def __init__(self, agents: int, waiting: int, seed: int) -> None:
        self.times_s: list[float] = []
        self._rng = Random(seed)
        self._number = 0
        self._now = 0.0
        self._offers: deque[c.OfferContact] = deque()
        settings = DistributorSettings(offer_timeout_s=LONG_S, wrap_up_s=LONG_S)
        self.core = ACDCore(settings, instance="bench", plan=plan(self._rng, agents))
        for _ in range(agents + waiting):
            self._tell(self._arrival())
        for number in range(agents):
            agent_id = AgentId(f"agent-{number}")
            self._tell(e.AgentAdded(agent_id))
            self._tell(e.AgentDeviceChanged(agent_id, True, False))
            self._tell(e.AgentPresenceChanged(agent_id, e.AgentPresence(e.PresenceKind.READY)))
        self.times_s.clear()

    def _arrival(self) -> e.ContactArrived:
        self._number += 1
        rng = self._rng
        return e.ContactArrived(
            ContactId(f"contact-{self._number}"),
            rng.choice(QUEUES),
            rng.choice((1, 5, 10)),
            self._now,
            skills=(Requirement(rng.choice(SKILLS), rng.choice((1, 3))),),
            site=rng.choice(SITES),
        )

    def _tell(self, event: e.Event) -> None:
        self._now += 0.001
        started = time.thread_time()
        answer = self.core.handle_event(event, now=self._now)
        self.core.next_deadline()
        self.times_s.append(time.thread_time() - started)
        self._offers.extend(x for x in answer if isinstance(x, c.OfferContact))

    def turn(self, turns: int) -> None:
        """Turn the wheel."""
        for _ in range(turns):
            offer = self._offers.popleft()
            self._tell(e.OfferAccepted(offer.offer_id))
            self._tell(e.ContactEnded(offer.contact_id))
            self._tell(e.WrapUpEnded(offer.agent_id))
            self._tell(self._arrival())

    def finish(self) -> int:
        """Check that it ran as it must; return how many wait."""
        self.core.check_invariants()
        views = self.core.contact_views()
        if self.core.ignored:
            raise SystemExit(f"the wheel did not run as it must: {self.core.ignored}")
        return sum(1 for view in views if view.state is c.ContactState.WAITING)


def plan(rng: Random, count: int) -> Plan:
    """Return ten queues and so many agents, each with some of the fifty skills."""
    queues = {
        name: QueuePlan(
            name,
            queue_class=rng.choice((0, 5, 5, 9)),
            head_start_s=rng.choice((0.0, 30.0)),
            skills=(Requirement(rng.choice(SKILLS), 1),) if rng.random() < 0.5 else (),
            relax=(RelaxStep(LONG_S, "*"),),
            overflow=(OverflowStep(LONG_S, queue=rng.choice(QUEUES)),),
            alarm_after_s=LONG_S,
            escalate_after_s=2 * LONG_S,
        )
        for name in QUEUES
    }
    agents = {}
    for number in range(count):
        agent_id = AgentId(f"agent-{number}")
        skills = rng.sample(SKILLS, 15)
        agents[agent_id] = AgentPlan(
            agent_id,
            queues=tuple(rng.sample(QUEUES, 5)),
            skills=tuple(Requirement(skill, rng.randint(1, 10)) for skill in skills),
            site=rng.choice(SITES),
        )
    return Plan(queues=queues, agents=agents)


Point = tuple[int, int]
"""How many call takers, and how many wait."""


def measure(points: Sequence[Point], *, turns: int, repetitions: int) -> list[Measured]:
    """Measure all points in turns."""
    times_s: dict[Point, list[float]] = {point: [] for point in points}
    per_second: dict[Point, list[float]] = {point: [] for point in points}
    waited: dict[Point, int] = {}
    for repetition in range(repetitions):
        for point in times_s:
            agents, waiting = point
            wheel = Wheel(agents, waiting, seed=repetition)
            wheel.turn(turns)
            waited[point] = wheel.finish()
            times_s[point] += wheel.times_s
            per_second[point].append(len(wheel.times_s) / sum(wheel.times_s))
    measured = []
    for point in points:
        ordered = sorted(times_s[point])
        measured.append(
            Measured(
                agents=point[0],
                waiting=point[1],
                waited=waited[point],
                p50_us=1e6 * ordered[len(ordered) // 2],
                p99_us=1e6 * ordered[len(ordered) * 99 // 100],
                per_second=tuple(per_second[point]),
            )
        )
    return measured


def mean_us(measured: Measured) -> float:
    """Return the mean cost of a decision, of the median repetition."""
    return 1e6 / statistics.median(measured.per_second)


def slope(numbers: Sequence[int], measured: Sequence[Measured]) -> float:
    """Return the log-log slope of the mean cost over these numbers (least squares)."""
    xs = [math.log(number) for number in numbers]
    ys = [math.log(mean_us(x)) for x in measured]
    return statistics.linear_regression(xs, ys).slope


def show(numbers: Sequence[int], measured: Sequence[Measured]) -> dict[str, object]:
    """Print a curve; return what of it stands in the JSON line."""
    print(
        f"{'takers':>8} {'waiting':>8} {'p50 us':>8} {'p99 us':>8} {'mean us':>8} {'per s':>8}"
        f" {'spread':>7}"
    )
    for x in measured:
        print(
            f"{x.agents:>8} {x.waiting:>8} {x.p50_us:>8.1f} {x.p99_us:>8.1f} {mean_us(x):>8.1f}"
            f" {statistics.median(x.per_second):>8.0f} {x.spread_percent:>6.0f}%"
        )
    decades = [mean_us(b) - mean_us(a) for a, b in pairwise(measured)]
    steep = slope(numbers, measured)
    print(f"log-log slope {steep:.3f} (1: in proportion; logarithm: near 0)")
    print("ten times as many cost " + ", ".join(f"{x:+.1f}" for x in decades) + " us more\n")
    return {
        "log_log_slope": round(steep, 4),
        "us_per_decade": [round(x, 2) for x in decades],
        "points": [
            {
                "agents": x.agents,
                "waiting": x.waiting,
                "waited": x.waited,
                "decisions_per_s": {
                    "min": round(min(x.per_second)),
                    "median": round(statistics.median(x.per_second)),
                    "max": round(max(x.per_second)),
                },
                "decision_us": {
                    "p50": round(x.p50_us, 1),
                    "p99": round(x.p99_us, 1),
                    "mean": round(mean_us(x), 1),
                },
            }
            for x in measured
        ],
    }


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.acd", description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    by_line = [(AGENTS, waiting) for waiting in WAITING]
    by_takers = [(agents, WAITING_OF_CURVE) for agents in AGENTS_CURVE]
    found = measure([*by_line, *by_takers], turns=options.turns, repetitions=options.repetitions)
    print(f"{len(SKILLS)} skills, {len(QUEUES)} queues")
    line = {
        "bench": "acd",
        "skills": len(SKILLS),
        "queues": len(QUEUES),
        "repetitions": options.repetitions,
        "decisions_per_repetition": options.turns * 4,
        "by_waiting": show(WAITING, found[: len(by_line)]),
        "by_agents": show(AGENTS_CURVE, found[len(by_line) :]),
    }
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
