"""What kind of centre, people and faults a seed stands for.

Each seed switches every kind of trouble on or off by itself (swarm testing): a run in which
everything goes wrong at once hides the bugs that need one thing to go wrong often.
"""

from dataclasses import dataclass
from random import Random

from ccserver.acd.plan import Plan
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId
from sim.acd.plans import draw_plan

LATE_MAX_S = 20.0
"""A late, duplicated or lost-and-found event comes at most this much later. Contacts that left
come back only after more than that: no report of the leaving can be taken for a new one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Rates are per hour, times in seconds, chances from 0 to 1."""

    settings: DistributorSettings
    agents: tuple[AgentId, ...]
    plan: Plan
    rich: bool
    """Whether the plan, and what the contacts bring, has more than one line for all."""
    # callers
    arrivals_per_hour: float
    bursts_per_hour: float
    burst_size: int
    priorities: tuple[int, ...]
    talk_mean_s: float
    patience_mean_s: float
    leave_chance: float
    arrival_clock_error_s: float
    text_chance: float
    callback_chance: float
    redial_chance: float
    known_caller_chance: float
    skill_chance: float
    # call takers
    duty_mean_s: float
    break_mean_s: float
    reject_chance: float
    ignore_chance: float
    early_wrap_up_chance: float
    hang_up_at_answer_chance: float
    extend_chance: float
    picks_per_hour: float
    placed_per_hour: float
    removals_per_hour: float
    # conversations
    transfer_chance: float
    invite_chance: float
    hand_over_chance: float
    cut_chance: float
    # devices
    device_failures_per_hour: float
    own_calls_per_hour: float
    busy_by_own_ring_chance: float
    device_error_chance: float
    # the way between the world and the core
    duplicate_chance: float
    late_chance: float
    lost_chance: float
    nonsense_per_hour: float
    command_duplicate_chance: float
    plan_changes_per_hour: float
    # the process
    restarts_per_hour: float
    stalls_per_hour: float
    clock_jumps_per_hour: float
    # the centre
    closings_per_hour: float
    closed_mean_s: float
    browser_phone_chance: float

    @classmethod
    def draw(cls, rng: Random) -> "Profile":
        """Draw what the seed stands for."""

        def maybe(low: float, high: float) -> float:
            return rng.uniform(low, high) if rng.random() < 0.5 else 0.0

        agent_count = rng.choice((1, 2, 3, 4, 5, 6, 8, 12))
        agents = tuple(AgentId(f"agent-{100 + n}") for n in range(agent_count))
        rich = rng.random() < 0.75
        texts = rng.random() < 0.5
        talk_mean_s = rng.uniform(30.0, 180.0)
        wrap_up_s = rng.uniform(3.0, 40.0)
        # From a quiet night to one and a half times of what the seats can carry, but never more
        # than 60 an hour outside of bursts: simulated hours are to be many.
        carried_per_hour = agent_count * 3600.0 / (talk_mean_s + wrap_up_s)
        return cls(
            settings=DistributorSettings(
                offer_timeout_s=rng.uniform(5.0, 20.0),
                wrap_up_s=wrap_up_s,
                reject_delay_s=rng.uniform(1.0, 20.0),
                no_answer_delay_s=rng.uniform(1.0, 20.0),
                device_failure_delay_s=rng.uniform(1.0, 10.0),
            ),
            agents=agents,
            plan=draw_plan(rng, agents, rich=rich, texts=texts),
            rich=rich,
            arrivals_per_hour=min(60.0, carried_per_hour * rng.uniform(0.1, 1.5)),
            bursts_per_hour=maybe(0.2, 1.0),
            burst_size=rng.randint(3, 30),
            priorities=rng.choice(((5,), (5, 5, 5, 10), (0, 1, 5, 10), tuple(range(11)))),
            talk_mean_s=talk_mean_s,
            patience_mean_s=rng.choice((20.0, 90.0, 600.0)),
            leave_chance=maybe(0.01, 0.1),
            arrival_clock_error_s=maybe(0.1, 5.0),
            text_chance=rng.uniform(0.05, 0.3) if texts else 0.0,
            callback_chance=maybe(0.02, 0.1),
            redial_chance=maybe(0.1, 0.8),
            known_caller_chance=maybe(0.1, 0.5),
            skill_chance=rng.uniform(0.1, 0.6) if rich else 0.0,
            duty_mean_s=rng.uniform(600.0, 7200.0),
            break_mean_s=rng.uniform(60.0, 900.0),
            reject_chance=maybe(0.02, 0.4),
            ignore_chance=maybe(0.02, 0.3),
            early_wrap_up_chance=rng.random(),
            hang_up_at_answer_chance=maybe(0.01, 0.1),
            extend_chance=maybe(0.1, 0.5),
            picks_per_hour=maybe(1.0, 20.0),
            placed_per_hour=maybe(1.0, 10.0),
            removals_per_hour=maybe(0.1, 1.0),
            transfer_chance=maybe(0.05, 0.3),
            invite_chance=maybe(0.05, 0.3),
            hand_over_chance=maybe(0.05, 0.3),
            cut_chance=maybe(0.02, 0.1),
            device_failures_per_hour=maybe(0.2, 4.0),
            own_calls_per_hour=maybe(0.2, 4.0),
            busy_by_own_ring_chance=maybe(0.1, 1.0),
            device_error_chance=maybe(0.02, 0.2),
            duplicate_chance=maybe(0.02, 0.3),
            late_chance=maybe(0.02, 0.2),
            lost_chance=maybe(0.01, 0.1),
            nonsense_per_hour=maybe(1.0, 20.0),
            command_duplicate_chance=maybe(0.02, 0.2),
            plan_changes_per_hour=maybe(0.2, 3.0),
            restarts_per_hour=maybe(0.2, 2.0),
            stalls_per_hour=maybe(0.5, 4.0),
            clock_jumps_per_hour=maybe(0.5, 4.0),
            closings_per_hour=maybe(1.0, 6.0),
            closed_mean_s=rng.uniform(30.0, 300.0),
            browser_phone_chance=rng.uniform(0.1, 0.6),
        )
