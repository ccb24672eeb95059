"""A stand-in for Coolify 4.3.11: its HTTP subset, its deployment algorithm and its traps, on a real Docker engine.

It is written from facts about Coolify's code, shares nothing with the client that talks to it, and imports nothing of
the library: the folder is copied alone into a container image and started as a module. Where it knowingly differs
from Coolify, the list `standin` of the contract table says so.
"""
