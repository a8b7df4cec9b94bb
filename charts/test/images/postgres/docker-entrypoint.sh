#!/bin/bash
# What the entry point of docker.io/library/postgres:18 does, as far as charts/postgres uses it: makes
# the data at the first start, with a user, a database and what /docker-entrypoint-initdb.d has.
set -euo pipefail

# Options alone are those of the server.
case ${1:-} in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres "$PGDATA" /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

# from_file VARIABLE DEFAULT: its value, or what is in the file that VARIABLE_FILE names
from_file() {
  local file=$1_FILE
  if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
    echo "error: both $1 and $file are set" >&2
    return 1
  fi
  if [ -n "${!file:-}" ]; then cat "${!file}"; else printf %s "${!1:-$2}"; fi
}

make_data() {
  POSTGRES_PASSWORD=$(from_file POSTGRES_PASSWORD '')
  POSTGRES_USER=$(from_file POSTGRES_USER postgres)
  POSTGRES_DB=$(from_file POSTGRES_DB "$POSTGRES_USER")
  export POSTGRES_USER POSTGRES_DB PGPASSWORD=$POSTGRES_PASSWORD
  if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo 'error: database is uninitialized and POSTGRES_PASSWORD is not set' >&2
    exit 1
  fi
  # shellcheck disable=SC2086  # arguments are words
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    ${POSTGRES_INITDB_ARGS:-}
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"

  # Nobody else is let in before all is there.
  pg_ctl -w -o "-c listen_addresses=''" start
  local psql=(psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --no-password)
  if [ "$POSTGRES_DB" != postgres ]; then
    "${psql[@]}" --dbname postgres --set db="$POSTGRES_DB" <<<'create database :"db"'
  fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) "${psql[@]}" --dbname "$POSTGRES_DB" -f "$file" ;;
    esac
  done
  pg_ctl -w -m fast stop
  unset PGPASSWORD
}

mkdir -p "$PGDATA"
chmod 700 "$PGDATA" 2>/dev/null || true
[ -s "$PGDATA/PG_VERSION" ] || make_data
exec "$@"
