#!/usr/bin/env bash
# Builds the programs of before the newest migration into target/before/debug: the oldest that this
# source has to run beside. UPGRADE_FROM names another commit.
set -euo pipefail
cd "$(dirname "$0")/.."

newest=$(git log -1 --format=%H -- migrations)
if ! commit=$(git rev-parse --verify --quiet "${UPGRADE_FROM:-$newest^}^{commit}"); then
    echo "There is no history here: the programs of this source stand for those before." >&2
    commit=$(git rev-parse HEAD)
fi

out=$PWD/target/before
if [ "$(cat "$out/source/.commit" 2> /dev/null)" != "$commit" ]; then
    rm -rf "$out/source"
    mkdir -p "$out/source"
    git archive "$commit" | tar --extract --touch --directory "$out/source"
    echo "$commit" > "$out/source/.commit"
fi
# Nobody steps through them.
CARGO_PROFILE_DEV_DEBUG=false cargo build --locked --target-dir "$out" \
    --manifest-path "$out/source/Cargo.toml" \
    -p mishap-cli -p mishap-web -p mishap-worker -p mishap-beat
