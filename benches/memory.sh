#!/usr/bin/env bash
# The most memory that a scan takes beside the mapped file, and how long it takes:
#
#   benches/memory.sh LOG [OPTION...]
#
# LOG     an access log, such as the generator's `large` or `many`
# OPTION  of `aftertrace scan`, such as -j 1 or --memory-limit 512M
#
# Looks at the process 100 times a second (Linux only) and adds what is not backed by a file: RssAnon and
# RssShmem of /proc/PID/status. Pages of the mapped log, which count in the usual "resident set", are the page cache's
# and given up when somebody needs them.
set -euo pipefail

usage="usage: benches/memory.sh LOG [OPTION...]"
log=${1:?$usage}
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
aftertrace=${AFTERTRACE:-$here/../target/release/aftertrace}

if [ ! -x "$aftertrace" ]; then
    echo "memory.sh: $aftertrace is missing: run cargo build --release, or set AFTERTRACE" >&2
    exit 2
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT

"$aftertrace" scan --quiet --format json -o "$report" "$@" "$log" &
process=$!
peak=0
while [ -r "/proc/$process/status" ]; do
    seen=0
    while read -r name kib _; do
        case $name in
        RssAnon: | RssShmem:) seen=$((seen + kib)) ;;
        esac
    done 2>/dev/null <"/proc/$process/status" || true
    if [ "$seen" -gt "$peak" ]; then
        peak=$seen
    fi
    sleep 0.01
done
wait "$process"
bytes=$(wc -c <"$log")
estimates=$(grep -c '"cap_reached"' "$report" || true)
echo "$log: $((bytes >> 20)) MiB; peak beside the map $((peak / 1024)) MiB; ${SECONDS} s; $estimates warnings of estimates"
