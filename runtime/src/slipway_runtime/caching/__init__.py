"""Cache backends that answer without Redis as if it were empty."""
