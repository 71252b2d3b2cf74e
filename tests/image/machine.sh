#!/bin/bash
# Runs systemd as the first process of namespaces of its own: machine.sh FOLDER PYTHON_PREFIX CGROUP
# FOLDER, which appears there as /srv/folder, has units/ (all that there are), etc/passwd and etc/group. /run, /var and
# the homes are empty and end with it; nothing outside is touched.
set -euo pipefail
folder=$1 prefix=$2 cgroup=$3
if [ "${4:-}" != inside ]; then
    mkdir "$cgroup"
    echo $$ >"$cgroup/cgroup.procs"
    exec unshare --mount --pid --cgroup --uts --ipc --net --fork --kill-child --propagation private \
        "$0" "$folder" "$prefix" "$cgroup" inside
fi
mount -t proc proc /proc
mount --bind "$folder/etc/passwd" /etc/passwd
mount --bind "$folder/etc/group" /etc/group
mount -t tmpfs tmpfs /mnt
mkdir /mnt/{folder,python}
mount --bind "$folder" /mnt/folder
mount --bind "$prefix" /mnt/python
for hidden in /run /var /root /home /srv; do
    mount -t tmpfs -o mode=755 tmpfs "$hidden"
done
mkdir -p /run/systemd/system /var/lib /var/tmp /srv/folder "$prefix"
mount --bind /mnt/folder /srv/folder
mount --bind /mnt/python "$prefix"
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec env -i PATH="$PATH" container=test SYSTEMD_UNIT_PATH=/srv/folder/units \
    /lib/systemd/systemd --system --unit=multi-user.target
