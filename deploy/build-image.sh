#!/usr/bin/env bash
# Builds the image of deploy/Containerfile.scratch into target/image/mishap.tar, an OCI archive.
# The same source gives the same image. With --only-files, only its files, in target/image/files.
#
# Needs Rust, a C compiler, root certificates, and buildah for the image itself.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$PWD/target/image
target=x86_64-unknown-linux-gnu
revision=${MISHAP_REVISION:-$(git rev-parse HEAD)}
# The time of the source, so that the clock of the build does not show.
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

# What the program is made of is written into it, and read out of it into a CycloneDX document.
for tool in cargo-auditable auditable2cdx; do
    cargo install --quiet --locked --root "$out/tools" "$tool"
done
PATH=$out/tools/bin:$PATH

# Neither the folder of the source nor that of its dependencies may show, nor the time of the build.
export MISHAP_REVISION=$revision SOURCE_DATE_EPOCH=$time
export REMAP_CARGO=${CARGO_HOME:-$HOME/.cargo} REMAP_SOURCE=$PWD
export RUSTC_WRAPPER=$PWD/deploy/rustc-remapped.sh RUSTFLAGS="-C target-feature=+crt-static"
cargo auditable build --locked --profile image --target "$target" --target-dir "$out/build" \
    -p mishap-cli

rm -rf "$out/files"
mkdir -p "$out/files/etc/ssl/certs" "$out/files/usr/share/mishap"
cp -a deploy/image/. "$out/files/"
cp "$out/build/$target/image/mishap" "$out/files/usr/local/bin/mishap"
cp "$certificates" "$out/files/etc/ssl/certs/ca-certificates.crt"
auditable2cdx "$out/files/usr/local/bin/mishap" > "$out/files/usr/share/mishap/sbom.cdx.json"
mkdir -m 1777 "$out/files/tmp"
chmod -R u=rwX,go=rX "$out/files/code" "$out/files/etc" "$out/files/usr"
if [ "${1:-}" = --only-files ]; then
    exit
fi

version=$("$out/files/usr/local/bin/mishap" --version | cut -d ' ' -f 2)
rm -f "$out/mishap.tar"
image=$(buildah build --quiet --isolation chroot --layers=false --timestamp "$time" \
    --label org.opencontainers.image.title=Mishap \
    --label org.opencontainers.image.description="An error tracker that speaks the Sentry protocol" \
    --label org.opencontainers.image.licenses=MIT \
    --label org.opencontainers.image.version="$version" \
    --label org.opencontainers.image.revision="$revision" \
    --file deploy/Containerfile.scratch "$out/files")
buildah push --quiet "$image" "oci-archive:$out/mishap.tar:mishap:$version"
buildah rmi "$image" > /dev/null
