"""A stand-in for the Tushare Pro server: its documented protocol over a real socket, with its limits and its faults.

::

    market = random_market(symbols=20, first=date(2020, 1, 1), last=date(2024, 12, 31), seed=7)
    with TushareServer(market, clock=SimulatedClock(start)) as server:
        server.per_minute = 200
        server.misbehave(status(502), times=2, api="daily")
        ...  # a client calls server.url
        assert server.worst_minute() <= 200

By hand: `python -m tests.tushare_server` prints its address and serves until it is stopped.

==============  ==========================================================================
`server`        TushareServer: start, close, settings, what was called
`connections`   HTTP and its threads
`market`        Market: what there is to serve, how it changes; `random_market` makes one
`generator`     the random tables behind `random_market`
`walks`         their prices: dividends, suspensions, price limits
`interfaces`    what each interface takes and answers
`tables`        one table of the market, indexed to answer in milliseconds
`limits`        points, calls a minute, an hour and a day
`faults`        misbehaviour, one factory each
`wire`          what a fault sees of a call, and the queue that faults wait in
`clock`         SimulatedClock: sleeps without waiting
`small`         a market small enough to know by heart
`asking`        plain clients for the server's own tests
==============  ==========================================================================
"""
