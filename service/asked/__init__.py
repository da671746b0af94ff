"""Forecasts that are not looked up but put together or worked out when somebody asks. Knows no HTTP.

=============  ==============================================================
`reading`      a request's body -> what is asked for, checked
`batch`        many symbols: ready answers, put together
`own_bars`     the caller's own bars, never stored
`as_of`        what the model says with the bars up to a day
`errors`       why there may be no answer
=============  ==============================================================
"""
