#!/usr/bin/env bash
# Runs the checks of the kernels on a processor with AVX-512: this one, or one that Bochs emulates, on which Debian's
# kernel runs the checks as its only process. Some minutes. `make avx512` installs what this needs.
#
# Bochs' Skylake-X has AVX512F, VL, BW and DQ, but not VNNI: the target avx512vnni, which has an instruction of its own
# for products of pairs (gemm-inl.h), stays unproven where no processor has it.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=.build/targets
mkdir -p "$work/disc"
# Static, since the emulated machine has no libraries.
read -ra blas <<< "$(pkg-config --cflags --libs openblas)"
clang -static -O3 -std=c11 -ffp-contract=fast -Wall -Wextra -Werror -ISources/CKernels/include \
    Sources/CKernels/*.c Tests/Targets/*.c "${blas[@]}" -lm -lpthread -o "$work/init"

if [ "$(grep -m1 ^flags /proc/cpuinfo | grep -owE 'avx512(f|vl|bw|dq)' | sort -u | wc -l)" = 4 ]; then
    target=avx512
    if grep -m1 ^flags /proc/cpuinfo | grep -qw avx512_vnni; then target=avx512vnni; fi
    timeout 600 "$work/init" $target
    if [ $target = avx512 ]; then echo "avx512vnni stays unproven: this processor has no VNNI."; fi
    exit
fi

cd "$work"
if [ ! -e disc/linux ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -1)
    apt-get download -q "$package"
    dpkg -x "$package"_*.deb kernel
    rm "$package"_*.deb
    mv kernel/boot/vmlinuz-* disc/linux
    rm -r kernel
fi
echo init | cpio --quiet -o -H newc | gzip > disc/initrd
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 disc
# Bochs 2.7 misjudges the size of a compact XSAVE area, on which Linux would give up AVX altogether: without XSAVEC and
# XSAVES it has none. When the first process ends, Linux panics, and a panic ends the emulation by a triple fault.
# A log level of 4 keeps the kernel's notes out of the checks' lines; one of 7 shows the boot in console.txt.
cat > disc/isolinux.cfg << 'END'
DEFAULT targets
LABEL targets
    LINUX /linux
    INITRD /initrd
    APPEND console=ttyS0 loglevel=4 rdinit=/init panic=-1 reboot=t clearcpuid=xsavec,xsaves,aperfmperf -- avx512
END
xorriso -as mkisofs -quiet -o disc.iso -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table disc
cat > bochsrc << 'END'
display_library: term
cpu: model=corei7_skylake_x, count=1, ips=100000000, reset_on_triple_fault=0
clock: sync=none
memory: guest=256, host=256
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=console.txt
log: bochs.txt
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
speaker: enabled=0
END
echo continue > commands       # Debian's Bochs starts in its debugger
rm -f console.txt
echo "This processor has no AVX-512: an emulated one boots (a minute or two) and runs the checks (minutes)."
# The display wants a terminal, and what it draws is of no use.
TERM=xterm timeout 1800 script -qec 'bochs-bin -q -f bochsrc -rc commands' /dev/null > /dev/null < /dev/null || true

tr -d '\r' < console.txt | grep -E '^(portable|avx|targets)' || true
if grep -q 'targets: every limit holds' console.txt; then
    echo "avx512vnni stays unproven: Bochs' Skylake-X has no VNNI."
else
    echo "avx512.sh: the checks failed or did not end; see $work/console.txt and $work/bochs.txt" >&2
    exit 1
fi
