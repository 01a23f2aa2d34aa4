#!/bin/sh
# Installs the project's own dependencies (Node 24 among them) when they are not there, or not those of the lock file.
set -eu
cd "$(dirname "$0")/.."
complete='
  const { readFileSync } = require("node:fs");
  const packages = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const installed = packages("node_modules/.package-lock.json");
  const differs = ([path, { version, optional }]) => path && !optional && installed[path]?.version !== version;
  process.exit(Object.entries(packages("package-lock.json")).some(differs) ? 1 : 0);
'
if [ ! -f node_modules/.package-lock.json ] || ! node -e "$complete"; then
  npm ci --no-fund --no-audit --loglevel=error
fi
PATH="$PWD/node_modules/.bin:$PATH"
if ! node -e 'process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)'; then
  echo 'holdfast: there is no Node 24 for this platform among the dependencies; install Node 24 or newer' >&2
  exit 1
fi
