#!/bin/bash
# Print TensorFlow Serving's ssl.config, which contains the PEM texts themselves:
#
#   deployment/tls/ssl-config.sh server.key server.crt > ssl.config               TLS
#   deployment/tls/ssl-config.sh server.key server.crt clients-ca.crt > ssl.config   mutual TLS
#
# The output contains the private key, so protect it from other users (umask 077).
set -euo pipefail

if (($# < 2 || $# > 3)); then
    echo "usage: $0 SERVER_KEY SERVER_CERT [CLIENTS_CA]" >&2
    exit 2
fi
for file in "$@"; do
    if ! grep -q -e '-----BEGIN ' "$file"; then
        echo "$file is no PEM file: convert it with openssl" >&2
        exit 1
    fi
done

field() {
    echo "$1:"
    sed -e 's/\r$//' -e 's/.*/  "&\\n"/' "$2"
}

field server_key "$1"
field server_cert "$2"
if (($# == 3)); then
    field custom_ca "$3"
    echo "client_verify: true"
fi
