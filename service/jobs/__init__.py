"""Trainings that are started over REST: each in processes of its own, one at a time for all who share a home.

::

    FORECASTER_HOME/jobs/
        ID.json     what is known of a job, replaced as a whole
        ID.log      what its process printed
        .lock       held by the processes of the job that runs

===========  ==================================================================================
`record`     what is known of a job
`folder`     the folder: jobs as they were written, and whether the one that runs still does
`request`    what may be asked for, checked
`jobs`       start one, list them
`runner`     the process that runs the training, and writes down how it ends
`log`        what the log tells: how far it is, its result, its last lines without paths
`errors`     what can go wrong
===========  ==================================================================================

A job belongs to no service process. The service may end, by a restart or an update, and the training goes on; whoever
serves from the same home next shows it. The lock is the kernel's and ends with the processes that hold it, so a job
that says it runs while nobody holds the lock is lost. A training that was lost goes on from its checkpoint when it is
started again.
"""
