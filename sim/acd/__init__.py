"""The distributor under simulated callers, call takers, faults and time.

Virtual time, one seed, one process: a run is repeated exactly by its seed and its length. See
`sim.acd.run` for the phases, `python -m sim.acd --help` for the command.

The truth is in `world` (callers, phones, time), `duty` (call takers), `talks` (conversations),
`people` and `plans`; what goes wrong on the way to the core, and at its restart, in `channel` and
`snapshot`. What the core must do is in `oracle` and `seats` (what events mean), `checks` (whether
the answer is right), `rules` (who may get whom) and `beliefs`. `watch` asks the simplest question:
is the core's picture true, sooner or later?
"""
