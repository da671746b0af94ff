#!/bin/sh
# Writes the pinned requirements from pyproject.toml, for every supported Python and platform at once.
set -eu
cd "$(dirname "$0")/.."

compile() {
  output=$1
  shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command "make requirements" --output-file "requirements/$output.txt" "$@"
}

printf 'hatchling\neditables\n' > requirements/.build.in
trap 'rm -f requirements/.build.in requirements/.mlflow.constraints' EXIT
compile build requirements/.build.in
compile serve pyproject.toml
compile train pyproject.toml --extra train --extra sample --extra tushare
compile dev pyproject.toml --extra train --extra sample --extra tushare --extra dask --extra ray --extra dev
# The registry's server: of the release that its clients are, and by itself, since it holds back other packages.
grep '^mlflow-skinny==' requirements/serve.txt | cut -d ' ' -f 1 > requirements/.mlflow.constraints
compile mlflow requirements/mlflow.in --constraint requirements/.mlflow.constraints
