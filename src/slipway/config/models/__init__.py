"""Models: a configuration as documented values, built from a `Config`; `catalogue.py` lists them."""
