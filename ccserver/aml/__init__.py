"""Positions that phones send by themselves during an emergency call (ETSI TS 103 625)."""
