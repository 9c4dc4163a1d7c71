#!/usr/bin/env bash
# Compiles the kernels and their checks for 64-bit Arm and runs the checks on an emulated processor; checks that the
# other C compiles there, too. `make arm` installs what this needs: a cross compiler's libraries and qemu-user-static.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=.build/targets
mkdir -p "$work"
# The flags of `fast` in Package.swift.
compile=(clang --target=aarch64-linux-gnu -O3 -std=c11 -ffp-contract=fast -Wall -Wextra -Werror)

"${compile[@]}" -static -ISources/CKernels/include Sources/CKernels/*.c Tests/Targets/*.c -lm -lpthread \
    -o "$work/targets-arm"

# Of the libraries' headers there are this machine's alone, behind the other machine's C library.
here="$(gcc -print-multiarch)"
for room in CImages CMessages; do
    "${compile[@]}" -fsyntax-only -ISources/$room/include -idirafter /usr/include -idirafter "/usr/include/$here" \
        Sources/$room/*.c
    echo "$room compiles for aarch64"
done

timeout 600 qemu-aarch64-static "$work/targets-arm" portable
