#!/usr/bin/env bash
# What it costs to share a scan: the stages of some logs one after the other beside `scan` of the same, and the time to merge
# 1, 10, 100 and 1,000 parts. Prints tables in Markdown:
#
#   benches/stages.sh LOG...
#
# LOG     plain logs; the first one is also surveyed in that many ranges. The generator makes one:
#           cargo run --release --example generate -- large --lines 5000000 --clients 1700000 LOG
#
# All processes run on all cores, one after the other, so that the sum says what sharing costs in all, and not how long
# it takes when there are more machines. AFTERTRACE names a program to use in place of that in target/release.
set -euo pipefail

usage="usage: benches/stages.sh LOG..."
log=${1:?$usage}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
aftertrace=${AFTERTRACE:-$here/../target/release/aftertrace}
if [ ! -x "$aftertrace" ]; then
    echo "stages.sh: $aftertrace is missing: run cargo build --release" >&2
    exit 2
fi
work=$(mktemp -d "$here/../target/stages.XXXXXX")
trap 'rm -r "$work"' EXIT

# Runs aftertrace, and leaves seconds and MiB in `took`, the exit status in `status`.
timed() {
    status=0
    /usr/bin/time -f '%e %M' -o "$work/time" "$aftertrace" "$@" >"$work/out" 2>/dev/null || status=$?
    read -r seconds kib < <(tail -n 1 "$work/time")
    took="$seconds | $((kib / 1024))"
}

bytes() { stat -c %s "$1"; }

cat "$@" >/dev/null
echo "| command | s | MiB of memory and mapped pages | bytes written |"
echo "|---|---:|---:|---:|"
timed scan -q "$@" --format json -o "$work/scan.json"
echo "| scan | $took | |"
timed map -q --stage survey "$@" -o "$work/whole"
echo "| map --stage survey | $took | $(bytes "$work/whole") |"
while timed plan "$work/whole" -o "$work/plan" && [ "$status" = 0 ]; do
    wanted=$(grep -c . "$work/out")
    echo "| plan ($wanted pieces) | $took | $(bytes "$work/plan") |"
    timed map -q --stage focus --plan "$work/plan" "$@" -o "$work/part"
    echo "| map --stage focus | $took | $(bytes "$work/part") |"
    timed merge "$work/whole" "$work/part" -o "$work/next"
    echo "| merge | $took | $(bytes "$work/next") |"
    mv "$work/next" "$work/whole"
done
timed report "$work/whole" --format json -o "$work/staged.json"
echo "| report | $took | |"
cmp "$work/scan.json" "$work/staged.json"

echo
echo "| parts | bytes of the log in each | bytes of all parts | s to merge | MiB | bytes merged |"
echo "|---:|---:|---:|---:|---:|---:|"
size=$(bytes "$log")
for parts in 1 10 100 1000; do
    each=$(((size + parts - 1) / parts))
    mkdir "$work/parts"
    for ((at = 0; at < size; at += each)); do
        end=$((at + each < size ? at + each : size))
        "$aftertrace" map -q --stage survey --range "$at..$end" "$log" -o "$work/parts/$at"
    done
    all=$(du -cb "$work/parts"/* | tail -n 1 | cut -f 1)
    timed merge "$work/parts"/* -o "$work/merged"
    echo "| $parts | $each | $all | $took | $(bytes "$work/merged") |"
    rm -r "$work/parts"
done
