# Semel in containers: an image for each service, which runs that one process, and `cli`, which has
# them all and the operator's commands. None has a PostgreSQL, tests, or what only developers need.
#
#   docker build --target orders -t semel/orders:0.1.0 .
#   docker build -t semel/cli:0.1.0 .          docker run semel/cli:0.1.0 migrate orders
#
# What configures a process is its environment (docs/configuration.md). It runs as user 1000 and
# writes nothing: the root may be read-only. No shell takes part once an image is built.
ARG NODE_IMAGE=node:24-slim

# What npm reads, and nothing else: as long as it stays, so does the layer of dependencies.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /semel
COPY . .
RUN find . -type f ! -name 'package*.json' ! -name .npmrc -delete && find . -type d -empty -delete

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /semel
COPY --from=manifests /semel ./
# Optional are the Node that npm brings, which the image has, and the PostgreSQL that is embedded.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspace=cli --no-audit \
    && rm package-lock.json .npmrc node_modules/.package-lock.json

FROM ${NODE_IMAGE} AS process
ARG VERSION=0.1.0
ARG SOURCE=""
LABEL org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.source=${SOURCE} \
      org.opencontainers.image.licenses=MIT
# What compiling finds is kept in the image: a process starts a third sooner.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/semel/.compiled
WORKDIR /semel
COPY --from=dependencies /semel ./
COPY LICENSE ./
COPY contracts contracts
COPY packages packages
RUN install -d -o 1000 -g 1000 .compiled
USER 1000:1000

# Each process is started once, without a configuration: it loads all that it is, and says so (2).
FROM process AS orders
LABEL org.opencontainers.image.title=semel-orders \
      org.opencontainers.image.description="Orders: placed, updated, cancelled, once"
COPY services/orders services/orders
RUN node services/orders/src/main.ts || [ $? -eq 2 ]
ENTRYPOINT ["node", "--import", "@semel/runtime/early-signals", "services/orders/src/main.ts"]

FROM process AS billing
LABEL org.opencontainers.image.title=semel-billing \
      org.opencontainers.image.description="Accounts, deposits, and orders charged once"
COPY services/billing services/billing
RUN node services/billing/src/main.ts || [ $? -eq 2 ]
ENTRYPOINT ["node", "--import", "@semel/runtime/early-signals", "services/billing/src/main.ts"]

FROM process AS notifications
LABEL org.opencontainers.image.title=semel-notifications \
      org.opencontainers.image.description="What users are told about their orders"
COPY services/notifications services/notifications
RUN node services/notifications/src/main.ts || [ $? -eq 2 ]
ENTRYPOINT ["node", "--import", "@semel/runtime/early-signals", "services/notifications/src/main.ts"]

FROM process AS messages
LABEL org.opencontainers.image.title=semel-messages \
      org.opencontainers.image.description="The registry: what was asked, and how it ended"
COPY services/messages services/messages
RUN node services/messages/src/main.ts || [ $? -eq 2 ]
ENTRYPOINT ["node", "--import", "@semel/runtime/early-signals", "services/messages/src/main.ts"]

FROM process AS gateway
LABEL org.opencontainers.image.title=semel-gateway \
      org.opencontainers.image.description="The door: every contract, passed on to its service"
COPY services/gateway services/gateway
RUN PORT=none node services/gateway/src/main.ts || [ $? -eq 2 ]
ENTRYPOINT ["node", "--import", "@semel/runtime/early-signals", "services/gateway/src/main.ts"]

FROM process AS cli
LABEL org.opencontainers.image.title=semel-cli \
      org.opencontainers.image.description="semel: migrations, topics, and every service"
COPY services services
COPY cli cli
RUN for service in orders billing notifications messages gateway; do \
      PORT=none node cli/bin/semel.mjs service $service || [ $? -eq 2 ] || exit 1; done \
    && node cli/bin/semel.mjs migrate || [ $? -eq 2 ]
ENTRYPOINT ["node", "cli/bin/semel.mjs"]
CMD ["--help"]
