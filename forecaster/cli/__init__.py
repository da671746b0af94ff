"""The command line: one file a command, found through the entry points `forecaster.commands`.

`main` finds and runs commands, `console` is what they share: settings, errors to exit codes, tables, progress.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a gate or a check.
"""
