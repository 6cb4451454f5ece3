#!/bin/sh
# Writes the requirements of the images: those parts of requirements.txt that each of them needs, with the same versions
# and hashes. Run it after every change of requirements.txt (tests/unit/test_containers.py notices when it was not).
set -eu
cd "$(dirname "$0")/.."

compile() {
    .venv/bin/uv pip compile -q --universal --python-version 3.13 --constraint requirements.txt --generate-hashes \
        --no-emit-index-url --no-annotate --no-header "$@"
}

compile pyproject.toml -o docker/requirements-airflow.txt
.venv/bin/python -c '
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
print(*project["optional-dependencies"]["services"], sep="\n")
' | compile - -o docker/requirements-gretel.txt
echo setuptools | compile - -o docker/requirements-build.txt
