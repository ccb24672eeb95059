"""Python sources, read with `ast`: nothing is imported and nothing runs."""
