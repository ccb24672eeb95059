# Redis 7 as broker, cache and channel layer; data in /data, options on the command line.
ARG PARENT
FROM ${PARENT}
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && apt-get update -q \
    && redis="" && { command -v redis-server >/dev/null || redis=redis-server; } \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy ca-certificates tini $redis \
    && install -d -o redis -g redis -m 0750 /data \
    && install -m 0755 /run/bases/redis-entrypoint /usr/local/bin/docker-entrypoint.sh \
    && sh /run/bases/adopt /run/bases/machine \
    && sh /run/bases/trim
USER redis
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
