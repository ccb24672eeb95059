# What work on a host needs, so that the host itself needs only Docker: dump and restore, prove, encrypt, compress, ask.
ARG PARENT
FROM ${PARENT}
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy postgresql-client-15 redis-tools age zstd curl \
    && sh /run/bases/trim
LABEL slipway.tools="postgresql-client-15 redis-tools age zstd curl"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin
