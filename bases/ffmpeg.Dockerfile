# ffmpeg for sound: Debian's own source, security fixes included, built without video. The image is one package, which the
# backend's image installs (`backend.ffmpeg: sound`); it is never run itself.
ARG PARENT
FROM ${PARENT} AS built
RUN --mount=type=bind,target=/run/bases \
    --mount=type=cache,id=slipway-apt-lists,sharing=private,target=/var/lib/apt/lists \
    sh /run/bases/adopt /run/bases/machine \
    && sh /run/bases/ffmpeg-sound /package

FROM scratch
COPY --from=built /package/ /package/
# Nothing here can run; an image without any command could not even be looked into.
CMD ["/package/ffmpeg.deb"]
