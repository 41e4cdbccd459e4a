"""The automatic call distributor: a pure state machine (no clock, no I/O, no await)."""
