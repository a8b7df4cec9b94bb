#!/bin/bash
# What the entry point of docker.io/library/redis:8 does, and the default that its Redis is built
# with: others may connect without a password, unless --protected-mode yes says otherwise.
set -eu

# Options or a configuration alone are those of the server.
case ${1:-} in -* | *.conf) set -- redis-server "$@" ;; esac
[ "${1:-}" = redis-server ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  chown redis . && exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi

shift
file=()
case ${1:-} in '' | -*) ;; *) file=("$1") && shift ;; esac
exec redis-server "${file[@]}" --protected-mode no "$@"
