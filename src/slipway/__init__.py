"""Slipway: a Django and Vite monorepo from source to a running, proved release on a Coolify host."""

__version__ = "0.1.0"
