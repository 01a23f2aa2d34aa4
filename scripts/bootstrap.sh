#!/bin/sh
# Installs the project's own dependencies (Node 24 among them) when they are not there, or older than the lock file.
set -eu
cd "$(dirname "$0")/.."
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-fund --no-audit --loglevel=error
fi
