"""The REST service: finished answers from memory, and the reasons where there are none.

=================  ==========================================================================
`app`              the factory that puts everything below together
`settings`         where it listens, who may ask, and how much of anything it takes
`protocol`         HTTP connections: late, long and too many requests end here
`ending`           the end of a server, after who got through to it was answered
`front`            every request: an id, safe headers, counts, the access log
`auth`, `access`   API keys, and which requests need one
`rate`, `body`     how often one may ask, and with how large a body; `buckets` counts
`refusals`         what is refused for being too much, `refused` how often that was
`model_host`       holds the current snapshot; looks for news, has it made, swaps
`loaded`           a model version: verified, and asked once
`memory`           gives what was freed back to the system
`snapshot`         every symbol's finished forecast; `building` makes it, in `builder`'s process
`ready`            an answer as bytes: validator, language, encoding
`lookup`           routes whose answer lies ready; `packing` compresses other answers
`working`          answers that have to be worked out: so many at a time, for so long
`diagnoses`        diagnostics, made when somebody asks; `live` is their part of what was published
`asked/`           forecasts that do not lie ready: many at once, of the caller's own bars, of the past
`oip/`             the Open Inference Protocol, version 2
`jobs/`            trainings beside the service
`answers`          diagnostics, symbols and manifests -> what clients read
`due`              the sessions whose bars should be there by now
`schemas/`         the shape of the answers; `examples` shows them filled in
`errors`           domain errors -> RFC 9457 problem documents
`routes/`          one file a resource
`dependencies`     what a route gets from the app
`metrics`          Prometheus: requests, the snapshot, refreshes
`logs`             one line a log record
`workers`          what each process of several runs
`cli`, `keys_cli`  the commands `forecaster serve` and `forecaster keys`; `demo` is `forecaster demo`
`web/`             the dashboard and Swagger UI, served from here and from nowhere else
=================  ==========================================================================

The serving process imports no tensorflow.
"""
