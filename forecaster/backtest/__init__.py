"""Rolling-origin evaluation: every contestant forecasts the same sessions, fitted anew at the same refits.

::

    entrants                       specs and baselines by name
        │
    prices  folds  contestant      where the bars are, how time is cut, a spec as a forecaster
       └──────┼────────┘
            task                   a contestant forecasts a fold, in any process
         ┌────┼────┐
      kept  alone  orphan          results on disk; a process of its own where one is needed, and its end
         └────┼────┘
         engine, work              processes of this machine, Dask or Ray; what is missing is done, and again
              │
        run, table, facts          the forecasts that all gave, with their outcomes, and what they were made of
              │
           summary                 what they are worth; its own parts are listed there
"""
