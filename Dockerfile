# `docker build .` makes the image of Pullwright; `docker build --target demo .` that of the demo.

# An image that has the programs in /built; unless it is given, they are built here.
ARG PROGRAMS=build

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /source
COPY . .
# Both caches stay on the machine that builds: dependencies are compiled once.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --workspace --bins --example demo \
    && mkdir -p /built/examples \
    && cp target/release/pullwright target/release/forge-sim /built/ \
    && cp target/release/examples/demo /built/examples/

FROM ${PROGRAMS} AS programs

# bubblewrap holds the commands, git fetches and pushes, curl asks for health.
FROM debian:12.15-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap ca-certificates curl git tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/pullwright pullwright
USER 10001:10001
WORKDIR /var/lib/pullwright
# A volume that is mounted here is the user's from the start.
RUN mkdir data
ENTRYPOINT ["tini", "--"]

FROM base AS demo
COPY --from=programs /built /opt/pullwright
ENTRYPOINT ["tini", "--", "/opt/pullwright/examples/demo"]

FROM base AS pullwright
COPY --from=programs /built/pullwright /usr/local/bin/pullwright
ENV PULLWRIGHT_CONFIG=/etc/pullwright/pullwright.yaml \
    PULLWRIGHT__DATA_DIR=/var/lib/pullwright/data \
    PULLWRIGHT__LISTEN__WEBHOOKS=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=5 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["tini", "--", "pullwright"]
CMD ["up"]
