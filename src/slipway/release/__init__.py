"""Releases, images, history and what is observed."""
