"""A year without people: the scheduler and its passes under a clock of their own, beside a vendor that misbehaves.

::

    clock.py      the year's clock, which may show another time than it is; and a process's own
    market.py     the prices of the year, and the vendor that serves what exists by now
    plan.py       what befalls which session
    house.py      the settings of a home
    passing.py    one pass as a process that can be killed
    rival.py      a scheduler as a process that can be killed
    program.py    begins the passes of the year: here, or as processes that are killed in a step
    notes.py      what whoever stands outside saw
    world.py      clock, vendor and schedulers, and what is to happen to them
    faults.py     what the plan says, as events of the world
    running.py    the year, driven; as a process
    disk.py       what is on disk, read by other means than the product's
    shown.py      what a year has shown of one promise
    promises.py   what has to hold of one year
    twins.py      what has to be the same in a year with faults and in one without
"""
