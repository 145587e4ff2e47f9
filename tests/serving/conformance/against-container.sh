#!/usr/bin/env bash
# The conformance suite against a server that is not `ser serve`: `make conformance`.
#
#   against-container.sh              builds the production image, starts it with the suite's models, asks, removes it
#   against-container.sh HOST:PORT    asks a server that is running; it serves the models that
#                                     `python -m tests.serving.conformance.repository FOLDER` writes.
#                                     REST_SERVER=HOST:PORT is its REST, HOST:8501 by default
set -euo pipefail
cd "$(dirname "$0")/../../.."
python=${BIN:-.venv/bin}/python

ask() {
    "$python" -m pytest tests/serving/conformance --server "$1" ${REST_SERVER:+--rest-server "$REST_SERVER"}
}

if (($# > 0)); then
    ask "$1"
    exit
fi
if ! docker info > /dev/null 2>&1; then
    echo "no Docker engine answers: start one, or name a server with make conformance SERVER=HOST:PORT" >&2
    exit 1
fi
models=$(mktemp -d)
container=""
remove() {
    [[ -z $container ]] || docker rm --force "$container" > /dev/null
    rm -rf "$models"
}
trap remove EXIT

"$python" -m tests.serving.conformance.repository "$models"
chmod -R a+rX "$models"
docker build --file Dockerfile.serving --target server --tag ser-server deployment
container=$(docker run --detach --read-only --tmpfs /tmp --cap-drop ALL \
    --publish 127.0.0.1:8500:8500 --publish 127.0.0.1:8501:8501 --volume "$models:/models:ro" ser-server)
for _ in $(seq 120); do
    if docker exec "$container" model-status > /dev/null; then
        ask localhost:8500
        exit
    fi
    sleep 1
done
docker logs "$container" >&2
echo "the models were not available within two minutes; the container's output is above" >&2
exit 1
