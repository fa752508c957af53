# syntax=docker/dockerfile:1
# The command `accepted` with the packages that it needs, built from the sources of this repository. It has no job types: a project is
# mounted into /app, or built on top of it (docs/deployment.md).
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Without the workspace, which is the Node that runs the scripts elsewhere.
RUN npm ci --workspaces=false --no-audit --no-fund
COPY tsconfig.json ./
COPY .config .config
COPY src src
RUN npm run build && mkdir data

FROM ${NODE_IMAGE} AS install
WORKDIR /install
COPY package.json package-lock.json .npmrc ./
RUN npm ci --workspaces=false --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
# A name of the container's network leads to all addresses; without API_KEYS or JWT_ISSUER the start refuses that, unless AUTH=none.
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data/accepted
WORKDIR /app
COPY --from=install /install/node_modules node_modules
COPY --from=build /build/package.json node_modules/accepted/package.json
COPY --from=build /build/dist node_modules/accepted/dist
# All that is written, apart from /tmp: the embedded store.
COPY --from=build --chown=1000:1000 /build/data /data
VOLUME /data
# The image's user `node`, as a number, by which Kubernetes sees that it is not root.
USER 1000:1000
# The API, and the metrics and health checks of a worker.
EXPOSE 4000 9464
# Alive, not ready: a restart does not bring an unavailable store back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1, and ends by SIGTERM as the command does everywhere.
ENTRYPOINT ["node", "node_modules/accepted/dist/main.js"]
CMD ["start"]
