#!/usr/bin/env bash
# Builds the fuzz targets and runs each of them, two at a time: `run.sh SECONDS [TARGET...]`, all without names.
#
# A target first gets the inputs that once failed (Findings/TARGET), then what libFuzzer makes of its seeds and of the
# corpus of earlier runs. Of each there is a line; an input for which a law does not hold fails the run, and is named.
# The target `control` has a planted fault, and a run that does not find it fails, too.
set -euo pipefail

home="$(cd "$(dirname "$0")" && pwd)"
built="$home/../../.build/fuzz"
fuzz="$built/release/fuzz"
work="$built/work"
# A leak is found where the kernel lets a process trace itself; where not, LeakSanitizer says so and ends.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_odr_violation=0:allocator_may_return_null=1"
export UBSAN_OPTIONS=print_stacktrace=1
# Its own thread reads what AddressSanitizer forbids.
export SWIFT_BACKTRACE=enable=no

# The fuzzer's output goes to a file, of which one line is told.
run() {
    local target=$1 seconds=$2 log="$work/$1/log"
    mkdir -p "$work/$target"
    local findings=("$home/Findings/$target"/*)
    if [ -e "${findings[0]}" ] && ! "$fuzz" replay "$target" "${findings[@]}" > "$log" 2>&1 < /dev/null; then
        fail "$target" "$log" "of $home/Findings/$target"
        return 1
    fi
    if ! "$fuzz" run "$target" "$work" -max_total_time="$seconds" > "$log" 2>&1 < /dev/null; then
        fail "$target" "$log" "$(sed -n 's/.*Test unit written to //p' "$log")"
        return 1
    fi
    local last
    last="$(grep -a ' cov: ' "$log" | tail -1)"
    printf '%-14s %11s executions %8s /s  coverage %6s  corpus %6s\n' "$target" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
        "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")" \
        "$(sed 's/.* cov: \([0-9]*\).*/\1/' <<< "$last")" "$(sed 's/.* corp: \([0-9]*\).*/\1/' <<< "$last")"
}

fail() {
    grep -aE 'a law does not hold|ERROR:|runtime error|SUMMARY|Fatal error' "$2" | head -5 >&2 || tail -5 "$2" >&2
    echo "fuzz: $1 failed by the input $3; all that it said is in $2" >&2
}

# The planted fault, which is found within seconds on an idle machine.
control() {
    rm -rf "$work/control"
    if run control 60 2> /dev/null > /dev/null || ! grep -q 'heap-buffer-overflow' "$work/control/log"; then
        echo "fuzz: the planted fault of the target control was not found: findings cannot be trusted" >&2
        return 1
    fi
    echo "control        its planted fault was found"
}

if [ "${1:-}" = --one ]; then
    run "$2" "$3"
    exit
fi

seconds=${1:-30}
shift || true
swift build -c release --package-path "$home" --scratch-path "$built"
mkdir -p "$work"
control
if [ $# -gt 0 ]; then printf '%s\n' "$@"; else "$fuzz" list; fi \
    | xargs -P 2 -I TARGET "$home/run.sh" --one TARGET "$seconds"
