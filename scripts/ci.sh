#!/bin/bash
# SPDX-License-Identifier: MIT
# `make check`: all that is looked at before a change is taken, in order, up to the first failure. The
# tests come last: their totals line ends the output.
set -eu
cd "$(dirname "$0")/.."

scripts/tidy.sh
scripts/tidy.sh --clang-tidy
for variant in release debug asan tsan cov lto delays; do
    echo "== build of $variant"
    make --no-print-directory -j"$(nproc)" "V=$variant" build unit-programs
done
V=debug scripts/test.sh units conformance
V=delays scripts/test.sh conformance
scripts/sched.sh --seconds 15 --exhaustive 40 --no-planted
scripts/test.sh
