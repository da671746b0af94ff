"""Prices in, windows out.

The lowest layer: it knows neither models nor HTTP. In the order in which a price passes through:

=============  ================================================================================
`symbols`      what a symbol may look like, and which exchange its suffix names
`providers/`   where prices come from: one file a vendor behind one protocol
`bars`         the table every provider must deliver, validation, and the quarantine of bad rows
`ingest`       provider -> validate -> store, with progress
`store`        the Delta table: upsert, read by SQL, versions
`adjust`       raw prices x adjustment factor -> backward or forward adjusted
`sessions`     the exchanges' trading days, within known bounds
`features`     columns derived from the past only
`scaling`      MinMax, per window or per series
`windows`      series -> lookback windows and targets, and the way back to prices
`splits`       chronological and rolling-origin splits with a gap
`errors`       the tree of what can go wrong here
=============  ================================================================================
"""
