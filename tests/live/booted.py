# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A machine that boots: systemd is its process 1, and its files are those of this machine, as they are when it starts. What it
writes is in memory, and everything ends with its process 1, however the test ends.

Used by test_systemd.py. It needs root and Debian's systemd, which need not be what runs this machine; without them it fails,
and says so. In a Space of netns.py it has that space's network; else one of its own.
"""
import os
import secrets
import subprocess

from process import Process, wait_until

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TARGET = "sysinit.target"  # journal, users and folders: all that a service is promised
# A cgroup of its own first: process 1 believes that it has the whole tree, and stops whom it finds there.
BOOT = r"""
set -eu
where=$1 name=$2
mount -t tmpfs -o mode=755 tmpfs "$where"
mkdir "$where/changed" "$where/work" "$where/root" "$where/cgroup"
mount -t cgroup2 cgroup2 "$where/cgroup"
mkdir "$where/cgroup/$name"
echo 0 >"$where/cgroup/$name/cgroup.procs"
umount "$where/cgroup"
exec unshare --cgroup --uts --ipc --pid --fork --kill-child=KILL sh -euc '
	where=$1 name=$2 root=$1/root
	mount -t overlay -o "lowerdir=/,upperdir=$where/changed,workdir=$where/work" overlay "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -o bind "$root/proc/sys" "$root/proc/sys" && mount -o remount,bind,ro "$root/proc/sys"
	for folder in dev run tmp; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
	chmod 1777 "$root/tmp"
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,mode=620,ptmxmode=666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	for node in null zero full random urandom tty; do cp -a "/dev/$node" "$root/dev/"; done
	rm -rf "$root/etc/fstab" "$root/etc/resolv.conf" "$root/var/log/journal"
	tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
	hostname "$name"
	cd "$root"
	mkdir -p .left
	pivot_root . .left
	umount -l /.left
	exec env -i container=test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --unit="$3" --log-target=journal --show-status=no
' sh "$where" "$name" "$3"
"""


class Booted(Process):
    """The machine as a process. `root` is its root folder, as it is seen from here."""

    def __init__(self, where, name, space=None):
        self.folder = f"{where}/machine"
        os.makedirs(self.folder, exist_ok=True)
        self.group = f"fedway-{name}-{secrets.token_hex(6)}"
        network = [] if space else ["--net"]
        super().__init__(f"the machine {name}", ["unshare", "--mount", *network, "sh", "-c", BOOT, "sh", self.folder, self.group, TARGET],
                         f"{where}/{name}.log")
        self.space = space

    def start(self):
        assert os.path.exists("/lib/systemd/systemd"), "install the Debian package systemd"
        super().start()
        self.first = wait_until(lambda: f"process 1 of {self.tail()}\nA machine that boots needs root, and a kernel with overlayfs and "
                                "cgroup2", self._first)
        self.root = f"/proc/{self.first}/root"
        wait_until(lambda: f"{self.name} to have booted: {self.run_all('systemctl', 'is-system-running')}",
                   lambda: self.run_all("systemctl", "is-active", TARGET)[0] == 0)
        return self

    def _first(self):
        """systemd as it is seen from here: the child of the process that we have started, once it has become it."""
        assert self.alive(), f"{self.tail()}\nA machine that boots needs root, and a kernel with overlayfs and cgroup2"
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children") as f:
            pids = f.read().split()
        if pids:
            with open(f"/proc/{pids[0]}/comm") as f:
                if f.read().strip() == "systemd":
                    return int(pids[0])
        return None

    def run_all(self, *words, user=None, given=None, seconds=60):
        """Runs a program there: exit status, and what it prints."""
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        done = subprocess.run(["nsenter", "--target", str(self.first), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root",
                               "--wd", "env", "-i", f"PATH={PATH}", "SYSTEMD_PAGER=", *as_user, *words],
                              input=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        return done.returncode, done.stdout

    def run(self, *words, **more):
        status, text = self.run_all(*words, **more)
        assert status == 0, f"{self.name}: {' '.join(words)}: {status}\n{text}\n{self.tail()}"
        return text

    def read(self, path):
        with open(self.root + path) as f:
            return f.read()

    def journal(self, unit, *more):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit, *more)

    def stop(self, *_):
        if self.child is None:
            return
        self.child.kill()
        self.child.wait()
        self.child = None
        wait_until(lambda: f"nobody in {self.name} to be left", self._forget_group)

    def _forget_group(self):
        """Its cgroup goes when the last process has gone: from the leaves up, through a mount that nobody else sees."""
        script = 'mount -t cgroup2 cgroup2 "$1" && cd "$1" && find "$2" -depth -type d -exec rmdir {} +'
        return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", self.folder, self.group], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0
