"""Parsers under a coverage-guided fuzzer; see docs/how-to/fuzz.md."""
