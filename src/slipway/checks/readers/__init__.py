"""Env files and the programs that read them: who reads what, and where those differ."""
