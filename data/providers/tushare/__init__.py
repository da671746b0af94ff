"""Tushare Pro: daily prices of Chinese A-shares and indices.

=============  ======================================================================================
`provider`     what is missing, and the plan to get it
`wanted`       what is wanted, less what was told before
`plan`         covering that with the fewest calls
`run`          carrying the plan out: going on where a piece fails, saying what did not come
`pages`        one piece as calls; an answer at the row limit is halved and asked again
`quotes`       units, and the factor that belongs to each bar
`told`         one piece as the source tells it: bars, factors, notes
`unanswered`   sessions without a bar: not published, suspended, late, lost or absent
`suspensions`  what suspend_d explains
`gaps`         sessions by symbol and number
`reference`    trading days, listings, members of an index
`client`       one call at a time, with every failure named
`wire`         connections that end in time
`answer`       what a server answered: rows, or an error that names the refusal
`limits`       how many calls a minute and a day
`account`      who calls, where to, and how often
=============  ======================================================================================
"""
