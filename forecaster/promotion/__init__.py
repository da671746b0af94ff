"""May a challenger become the champion? From evidence to a decision, with the reasons.

=============  =======================================================================================
`thresholds`   what evidence has to show; settings
`evidence`     what is known of a challenger, beside the champion and yesterday's close
`itself`       what it shows by itself: its files, its export, its speed
`together`     the two versions and yesterday's close on the same sessions, none of which either has seen
`gate`         evidence and thresholds -> a decision: a pure function
`weighing`     all of it for one challenger, the decision kept
`decisions`    every decision, one file each
`asked`        a promotion that somebody asks for, by the decision about it or by force
`errors`       why a version may not serve
=============  =======================================================================================
"""
