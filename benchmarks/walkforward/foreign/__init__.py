"""Forecasters that run in an interpreter of their own: they import nothing of the project but `exchange`.

Each is a module that is run with a folder as its argument; see `exchange` for what lies in it.
"""
