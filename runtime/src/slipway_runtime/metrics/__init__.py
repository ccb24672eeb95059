"""Metrics for Prometheus at `/metrics`. `meters` has what a web process counts, `shared` what no single one does."""
