"""Rules for built images: pure functions over what was seen, by subject."""
