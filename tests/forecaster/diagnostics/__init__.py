"""Tests of the diagnostics; `records.py` builds what they look at."""
