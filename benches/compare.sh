#!/usr/bin/env bash
# Compares aftertrace with other readers of the same file, in one go, so that the machine is the same
# and the file is in memory for all of them:
#
#   benches/compare.sh LOG [RUNS]
#
# LOG   an access log in the combined format, such as the generator's:
#         cargo run --release --example generate -- large --lines 5000000 --clients 1700000 LOG
# RUNS  how often each is run (default 3); the fastest run counts
#
# wc -l is the measure: it reads every byte once and does next to nothing. Also run, where installed:
# ripgrep, searching for the literals of benches/literals.txt in any case of letters, and GoAccess,
# writing its JSON report. The peak memory of aftertrace counts the pages of the mapped file too; beside
# it stands the share that is not file-backed (Linux only).
set -euo pipefail

usage="usage: benches/compare.sh LOG [RUNS]"
log=${1:?$usage}
runs=${2:-3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
literals=$here/literals.txt
aftertrace=${AFTERTRACE:-$here/../target/release/aftertrace}

if [ ! -x "$aftertrace" ]; then
    echo "compare.sh: $aftertrace is missing: run cargo build --release, or set AFTERTRACE" >&2
    exit 2
fi
bytes=$(wc -c <"$log")
lines=$(wc -l <"$log")

# Seconds since the machine's epoch, with nanoseconds.
now() { date +%s.%N; }

# The fastest of RUNS runs of a command, in seconds.
best() {
    local fastest="" start end
    for _ in $(seq "$runs"); do
        start=$(now)
        # GoAccess and grep have exit statuses that mean other things than failure.
        "$@" >/dev/null 2>&1 || true
        end=$(now)
        fastest=$(awk -v f="$fastest" -v s="$start" -v e="$end" \
            'BEGIN { t = e - s; if (f == "" || t < f) f = t; printf "%.3f", f }')
    done
    echo "$fastest"
}

# One row: name, seconds, MB/s, ratio to wc -l.
row() {
    awk -v name="$1" -v s="$2" -v b="$bytes" -v w="$wc" \
        'BEGIN { printf "%-36s %9.3f s %10.0f MB/s %8.1f x wc -l\n", name, s, b / s / 1e6, s / w }'
}

echo "$log: $bytes bytes, $lines lines; $(nproc) cores; best of $runs"
cat "$log" >/dev/null # into the page cache
wc=$(best wc -l "$log")
row "wc -l" "$wc"
if command -v rg >/dev/null; then
    row "rg -F -i -c -f literals.txt" "$(best rg -F -i -c -f "$literals" "$log")"
else
    echo "rg is not installed: left out"
fi
if command -v goaccess >/dev/null; then
    row "goaccess --log-format=COMBINED" \
        "$(best goaccess --no-progress --log-format=COMBINED -o json "$log")"
else
    echo "goaccess is not installed: left out"
fi
row "aftertrace scan --format json" "$(best "$aftertrace" scan --quiet --format json "$log")"
row "aftertrace scan, one thread" \
    "$(best "$aftertrace" scan --quiet --format json --threads 1 "$log")"

# Peak memory: with the mapped file from GNU time, without it by watching the process.
"$aftertrace" scan --quiet --format json "$log" >/dev/null &
process=$!
anonymous=0
while [ -r "/proc/$process/status" ]; do
    seen=$(awk '/^RssAnon:/ { print $2 }' "/proc/$process/status" 2>/dev/null || true)
    if [ "${seen:-0}" -gt "$anonymous" ]; then
        anonymous=$seen
    fi
    sleep 0.01
done
wait "$process"
if [ "$anonymous" -gt 0 ]; then
    echo "peak memory beside the mapped file: $((anonymous / 1024)) MiB (sampled every 10 ms)"
fi
if [ -x /usr/bin/time ]; then
    resident=$(/usr/bin/time -f %M "$aftertrace" scan --quiet --format json "$log" 2>&1 >/dev/null | tail -n 1)
    echo "peak resident memory, mapped file included: $((resident / 1024)) MiB"
fi
