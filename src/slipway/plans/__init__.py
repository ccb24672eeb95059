"""One verb per plan, no effects."""
