# Semel without what only developers need: no PostgreSQL, no tests. The settings of `semel config`
# are its environment, the words after `semel` its command: docker run … semel service orders
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /semel
COPY . .
# Optional are the Node that npm brings, which the image has, and the PostgreSQL that is embedded.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspace=cli

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /semel
COPY --from=dependencies /semel ./
# Nothing is written but to /tmp: the root of the container may be read-only.
USER node
ENTRYPOINT ["node", "cli/bin/semel.mjs"]
CMD ["--help"]
