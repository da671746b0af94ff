"""May a challenger become the champion? From evidence to a decision, with the reasons.

=============  =======================================================================================
`thresholds`   what evidence has to show; settings
`evidence`     what is known of a challenger, beside the champion and yesterday's close
`together`     the two versions and yesterday's close on the same sessions, none of which either has seen
`gate`         evidence and thresholds -> a decision: a pure function
=============  =======================================================================================
"""
