"""A host reached by SSH: its shell, its Docker engine, its state."""
