#!/usr/bin/env bash
# Builds the image of the pair, localhost/ilslab:dev, without a base image and without a network: a static binary made
# on this machine, and the last stage of the Dockerfile.
#
#   scripts/image.sh                 the image
#   scripts/image.sh --stage DIR     only what goes into it, in DIR/bin and DIR/state; the Dockerfile uses this
#
# ILSLAB_IMAGE          another name than localhost/ilslab:dev
# ILSLAB_IMAGE_BINARY   a static `ilslab` that exists already; nothing is compiled then
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

# A binary that needs no library: with --target, the flags do not reach build scripts and macros, which cannot be static.
binary() {
    if [ -n "${ILSLAB_IMAGE_BINARY:-}" ]; then
        printf '%s\n' "$ILSLAB_IMAGE_BINARY"
        return
    fi
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$host" --bin ilslab >&2
    printf '%s/%s/release/ilslab\n' "${CARGO_TARGET_DIR:-target}" "$host"
}

# One program under three names, and the mount points of the volumes: a fresh volume takes their owner and mode over.
stage() {
    local built
    built=$(binary)
    if ldd "$built" 2>/dev/null | grep -q '=>'; then
        echo "failed to build the image: $built is not a static binary, and the image has no libraries" >&2
        exit 3
    fi
    mkdir -p "$1/bin" "$1/state"
    install -m 755 "$built" "$1/bin/ilslab"
    ln -sf ilslab "$1/bin/ils-hub"
    ln -sf ilslab "$1/bin/ils-spoke"
    mkdir -p -m 700 "$1/state/hub" "$1/state/spoke" "$1/state/lab"
}

if [ "${1:-}" = --stage ]; then
    stage "${2:?the folder to stage in}"
    exit
fi

image=${ILSLAB_IMAGE:-localhost/ilslab:dev}
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
stage "$context/image"
sed -n '/^FROM scratch/,$p' Dockerfile | sed 's/ --from=build / /' >"$context/Dockerfile"
docker build --quiet --tag "$image" "$context" >&2
docker image inspect --format "$image, {{.Size}} octets" "$image"
