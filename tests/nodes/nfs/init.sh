#!/bin/sh
# The first process of a machine of the test (see machines.py). Its root is the host's, read-only; all that it writes lies in
# its memory, in the folder of the test (/mnt/lab) and, on the server, on a disk of its own (/mnt/disk). The kernel passes
# `name`, `address`, `lab` and `modules` in the environment, as machines.py gave them.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /mnt
mkdir -p /run/lock /run/state /mnt/lab /mnt/disk /mnt/nfs /dev/shm
mount -t tmpfs tmpfs /dev/shm
mount -t hostfs -o "$lab" hostfs /mnt/lab
hostname "$name"
ip link set lo up
ip link set eth0 up
ip address add "$address/24" dev eth0
for module in $(echo "$modules" | tr , " "); do
    insmod "$module"
done

serve() {
    mount -t ext4 -o usrquota,errors=panic /dev/ubda /mnt/disk
    mkdir -p /mnt/disk/export /mnt/disk/state/nfsdcltrack /mnt/disk/state/v4recovery
    mount --bind /mnt/disk/state /var/lib/nfs
    mount -t nfsd nfsd /proc/fs/nfsd
    mkdir -p /run/rpcbind
    rpcbind
    echo "/mnt/disk/export *(rw,sync,no_root_squash,no_subtree_check,fsid=0,insecure)" >/run/exports
    mount --bind /run/exports /etc/exports
    touch /var/lib/nfs/etab /var/lib/nfs/rmtab
    exportfs -a
    rpc.mountd --port 20048
    rpc.nfsd --lease-time 10 --grace-time 10 4
}

[ "$name" = server ] && serve
exec python3 "${0%/*}/agent.py"
