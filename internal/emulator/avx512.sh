#!/usr/bin/env bash
# Runs tests of packages with AVX-512 on a machine that has none: boots Linux in
# the emulator Bochs with a processor that has it, the test binaries in its
# first file system, and prints what they print. Exit status 0 when all passed.
#
#   internal/emulator/avx512.sh SECONDS TESTS PACKAGE ...
#
# runs those that match the regular expression TESTS, for at most SECONDS. The
# emulator is about a hundred times slower than the machine.
#
# Needs Debian's bochs, isolinux, syslinux-common, xorriso, cpio, and apt-get to
# fetch a kernel and busybox-static, which are unpacked and not installed.
set -euo pipefail
seconds=$1
tests=$2
shift 2
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'kill "${bochs:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir -p "$work/debs" "$work/image/bin" "$work/image/proc" "$work/image/dev" "$work/image/tmp" "$work/iso/isolinux"

# The tests, each run in the folder of its package with what lies there.
{
  cat "$here/init.sh"
  for package in "$@"; do
    name="$(echo "$package" | tr -c 'a-z0-9\n' '_')"
    dir="$(go list -f '{{.Dir}}' "$package")"
    CGO_ENABLED=0 go test -c -ldflags='-s -w' -o "$work/image/bin/$name.test" "$package"
    mkdir -p "$work/image/$name"
    [ ! -d "$dir/testdata" ] || cp -r "$dir/testdata" "$work/image/$name/"
    echo "run_tests /$name /bin/$name.test '$tests'"
  done
  echo finish
} >"$work/image/init"
chmod +x "$work/image/init"

(
  cd "$work/debs"
  kernel="$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-[0-9]/ {print $2}')"
  apt-get download -qq "$kernel" busybox-static 2>/dev/null
  for deb in *.deb; do dpkg-deb -x "$deb" "$work/unpacked"; done
)
cp "$work"/unpacked/boot/vmlinuz-* "$work/iso/vmlinuz"
cp "$work"/unpacked/bin/busybox "$work/image/bin/"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso/isolinux/"
(cd "$work/image" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/iso/initrd"

# Bochs reports the size of the saved registers as the compact form has it, so
# the kernel is told to use the standard form.
cat >"$work/iso/isolinux/isolinux.cfg" <<END
DEFAULT linux
PROMPT 0
LABEL linux
  KERNEL /vmlinuz
  APPEND initrd=/initrd console=ttyS0,115200 quiet mitigations=off nokaslr tsc=reliable lpj=100000 acpi=off nosmp noapic noxsaves clearcpuid=323,321
END
xorriso -as mkisofs -quiet -o "$work/test.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat \
  -no-emul-boot -boot-load-size 4 -boot-info-table "$work/iso" 2>/dev/null

cat >"$work/bochsrc" <<END
plugin_ctrl: unmapped=1, biosdev=1, extfpuirq=1, parallel=0, serial=1
config_interface: textconfig
display_library: rfb, options="timeout=0"
memory: guest=2048, host=2048
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/test.iso, status=inserted
cpu: model=corei7_skylake_x, count=1, ips=200000000, reset_on_triple_fault=0
clock: sync=none, time0=local
com1: enabled=1, mode=file, dev=$work/console
log: $work/bochs.log
END
(
  cd "$work"
  exec bochs -q -f bochsrc < <(echo c; sleep "$seconds") >bochs.out 2>&1
) &
bochs=$!
for ((i = 0; i < seconds; i++)); do
  sleep 1
  if grep -q 'ALL TESTS RAN' "$work/console" 2>/dev/null || ! kill -0 "$bochs" 2>/dev/null; then break; fi
done
tr -d '\r' <"$work/console" || tail -5 "$work/bochs.out"
grep -q 'ALL TESTS RAN' "$work/console" || { echo "the emulator did not finish in $seconds s"; exit 1; }
! grep -q 'TESTS FAILED' "$work/console"
