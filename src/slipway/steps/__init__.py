"""One act per step."""
