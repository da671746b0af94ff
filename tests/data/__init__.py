"""Tests of the data layer; `tables.py` builds the bars that they look at."""
