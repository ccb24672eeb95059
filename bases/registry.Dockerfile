# An image registry for rehearsals and tests (Docker Distribution 2.8).
ARG PARENT
FROM ${PARENT}
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy docker-registry \
    && install -m 0644 /run/bases/registry.yml /etc/docker/registry/config.yml \
    && install -d -o docker-registry -g docker-registry -m 0750 /var/lib/registry \
    && sh /run/bases/trim
USER docker-registry
VOLUME /var/lib/registry
EXPOSE 5000
ENTRYPOINT ["docker-registry"]
CMD ["serve", "/etc/docker/registry/config.yml"]
