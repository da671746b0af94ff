"""Tushare Pro: daily prices of Chinese A-shares and indices.

=============  ======================================================================================
`provider`     what is missing, and the plan to get it
`wanted`       what is wanted, less what was told before
`plan`         covering that with the fewest calls
`run`          carrying the plan out: going on where a piece fails, saying what did not come
`pages`        one piece as calls; an answer at the row limit is halved and asked again
`quotes`       units, and the factor that belongs to each bar
`gaps`         sessions without a bar, and why
`reference`    trading days, listings, members of an index
`client`       one call at a time, with every failure named
`wire`         connections that end in time
`answer`       what a server answered: rows, or an error that names the refusal
`limits`       how many calls a minute and a day
`account`      who calls, where to, and how often
=============  ======================================================================================
"""
