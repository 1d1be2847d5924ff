# Three stages: the snippet (Node.js), the server that embeds it (Rust), and an image with nothing but that one binary.
#   docker build -t freshwire .

FROM node:22.20.0-bookworm-slim AS client
WORKDIR /src/client-js
COPY client-js/package.json client-js/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY client-js ./
RUN npm run --silent build

# The version that rust-toolchain.toml names; the image has it, so that nothing else is fetched.
FROM rust:1.95.0-slim-bookworm AS server
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
# Cargo wants to see the whole workspace, though only the server is built.
COPY bench bench
COPY examples/pages examples/pages
COPY server server
COPY tests tests
COPY --from=client /src/client-js/dist/served client-js/dist/served
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p freshwire && cp target/release/freshwire /freshwire

FROM debian:12.12-slim
# For probes of https origins, and a NATS with a public certificate.
COPY --from=server /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=server /freshwire /usr/local/bin/freshwire
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin freshwire \
    && install --directory --owner=freshwire --mode=0700 /data
USER 10001
VOLUME /data
ENV FRESHWIRE_LISTEN=0.0.0.0:3774 \
    FRESHWIRE_OPS_LISTEN=0.0.0.0:3775 \
    FRESHWIRE_DATA=/data \
    FRESHWIRE_URL=http://127.0.0.1:3775
# Pages; and operators, whom a balancer should let in from inside only.
EXPOSE 3774 3775
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=2 CMD ["freshwire", "health"]
ENTRYPOINT ["freshwire"]
CMD ["serve"]
