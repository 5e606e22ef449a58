"""Benches: `python -m tests.bench NAME [--json]`. One module a bench; see harness.py for how sides are compared."""
