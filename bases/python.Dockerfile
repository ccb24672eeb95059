# Python 3.11 with venv, and libpq for PostgreSQL drivers. No compiler: that belongs into a build stage.
ARG PARENT
FROM ${PARENT}
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && apt-get update -q \
    && python="" \
    && { python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || python="python3 python3-venv"; } \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy ca-certificates tini libpq5 $python \
    && { command -v python >/dev/null || ln -s python3 /usr/bin/python; } \
    && find / -xdev -name __pycache__ -prune -exec rm -rf {} + \
    && sh /run/bases/adopt /run/bases/machine \
    && sh /run/bases/trim
# .pyc files are written when a venv is made, by who makes it; a running service never writes into its image.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENTRYPOINT ["tini", "--"]
CMD ["python3"]
