#!/usr/bin/env bash
# Builds the tests with sanitizers and runs them: `run.sh address` or `run.sh thread`, then any options of `swift test`,
# such as `--filter RPCTests`.
#
# `address` finds wrong addresses and leaks, and in C undefined behaviour, too: the toolchain has no runtime for that
# alone. `thread` finds data races. Each has a build of its own, C included; the system's libraries have none. What
# cannot run so stands in `skipped`, with its reason; what is no fault of ours in `*.supp`.
set -euo pipefail

home="$(cd "$(dirname "$0")" && pwd)"
cd "$home/../.."
kind=$1
shift

case "$kind" in
address) flags=(--sanitize=address -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined) ;;
thread) flags=(--sanitize=thread) ;;
*) echo "sanitize: \"$kind\" is neither address nor thread" >&2; exit 64 ;;
esac
# Checked loops are not vectorised, of which a pragma warns.
flags+=(-Xcc -Wno-pass-failed --scratch-path ".build/$kind")

export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:strict_string_checks=1
export LSAN_OPTIONS="suppressions=$home/leak.supp:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$home/thread.supp:history_size=4:halt_on_error=0:exitcode=66"
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# Its own thread reads what AddressSanitizer forbids.
export SWIFT_BACKTRACE=enable=no

skips=()
while read -r sanitizer test _; do
    if [ "$sanitizer" = "$kind" ]; then skips+=(--skip "$test"); fi
done < <(grep -v '^#' "$home/skipped")

swift build --build-tests "${flags[@]}"
swift test --skip-build "${flags[@]}" "${skips[@]}" "$@"
