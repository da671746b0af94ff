"""The unattended pass: prices in, yesterday's forecasts scored, a challenger where one is due, forecasts published.

::

    settings.py     what a pass does: the table [retrain]
    due.py          which session's pass is due
    record.py       what is known of a pass: its steps, each with its evidence
    folder.py       the records on disk, and the one writer at a time
    errors.py       what can go wrong with a pass
    place.py        what a step is given, and what it gives back
    order.py        the steps, and what each rests on
    run.py          a pass from its first step, or from where it stands
    performing.py   who performs a step: this process, or a worker under a time limit
    supervised.py   the worker, seen from outside
    worker.py       the worker's process
    wire.py         how these processes talk
    training.py     the training's process
    steps/          one file a step
"""
