"""The distributor under simulated callers, call takers, faults and time.

Virtual time, one seed, one process: a run is repeated exactly by its seed and its length. See
`sim.acd.run` for the phases, `sim.acd.oracle` for what is checked, `python -m sim.acd --help`.
"""
