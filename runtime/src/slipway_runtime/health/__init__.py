"""Health: `/health/` says that the process answers, `/health/detailed/` what it depends on."""
