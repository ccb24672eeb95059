"""What a migration needs besides Django's own command: what it will do, who is in its way, and how long it may wait."""
