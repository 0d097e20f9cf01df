# syntax=docker/dockerfile:1
# For amd64 and arm64: docker buildx build --platform linux/amd64,linux/arm64 .
# Both bases are pinned to the index of all platforms. docs/install.md says what is in the image.

# What is compiled is the same on every platform.
FROM --platform=$BUILDPLATFORM node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6 AS build
WORKDIR /build
ENV npm_config_cache=/tmp/npm-cache
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/tmp/npm-cache npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN node scripts/build.ts

FROM node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6 AS packages
WORKDIR /build
# The newest is fine: it only takes names of functions out of two files.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
ENV npm_config_cache=/tmp/npm-cache
COPY package.json package-lock.json .npmrc ./
# No package needs its install script at run time: LanceDB comes as one prebuilt package per platform.
RUN --mount=type=cache,target=/tmp/npm-cache npm ci --omit=dev --ignore-scripts
COPY scripts/trim-modules.ts scripts/
RUN node scripts/trim-modules.ts node_modules && strip --strip-unneeded node_modules/@lancedb/*/*.node /usr/local/bin/node
# The two folders that the daemon writes to are meant to be volumes, and a new volume takes over their owner.
RUN install -d -o 1000 -g 1000 /writable/data /writable/var/lib/segmentd

# The C library, the certificates of the public authorities, and nothing else: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="segmentd" \
      org.opencontainers.image.description="The daemon that keeps LanceDB indexes fresh" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
ENV NODE_ENV=production \
    SEGMENTD_STATE_SCRATCH_DIR=/var/lib/segmentd/scratch \
    SEGMENTD_VERIFY_EVIDENCE_DIR=/var/lib/segmentd/evidence \
    # User 1000 has no entry in /etc/passwd.
    HOME=/var/lib/segmentd
WORKDIR /app
COPY --from=packages /usr/local/bin/node /usr/local/bin/
COPY --from=packages /writable /
# Owned by root: the daemon cannot change its own code. All but the two folders above may be read-only.
COPY --from=packages /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json ./
# What the status page links to.
COPY docs docs
# Printed by `config defaults`.
COPY config/defaults.yaml config/
COPY config/segmentd.yaml /etc/segmentd/segmentd.yaml

# A number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SEGMENTD_HTTP_PORT || 9464}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not npm: signals must reach the daemon itself.
# Young garbage is collected in small pieces, and what the first sweep leaves is given back: half the memory, and no slower (docs/performance.md).
ENTRYPOINT ["node", "--enable-source-maps", "--max-semi-space-size=4", "--expose-gc", "dist/main.js"]
CMD ["run", "-c", "/etc/segmentd/segmentd.yaml"]
