# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS build
WORKDIR /build
ENV npm_config_cache=/tmp/npm-cache
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/tmp/npm-cache npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN node scripts/build.ts

FROM node:24-bookworm-slim AS packages
WORKDIR /build
ENV npm_config_cache=/tmp/npm-cache
COPY package.json package-lock.json .npmrc ./
# No package needs its install script at run time: LanceDB comes as one prebuilt package per platform.
RUN --mount=type=cache,target=/tmp/npm-cache npm ci --omit=dev --ignore-scripts
# LanceDB loads these only to compute embeddings. They are more than half of the image.
RUN rm -rf node_modules/@huggingface node_modules/@img node_modules/onnxruntime-* node_modules/sharp

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# Owned by root: the daemon cannot change its own code. The two folders it writes to are meant to be volumes, and a new volume
# takes over their owner; all else may be read-only.
RUN install -d -o 1000 -g 1000 /data /var/lib/segmentd
COPY --from=packages /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json ./
# What the status page links to.
COPY docs docs
# Printed by `config defaults`.
COPY config/defaults.yaml config/
COPY config/segmentd.yaml /etc/segmentd/segmentd.yaml
ENV SEGMENTD_STATE_SCRATCH_DIR=/var/lib/segmentd/scratch
ENV SEGMENTD_VERIFY_EVIDENCE_DIR=/var/lib/segmentd/evidence

# A number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SEGMENTD_HTTP_PORT || 9464}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not npm: signals must reach the daemon itself.
ENTRYPOINT ["node", "--enable-source-maps", "dist/main.js"]
CMD ["run", "-c", "/etc/segmentd/segmentd.yaml"]
