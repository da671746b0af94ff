"""The embedded scheduler: runs the unattended pass after each trading day's close.

due       which session's pass is to be run now, and when the next one will be
market    the exchanges that count, and their sessions
memory    what was done, as a file
owner     one scheduler at a time, and the lock of the pass that runs
passes    the pass as a process
loop      all of that, again and again
build     all of it put together
voice     what the scheduler says of itself
waiting   a clock whose sleep ends when the process is told to end
cli       `forecaster schedule`

Settings and heartbeat are in `forecaster.schedule_settings` and `forecaster.heartbeat`, where doctor finds them, too.
"""
