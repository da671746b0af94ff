"""The REST service: finished answers from memory, and the reasons where there are none.

===============  ============================================================================
`app`            the factory that puts everything below together
`settings`       where it listens and how often it looks for news
`model_host`     holds the current snapshot; looks for a new model or new prices, builds, swaps
`snapshot`       every symbol's finished answers, made in one batch
`answers`        diagnostics, symbols and manifests -> what clients read
`due`            the sessions whose bars should be there by now
`schemas/`       the shape of the answers; `examples` shows them filled in
`errors`         domain errors -> RFC 9457 problem documents
`routes/`        one file a resource
`dependencies`   what a route gets from the app
`metrics`        Prometheus: requests, the snapshot, refreshes
`logs`           one line a log record
`cli`, `demo`    the commands `forecaster serve` and `forecaster demo`
`web/`           Swagger UI, served from here and from nowhere else
===============  ============================================================================

The serving process imports no tensorflow.
"""
