"""Windows in, models and evidence out.

==============  ============================================================================
`spec`          what a model is and how it is trained: frozen, validated, hashed
`networks/`     the Keras stacks, and their export to fused ONNX        (training only)
`training/`     windows + spec -> a trained network                     (training only)
`runtime`       the exported network on ONNX Runtime
`calibration`   quantiles from what the network missed on newer data
`model`         everything that turns bars into forecasts: spec, scaling, network, calibration
`forecast`      what a forecast is, and the Predictor protocol
`diagnostics/`  how wrong, how late, how significant, how well covered: pure functions
`evidence`      the held-out forecasts of a model
`drift`         whether a model still sees what it was trained on, and is still as good
`baselines/`    what a model has to beat: last close, drift, EWMA, GARCH, ETS
`backtest/`     models and baselines, fitted again and again on what was known then
`leakcheck/`    whether anything that a forecast rests on looks ahead
`ledger/`       every published forecast, and its outcome when it is known
`promotion/`    may a challenger become the champion: from evidence to a decision
`pipeline/`     the unattended pass: fetch, score, retrain where due, publish
`sources`       where prices come from, as settings and callers say
`bundle`        a model version on disk: write, verify, read
`registry`      versions and aliases, in MLflow
`experiment`    one run from the store to a registered version
`per_symbol`    a network for each symbol; `spread` has several trained at a time, also on a cluster
`migration/`    what an earlier version of this program left, brought to what this one reads
`report/`       pages with pictures of the evidence
`answer`        a forecast as an answer, for the command line and the service
`settings`      where things are
`cli/`          the command line: one file a command
`errors`        the tree of what can go wrong here
==============  ============================================================================
"""
