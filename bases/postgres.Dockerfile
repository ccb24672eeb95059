# PostgreSQL 15 with the environment contract of the well-known image: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA.
ARG PARENT
FROM ${PARENT}
# No cluster at installation: the entrypoint makes it in the volume. The JIT and its LLVM are 160 MB that short queries
# never use; without its library the server runs on as if jit were off.
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && apt-get update -q \
    && mkdir -p /etc/postgresql-common \
    && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
    && postgres="" && { [ -x /usr/lib/postgresql/15/bin/postgres ] || postgres=postgresql-15; } \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy ca-certificates tini $postgres \
    && rm -rf /usr/lib/postgresql/15/lib/bitcode /usr/lib/postgresql/15/lib/llvmjit* \
        /usr/lib/*/libLLVM* /usr/lib/llvm-* /usr/lib/*/libz3.so* /etc/ssl/private/ssl-cert-snakeoil.key \
    && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data \
    && install -d -o postgres -g postgres -m 2775 /run/postgresql \
    && install -m 0755 /run/bases/postgres-entrypoint /usr/local/bin/docker-entrypoint.sh \
    && sh /run/bases/adopt /run/bases/machine \
    && sh /run/bases/trim
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PGDATA=/var/lib/postgresql/data
USER postgres
VOLUME /var/lib/postgresql/data
EXPOSE 5432
# SIGINT is the fast shutdown: sessions are ended, the data is written. SIGTERM would wait for every client to leave.
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
