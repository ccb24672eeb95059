"""Images built, moved and made from packages, with BuildKit through the Docker SDK."""
