#!/usr/bin/env bash
# Installs Debian packages of another architecture into a folder: install.sh ROOT ESSENTIAL < list of package files
# Runs in namespaces of its own (the caller's unshare), so that its mounts end with it. dpkg itself is this machine's,
# which unpacks at full speed; only the packages' own scripts are emulated.
set -euo pipefail
target=$1 essential=$2
mapfile -t packages

mkdir -p "$target"/var/lib/dpkg/{info,updates,triggers} "$target"/{dev,proc}
: >"$target/var/lib/dpkg/status"
echo arm64 >"$target/var/lib/dpkg/arch"

# Before any script can run there must be a shell and its libraries: all is laid out first, base-files (which has the
# links /bin, /lib and /sbin) before the others, and installed properly afterwards.
for package in "${packages[@]}"; do
    case ${package##*/} in base-files_*) dpkg-deb -x "$package" "$target" ;; esac
done
essentials=()
for package in "${packages[@]}"; do
    name=${package##*/}
    name=${name%%_*}
    case " $essential " in *" $name "*) essentials+=("$package") ;; esac
    case $name in
        lib* | gcc-*-base | zlib1g | mawk) dpkg-deb -x "$package" "$target" ;;
        *) case " $essential " in *" $name "*) dpkg-deb -x "$package" "$target" ;; esac ;;
    esac
done

mount -t proc proc "$target/proc"
for device in null zero full random urandom tty; do
    : >"$target/dev/$device"
    mount --bind "/dev/$device" "$target/dev/$device"
done
# What has nothing to do in a system that is new and does not run, or whose work the image does by itself. Each call of a
# program costs up to a second under emulation, and these are called some hundred times.
mkdir "$target/nothing"
for idle in dpkg-maintscript-helper deb-systemd-helper deb-systemd-invoke update-rc.d invoke-rc.d systemctl journalctl \
    systemd-tmpfiles systemd-hwdb udevadm ssh-keygen runit-helper; do
    printf '#!/bin/sh\n' >"$target/nothing/$idle"
    chmod 755 "$target/nothing/$idle"
done

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C.UTF-8 PATH=/nothing:/usr/sbin:/usr/bin:/sbin:/bin
install=(dpkg "--root=$target" --force-architecture --force-depends --force-unsafe-io --force-confnew
    '--path-exclude=/usr/share/man/*' '--path-exclude=/usr/share/locale/*' '--path-exclude=/usr/share/info/*'
    '--path-exclude=/usr/lib/udev/hwdb.d/*' '--path-exclude=/usr/lib/systemd/catalog/*')
"${install[@]}" --unpack "${essentials[@]}"
"${install[@]}" --unpack "${packages[@]}"
# Python is compiled at the end, without what is trimmed.
compiler=$target/usr/lib/python3.13/py_compile.py
[ ! -f "$compiler" ] || { mv "$compiler" "$compiler.later" && : >"$compiler"; }
"${install[@]}" --configure --pending
[ ! -f "$compiler.later" ] || mv "$compiler.later" "$compiler"
if dpkg "--root=$target" --audit | grep -q .; then
    dpkg "--root=$target" --audit >&2
    exit 1
fi

for device in null zero full random urandom tty; do
    umount "$target/dev/$device"
    rm -- "$target/dev/$device"
done
umount "$target/proc"
rm -r -- "$target/nothing"
