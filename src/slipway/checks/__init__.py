"""Rules that look before anything acts."""
