"""What a model has to beat: forecasters without a network, one a file.

==============  ======================================================================================
`protocol`      what every forecaster gets (a fold) and gives (a table of quantiles)
`series`        the bars of one symbol with the places of its origins, and tables made of them
`naive`         last close, spread as the symbol's own returns were lately
`drift`         the same, moved by the historical mean return
`ewma`          exponentially weighted volatility
`garch`         GARCH(1,1) with Student-t innovations                                       (by `arch`)
`ets`           exponential smoothing in state-space form                            (by `statsmodels`)
`registered`    all of them by name
==============  ======================================================================================
"""
