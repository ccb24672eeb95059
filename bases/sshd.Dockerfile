# A host as production has one: sshd (keys only) and the docker program, which talks to the engine whose socket is mounted.
ARG PARENT
FROM ${PARENT} AS client
WORKDIR /tmp
# The package brings the engine too; only the program is wanted.
RUN --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    apt-get update -q && apt-get download -q docker.io && dpkg -x docker.io_*.deb /tmp/docker

FROM ${PARENT}
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy openssh-server \
    # Host keys made here would be the same in every container.
    && rm -f /etc/ssh/ssh_host_* \
    && install -d -m 0755 /etc/ssh/keys /run/sshd \
    && install -d -m 0700 /root/.ssh \
    && install -m 0644 /run/bases/sshd.conf /etc/ssh/sshd_config \
    && install -m 0755 /run/bases/sshd-entrypoint /usr/local/bin/docker-entrypoint.sh \
    && sh /run/bases/trim
COPY --from=client /tmp/docker/usr/bin/docker /usr/bin/docker
EXPOSE 22
ENTRYPOINT ["tini", "--", "docker-entrypoint.sh"]
CMD ["/usr/sbin/sshd", "-D", "-e"]
