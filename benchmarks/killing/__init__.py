"""The program, killed again and again in one home, and what has to hold of that home.

::

    place.py        the home, the vendor of its prices, and a command's environment
    clocked/        on the path of a command: the day that its clock shows
    command.py      a command as a process: killed with all that it has started, or let be
    nursery.py      where commands are forked that have nothing to import any more
    aims.py         at which moment it is killed
    disk.py         what is on disk, read by other means than the product's
    known.py        what was acknowledged
    promises.py     what has to hold at any moment, and when a command is done
    work.py         a command that is given until it is done
    fetching.py     prices of new sessions
    training.py     one more version, trained
    registering.py  one more version, of a bundle that is there
    registers.py    the registration as a process
    promoting.py    another champion, or the one before
    publishing.py   forecasts of the next session, alone and by a whole pass
    ending.py       what is listed, and what is left when it is cleaned away
    cleans.py       the cleaning as a process
    trials.py       all of it, in turns
"""
