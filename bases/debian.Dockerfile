# The root of every base image: Debian 12 with certificates and an init, security updates applied.
ARG PARENT
FROM ${PARENT} AS full
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get upgrade -qy \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy ca-certificates tini \
    && sh /run/bases/adopt /run/bases/machine \
    && sh /run/bases/trim

# One layer: what the upgrade replaced and the trimming removed is gone, not hidden.
FROM scratch
COPY --from=full / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
ENTRYPOINT ["tini", "--"]
CMD ["bash"]
