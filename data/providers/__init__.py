"""Where prices come from: one file a vendor, behind the protocol in `base`.

`catalogue` lists them by the name that a user gives to `--provider`.
"""
