"""Identity resolution as people use it: its steps, what a decision would change, and the evidence.

Everything here works on a connection that somebody else opened; nothing imports Dagster.
"""
