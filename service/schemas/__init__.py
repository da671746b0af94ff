"""The shape of the answers, one file a resource; `figures` are shared by forecasts and diagnostics.

Numbers are full float64, never rounded. Prices of a forecast are as traded, on the scale of `last_close`. Prices of
diagnostics are adjusted closes on the scale of the last held-out session.
"""
