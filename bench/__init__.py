"""Measurements of a running server, from outside: `python -m bench --help`; docs/benchmarks.md has figures."""
