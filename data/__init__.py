"""Prices in, windows out.

The lowest layer: it knows neither models nor HTTP. In the order in which a price passes through:

===============  ==============================================================================
`symbols`        what a symbol may look like, and which exchange its suffix names
`universes`      lists of symbols under a name: a file, an index, all
`providers/`     where prices come from: one file or folder a vendor behind one protocol
`parsing`        raw columns -> symbols, days, numbers
`bars`           the table every provider must deliver, validation, and the quarantine of bad rows
`ingest`         provider -> validate -> store, with progress
`coverage`       for each symbol the spans of which the store has what the source had
`store`          bars by symbol and session: upsert, read by SQL, versions, fingerprint
`facts`          what a source says beside prices: calendar, listings, gaps, coverage, members
`delta`          Delta tables with a primary key, under both
`comparing`      which rows are new and which have changed
`lock`           one writer at a time; `holder` says who it is
`upkeep`         compaction and clean-up
`health/`        what is wrong with stored bars
`price_limits`   how far a price may move in a session, by exchange, board and date
`adjust`         raw prices x adjustment factor -> backward or forward adjusted
`sessions`       the exchanges' trading days, within known bounds
`features`       columns derived from the past only
`scaling`        MinMax, per window or per series
`windows`        series -> lookback windows and targets, and the way back to prices
`splits`         chronological and rolling-origin splits with a gap
`clock`          time as something that is passed in
`errors`         the tree of what can go wrong here
===============  ==============================================================================
"""
