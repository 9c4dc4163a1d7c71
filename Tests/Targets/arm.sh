#!/usr/bin/env bash
# Compiles the kernels and their checks for 64-bit Arm and runs the checks on emulated processors; checks that the
# other C compiles there, too. `make arm` installs what this needs: a cross compiler's libraries and qemu-user-static.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=.build/targets
mkdir -p "$work"

# Arm's OpenBLAS is unpacked here instead of installed: this apt takes Arm for its machine and has lists of its own, so
# that the system's packages stay those of one architecture.
openblas=$work/openblas-arm
if [ ! -e "$openblas" ]; then
    room=$PWD/$work/apt
    rm -rf "$room"
    mkdir -p "$room"/{lists,archives}/partial
    apt=(apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Acquire::Languages=none
        -o Dir::State="$room" -o Dir::Cache="$room")
    "${apt[@]}" update
    (cd "$room" && "${apt[@]}" download libopenblas-pthread-dev)
    dpkg -x "$room"/*.deb "$room"
    mv "$room/usr" "$openblas"
    rm -r "$room"
fi

# The flags of `fast` in Package.swift.
compile=(clang --target=aarch64-linux-gnu -O3 -std=c11 -ffp-contract=fast -Wall -Wextra -Werror)

# Static, since qemu finds no libraries.
blas=(-L"$openblas/lib/aarch64-linux-gnu/openblas-pthread" -lopenblas)
"${compile[@]}" -static -ISources/CKernels/include -I"$openblas/include/aarch64-linux-gnu/openblas-pthread" \
    Sources/CKernels/*.c Tests/Targets/*.c "${blas[@]}" -lm -lpthread -o "$work/targets-arm"

# Of the libraries' headers there are this machine's alone, behind the other machine's C library.
here="$(gcc -print-multiarch)"
for room in CImages CMessages; do
    "${compile[@]}" -fsyntax-only -ISources/$room/include -idirafter /usr/include -idirafter "/usr/include/$here" \
        Sources/$room/*.c
    echo "$room compiles for aarch64"
done

# OpenBLAS has kernels of its own for the Neoverse N1, the core of many servers; `max` it does not know, and takes those
# for any Armv8.
for processor in neoverse-n1 max; do
    echo "$processor:"
    timeout 600 qemu-aarch64-static -cpu $processor "$work/targets-arm" portable
done
