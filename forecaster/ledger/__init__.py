"""The live record: forecasts are written down before their session opens, never rewritten, and judged as prices come.

::

    errors.py       what can go wrong with a ledger
    table.py        the ledger: an append-only Delta table, one row a forecast and step
    publishing.py   which forecasts may still be published; writes those
    publication.py  a version's forecasts from the newest prices, published: for the command and for a pass
    outcomes.py     published forecasts beside what came, in the form of a bundle's evidence
    live.py         the diagnostics since the first publication, never pooled with a held-out span
"""
