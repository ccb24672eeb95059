"""Production behaviour for an unchanged Django project: start, health, drain, migrate."""

__version__ = "0.1.0"
