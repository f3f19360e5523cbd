# syntax=docker/dockerfile:1
# `docker build .` makes the image of Pullwright; `docker build --target demo .` that of the demo.

FROM rust:1-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --workspace --bins --example demo \
    && mkdir -p /built/examples \
    && cp target/release/pullwright target/release/forge-sim /built/ \
    && cp target/release/examples/demo /built/examples/

# bubblewrap 0.8 holds the commands; git fetches and pushes.
FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap ca-certificates curl git tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/pullwright pullwright
USER 10001:10001
WORKDIR /var/lib/pullwright
ENTRYPOINT ["tini", "--"]

FROM base AS demo
COPY --from=build /built /opt/pullwright
ENTRYPOINT ["tini", "--", "/opt/pullwright/examples/demo"]

FROM base AS pullwright
COPY --from=build /built/pullwright /usr/local/bin/pullwright
ENV PULLWRIGHT_CONFIG=/etc/pullwright/pullwright.yaml \
    PULLWRIGHT__DATA_DIR=/var/lib/pullwright/data \
    PULLWRIGHT__LISTEN__WEBHOOKS=0.0.0.0:8080
RUN mkdir -p /var/lib/pullwright/data
VOLUME /var/lib/pullwright/data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["tini", "--", "pullwright"]
CMD ["up"]
