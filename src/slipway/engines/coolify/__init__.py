"""Coolify, driven over its API and never trusted."""
