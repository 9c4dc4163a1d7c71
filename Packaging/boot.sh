#!/usr/bin/env bash
# Boots a virtual machine, a Debian 12 with systemd and the newest package in .build, in which boot-checks.sh runs and
# writes a line for each check. By the processor where /dev/kvm can be used, else emulated, some times as long. Ends
# with 0 where every check passed. Root only, for the machine's files; network. The host's systemd is not touched.
set -euo pipefail
cd "$(dirname "$0")/.."

work=.build/boot
mkdir -p $work
Packaging/debian.sh $work/tree systemd,systemd-sysv,libpam-systemd,dbus,dbus-user-session
install -m 755 Packaging/boot-checks.sh $work/tree/usr/local/bin/boot-checks
cat > $work/tree/etc/systemd/system/boot-checks.service << 'END'
[Unit]
Description=Checks of dseg's units
[Service]
# Its job ends at once, so that the boot ends while it runs.
Type=exec
ExecStart=/usr/local/bin/boot-checks
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=multi-user.target
END
systemctl --root=$work/tree --quiet enable boot-checks.service
systemctl --root=$work/tree --quiet mask serial-getty@ttyS0.service getty@tty1.service
ln -sf /lib/systemd/systemd $work/tree/init
rm -rf $work/tree/var/cache/apt $work/tree/var/lib/apt/lists

kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -1)
[ -e .build/debian/"$kernel"_*.deb ] || (cd .build/debian && apt-get download -q "$kernel")
rm -rf $work/kernel
dpkg -x .build/debian/"$kernel"_*.deb $work/kernel
cp $work/kernel/boot/vmlinuz-* $work/linux
# The whole machine is what the kernel unpacks at its start: no disk, no modules.
# Nothing is compressed, as an emulated processor would take long to undo it.
(cd $work/tree && find . -xdev ! -path './usr/share/doc/*' ! -path './usr/share/locale/*' | cpio --quiet -o -H newc) \
    > $work/initrd
rm -rf $work/tree $work/kernel

# run LIMIT OPTION...: the machine, until it turns itself off or LIMIT seconds have passed
run() {
    local started=$SECONDS status=0
    echo "boot: a virtual machine starts (${*:2})"
    timeout "$1" qemu-system-x86_64 "${@:2}" -m 3G -smp 2 -nodefaults -no-reboot -display none \
        -serial file:$work/console.txt -kernel $work/linux -initrd $work/initrd \
        -append "console=ttyS0 loglevel=4 panic=-1 systemd.show_status=no systemd.firstboot=no" || status=$?
    echo "boot: it ended with $status after $((SECONDS - started)) s; its console is $work/console.txt"
}
# Some /dev/kvm run only kernels made for them, and have next to no processor for others.
can_run() {
    echo quit | qemu-system-x86_64 -accel kvm -cpu Nehalem,enforce,arch-capabilities=off -S -nodefaults -display none \
        -monitor stdio > /dev/null 2>&1
}
if [ -z "${DSEG_EMULATE:-}" ] && can_run; then
    run 300 -accel kvm -cpu host,arch-capabilities=off
else
    run 1800 -accel tcg,thread=multi -cpu max
fi
tr -d '\r' < $work/console.txt | grep -aE '^(PASS|FAIL|NOTE|boot-checks)' || true
grep -aq '^boot-checks: all pass' $work/console.txt
