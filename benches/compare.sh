#!/usr/bin/env bash
# Compares aftertrace with other readers of the same files, and with itself, in one go, so that the machine is
# the same and the files are in memory for all of them. Prints tables in Markdown:
#
#   benches/compare.sh LOG [RUNS] [FOLDER...]
#
# LOG     an access log in the combined format, of 300 MB or more, such as the generator's:
#           cargo run --release --example generate -- large --lines 5000000 --clients 1700000 LOG
# RUNS    how often each is run (default 3); the fastest run counts
# FOLDER  logs of an incident, plain or packed; whatever has "log" in its name is read
#
# The tables: the whole log (wc -l reads every byte once and does next to nothing: it is the measure; ripgrep
# searches for the literals of benches/literals.txt in any case of letters; GoAccess writes its JSON report,
# once), one core and two, what starting costs, packed logs beside unpacking alone, and logs
# of attacks beside ordinary ones of their size. The `bare` example in the first one reads every line and counts
# clients, paths and agents, with the program's own reader and maps, and nothing else: the ceiling of a scan. AFTERTRACE,
# BARE, GENERATE and UNPACK name programs to use in place of those in target/release, GOACCESS another GoAccess
# (`no` for none: it takes a minute a gigabyte). What is not installed is left out.
set -euo pipefail

usage="usage: benches/compare.sh LOG [RUNS] [FOLDER...]"
log=${1:?$usage}
runs=${2:-3}
shift $(($# < 2 ? $# : 2))
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
release=$here/../target/release
literals=$here/literals.txt
aftertrace=${AFTERTRACE:-$release/aftertrace}
bare=${BARE:-$release/examples/bare}
generate=${GENERATE:-$release/examples/generate}
unpack=${UNPACK:-$release/examples/unpack}

for program in "$aftertrace" "$bare" "$generate" "$unpack"; do
    if [ ! -x "$program" ]; then
        echo "compare.sh: $program is missing: run cargo build --release and" \
            "cargo build --release --example bare --example generate --example unpack" >&2
        exit 2
    fi
done
work=$(mktemp -d "$here/../target/compare.XXXXXX")
trap 'rm -r "$work"' EXIT

# Seconds since the machine's epoch, with nanoseconds.
now() { date +%s.%N; }

# The fastest of some runs of a command, in seconds: best RUNS COMMAND...
best() {
    local fastest="" start end count=$1
    shift
    for _ in $(seq "$count"); do
        start=$(now)
        # GoAccess and grep have exit statuses that mean other things than failure.
        "$@" >/dev/null 2>&1 || true
        end=$(now)
        fastest=$(awk -v f="$fastest" -v s="$start" -v e="$end" \
            'BEGIN { t = e - s; if (f == "" || t < f) f = t; printf "%.4f", f }')
    done
    echo "$fastest"
}

scan() { best "$runs" "$aftertrace" scan --quiet --format json "$@"; }

# A quotient with so many digits: ratio DIGITS A B.
ratio() { awk -v d="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%." d "f", a / b }'; }

bytes_of() { cat "$@" | wc -c; }

bytes=$(wc -c <"$log")
echo "### The whole log"
echo
echo "$bytes bytes, $(wc -l <"$log") lines; $(nproc) cores; best of $runs."
echo
echo "| command | time | MB/s | to \`wc -l\` | to the scan |"
echo "|---|---|---|---|---|"
cat "$log" >/dev/null # into the page cache
wc=$(best "$runs" wc -l "$log")
two=$(scan -j 2 "$log")
one=$(scan -j 1 "$log")
row() {
    echo "| \`$1\` | $2 s | $(ratio 0 "$bytes" "$(ratio 0 "$2" 0.000001)") | $(ratio 1 "$2" "$wc")× | $(ratio 2 "$2" "$two")× |"
}
row "wc -l" "$wc"
if command -v rg >/dev/null; then
    row "rg -F -i -c -f literals.txt" "$(best "$runs" rg -F -i -c -f "$literals" "$log")"
fi
goaccess=${GOACCESS:-goaccess}
if [ "$goaccess" != no ] && command -v "$goaccess" >/dev/null; then
    row "goaccess $("$goaccess" --version | sed -n 's/^GoAccess - \(.*\)\.$/\1/p')" \
        "$(best 1 "$goaccess" --no-progress --log-format=COMBINED -o json "$log")"
fi
row "bare -j 2" "$(best "$runs" "$bare" -j 2 "$log")"
row "aftertrace scan -j 2" "$two"
row "aftertrace scan -j 1" "$one"
echo
echo "Two cores are $(ratio 2 "$one" "$two") times as fast as one."

# Peak memory without the mapped file: by watching the process (Linux only).
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
    echo "Memory beside the mapped file: at most $((anonymous / 1024)) MiB, looked at every 10 ms."
fi

head -n 3 "$log" >"$work/start.log"
echo
echo "### Starting"
echo
start=$(best 20 "$aftertrace" scan --quiet --format json "$work/start.log")
echo "Three lines take $(ratio 1 "$start" 0.001) ms, best of 20."

echo
echo "### Packed logs"
echo
echo "Files of 60 MB each, two threads; unpacking alone is the \`unpack\` example, which uses the program's own readers."
echo
echo "| packed with | files | unpacking alone | scan | scan to unpacking |"
echo "|---|---|---|---|---|"
for part in 1 2 3 4; do
    # Whole lines, each part another stretch of the log.
    head -c $((part * 60000000)) "$log" | tail -c 60000000 | sed '1d;$d' >"$work/part$part.log"
done
for packer in "gzip gz" "zstd -q zst" "bzip2 bz2" "xz -1 xz"; do
    command=${packer% *}
    end=${packer##* }
    command -v "${command%% *}" >/dev/null || continue
    for part in 1 2 3 4; do
        $command -c "$work/part$part.log" >"$work/part$part.log.$end"
    done
    for count in 4 2; do
        files=()
        for part in $(seq "$count"); do
            files+=("$work/part$part.log.$end")
        done
        alone=$(best "$runs" "$unpack" -j 2 "${files[@]}")
        with=$(scan -j 2 "${files[@]}")
        echo "| ${command%% *} | $count | $alone s | $with s | $(ratio 2 "$with" "$alone")× |"
    done
    rm "$work"/part*."$end"
done
rm "$work"/part*

echo
echo "### Under attack"
echo
echo "Each beside as many bytes of LOG; two threads, logs unpacked."
echo
echo "| logs | MB | MB/s | ordinary, MB/s | share |"
echo "|---|---|---|---|---|"
# attacked NAME FOLDER: scans the folder's logs and as much ordinary traffic.
attacked() {
    local size time ordinary
    size=$(bytes_of "$2"/*)
    head -c "$size" "$log" >"$work/ordinary.log"
    time=$(scan -j 2 "$2")
    ordinary=$(scan -j 2 "$work/ordinary.log")
    size=$(bytes_of "$2"/*)
    local same
    same=$(wc -c <"$work/ordinary.log")
    echo "| $1 | $(ratio 0 "$size" 1000000) | $(ratio 0 "$size" "$(ratio 0 "$time" 0.000001)") | $(ratio 0 "$same" "$(ratio 0 "$ordinary" 0.000001)") | $(awk -v s="$size" -v t="$time" -v b="$same" -v o="$ordinary" 'BEGIN { printf "%.0f%%", 100 * (s / t) / (b / o) }') |"
}
for mix in "150 4 2" "10 20 2" "500 0 20"; do
    read -r attacks floods rate <<<"$mix"
    mkdir "$work/attacked"
    "$generate" large --lines 1000000 --clients 100000 --attacks "$attacks" --floods "$floods" --rate "$rate" \
        "$work/attacked/access.log"
    name="generated, $(ratio 0 "$attacks" 10)% attacks"
    [ "$floods" = 0 ] || name="$name, 40% floods"
    attacked "$name" "$work/attacked"
    rm -r "$work/attacked"
done
for folder in "$@"; do
    mkdir "$work/attacked"
    for file in "$folder"/*log*; do
        to=$work/attacked/$(basename "$file")
        case $file in
        *.gz) gzip -dc "$file" >"${to%.gz}" ;;
        *.xz) xz -dc "$file" >"${to%.xz}" ;;
        *.bz2) bzip2 -dc "$file" >"${to%.bz2}" ;;
        *.zst) zstd -dqc "$file" >"${to%.zst}" ;;
        *) cp "$file" "$to" ;;
        esac
    done
    attacked "$(basename "$folder")" "$work/attacked"
    rm -r "$work/attacked"
done
