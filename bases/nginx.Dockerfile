# nginx with the modules that static files and a proxy need. Configuration, user and start belong to the child.
ARG PARENT
FROM ${PARENT}
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && apt-get update -q \
    && nginx="" && { command -v nginx >/dev/null || nginx=nginx-light; } \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy ca-certificates tini $nginx \
    && sh /run/bases/adopt /run/bases/machine \
    && sh /run/bases/trim
ENTRYPOINT ["tini", "--"]
CMD ["nginx", "-g", "daemon off;"]
