"""Are stored bars whole, recent and plausible? Bars and facts in, findings out, nothing repaired.

====================  ==============================================================================================
kind                  what was found
====================  ==============================================================================================
`out_of_session`      bars on days on which the exchange did not trade
`half_finished`       bars of sessions that are not over, or not yet published
`stale`               the last bar is older than the last session that is due
`gap`                 sessions between a symbol's first and last bar without one
`beyond_price_limit`  a price that the exchange did not allow (see `data.price_limits`)
`factor_jump`         the adjustment factor changes, and the price shows no ex-date
====================  ==============================================================================================

A `problem` is wrong as far as the facts go; a `note` may have a good reason that the facts do not tell.

In the order in which bars pass through; only `store_check` reads anything, the others are pure:

=============  =====================================================================================
`store_check`  a whole store, some symbols at a time
`check`        bars -> findings
`blocks`       the bars of some symbols of one exchange, as arrays
`days`         bars that should not be there yet or at all, and last bars that are late
`gaps`         sessions without a bar in between
`moves`        each bar against the one before: the factor's step, and what the exchange allowed
`limits`       prices beyond the limit
`factors`      factors that change without an ex-date
`findings`     what a finding is
=============  =====================================================================================
"""
