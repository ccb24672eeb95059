"""Layers around the project's views, for synchronous and asynchronous servers alike."""
