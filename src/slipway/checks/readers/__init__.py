"""Env files and the programs that read them: who reads what, and where those differ."""

RULES = 6
"""How many ids `issues.py` has: known here too, for a run that remembers the answers and loads none of them."""
