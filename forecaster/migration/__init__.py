"""What an earlier version of this program left, brought to what this one reads.

artefact   something that carries a schema, and what is to be done about it
tables     of the store, and the ledger
bundles    of the registry's versions
records    decisions, and records of passes
survey     all of them
"""
