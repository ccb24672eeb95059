"""Config: everything known before acting."""
