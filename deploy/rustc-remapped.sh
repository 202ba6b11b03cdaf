#!/bin/sh
# Runs the compiler for build-image.sh, also for what only runs while it builds: flags for the target do
# not reach that, and its paths would be in the names by which crates know each other.
exec "$@" "--remap-path-prefix=$REMAP_CARGO=/cargo" "--remap-path-prefix=$REMAP_SOURCE=/mishap"
