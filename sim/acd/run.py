"""One run: a safety phase under faults, then a liveness phase in which all must be finished.

In the safety phase everything may go wrong, and after every step the oracle and the core's own
invariants must hold. Then faults and arrivals stop and everybody comes to work: every contact
must be answered and ended, and every agent must become idle, within a bounded time.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ccserver.acd.commands import AgentState
from ccserver.acd.core import ACDCore
from sim.acd.controller import Controller, CoreFactory
from sim.acd.profile import Profile
from sim.acd.rules import Mismatch
from sim.acd.world import HOUR_S, World


class SimulationFailed(Exception):
    """The core did what it must not; the text says how to see it again."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run was."""

    seed: int
    hours: float
    steps: int
    counts: Counter[str]
    """Events by name, effects by name, stale events by ``ignored:name:reason``."""
    digest: str | None
    """SHA-256 over all commands in their order, if asked for."""


def simulate(
    seed: int,
    hours: float,
    *,
    make_core: CoreFactory = ACDCore,
    self_check: bool = True,
    digest: bool = False,
    trace: Callable[[str], None] | None = None,
) -> Result:
    """Run one seed; raises `SimulationFailed`. ``self_check`` asks the core's invariants too."""
    rng = Random(seed)
    profile = Profile.draw(rng)
    if trace is not None:
        trace(str(profile))
    controller = Controller(
        profile.settings,
        make_core,
        self_check=self_check,
        digest=digest,
        trace=trace,
        plan=profile.plan,
    )
    world = World(rng, profile, controller)
    try:
        world.begin()
        world.channel.begin()
        _advance(world, until=hours * HOUR_S)
        _drain(world, trace)
        controller.finish()
    except Exception as error:  # Whatever the core raises is a finding.
        raise SimulationFailed(
            f"seed {seed}, step {controller.steps}, {world.time:.3f} s: "
            f"{type(error).__name__}: {error}\n"
            f"replay: python -m sim.acd --seed {seed} --hours {hours:g} --trace"
        ) from error
    return Result(
        seed=seed,
        hours=hours,
        steps=controller.steps,
        counts=controller.counts,
        digest=controller.digest.hexdigest() if controller.digest is not None else None,
    )


def _advance(world: World, *, until: float) -> None:
    """Let the world and the core's timer go on, whichever is next."""
    while True:
        happens = world.next_time()
        timer = world.channel.timer_time()
        time = min((x for x in (happens, timer) if x is not None), default=until)
        if time >= until:
            world.time = until
            return
        if timer is not None and (happens is None or timer <= happens):
            world.channel.timer(timer)
        else:
            world.step()


def _drain(world: World, trace: Callable[[str], None] | None) -> None:
    """Stop all faults; everything that is open must come to its end."""
    if trace is not None:
        trace(f"calm from now on, {len(world.citizens)} callers")
    world.become_calm()
    # Everybody waits at most for all others, each taking at most the longest conversation, a
    # wrap-up, an answer and a failed offer; the lost is found and the parachute ends in 200 s.
    each_s = 1200.0 + 100.0
    bound_s = 400.0 + each_s * (2 + len(world.citizens) / len(world.takers))
    _advance(world, until=world.time + bound_s)
    core = world.controller.core
    if world.citizens:
        raise Mismatch(f"never answered: {list(world.citizens)}")
    if views := core.contact_views():
        raise Mismatch(f"still held: {views}")
    if busy := [view for view in core.agent_views() if view.state is not AgentState.IDLE]:
        raise Mismatch(f"not idle at the end: {busy}")
    if core.next_deadline() is not None:
        raise Mismatch("a deadline without a wait")
