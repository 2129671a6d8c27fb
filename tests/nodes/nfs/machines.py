"""Linux machines of the test's own: a file server and its clients, each a user-mode Linux (Debian's `user-mode-linux`).

Their root is the host's, read-only (hostfs); they see each other through a switch that is a socket in the test's folder, and
nothing else: they run in a network namespace without any interface of the host. The server exports a disk of its own, an
ext4 image in that folder. The tests run among processes of their own (../enter.py), so all machines end with them, whatever
happens. Standard library alone.
"""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
KERNEL = "linux.uml"
MODULES = pathlib.Path("/usr/lib/uml/modules")
TOOLS = (KERNEL, "uml_switch", "ip", "insmod", "mkfs.ext4", "rpc.nfsd", "rpc.mountd", "exportfs", "rpcbind", "mount.nfs")
SERVER = ("quota_tree", "quota_v2", "nfsd")  # modules
CLIENT = ("nfsv3", "nfsv4")
ADDRESS = "10.77.0."  # of the machines' own network
BOOT = 60 * float(os.environ.get("TILEWORK_NODES_PATIENCE", 1))  # seconds
MEGABYTES = 192  # of memory a machine
DISK = 256  # megabytes of the server's disk
INSIDE = "TILEWORK_NODES_OWN_NETWORK"  # set by ../enter.py


class Broken(Exception):
    """A machine that does not start or no longer answers."""


class Refused(Broken):
    """This machine runs no user-mode Linux: the kernel ended before it started its first process."""


def missing():
    """Why no machine can start here: one line, or nothing."""
    tools = [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]
    if tools:
        return f"{', '.join(tools)} not found (Debian: user-mode-linux uml-utilities nfs-kernel-server e2fsprogs iproute2 kmod)"
    if os.environ.get(INSIDE) != "1":
        return "no network and processes of their own (tests/nodes/enter.py)"
    if not any(MODULES.glob("*/kernel/fs/nfs/nfs.ko")):
        return f"no NFS module in {MODULES}"
    return ""


def modules(names):
    """The files of these modules and of all that they need, in the order in which they can be loaded."""
    folder = next(MODULES.iterdir())
    needs = dict(line.split(":") for line in (folder / "modules.dep").read_text().splitlines())
    files = {pathlib.PurePath(path).stem: path for path in needs}
    order = {}  # as a set that keeps the order
    for name in names:
        order |= dict.fromkeys([*reversed(needs[files[name]].split()), files[name]])
    return [str(folder / path) for path in order]


class Machine:
    """One machine. `run` gives (exit code or None, output); a machine that was killed can be started again."""

    def __init__(self, lab, name, number):
        self.lab, self.name, self.number = lab, name, number
        self.process, self.starts = None, 0

    def start(self):
        self.starts += 1
        self.ready, self.answers, self.waiting = threading.Event(), {}, threading.Condition()
        self.numbers = itertools.count(1)
        here, there = socket.socketpair()
        self.line, self.gone = here, False
        words = [KERNEL, f"mem={MEGABYTES}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={HERE / 'init.sh'}",
                 "con=null", "con0=null", "ssl=null", f"ssl0=fd:{there.fileno()}", "stderr=1", "panic=1",
                 f"umid={self.name}", f"uml_dir={self.lab.folder}/uml/", f"eth0=daemon,02:00:00:00:00:{self.number:02x},unix,{self.lab.switch_socket}",
                 f"name={self.name}", f"address={self.address}", f"lab={self.lab.folder}",
                 f"modules={','.join(modules(SERVER if self.name == 'server' else CLIENT))}"]
        if self.name == "server":
            words.append(f"ubd0={self.lab.disk}")
        shutil.rmtree(self.lab.folder / "uml" / self.name, ignore_errors=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[there.fileno()],
                                            start_new_session=True, env={**os.environ, "TMPDIR": str(self.lab.memory), "PATH": PATH})
        there.close()
        threading.Thread(target=self.listen, args=(here, self.ready, self.answers), daemon=True).start()
        return self

    @property
    def address(self):
        return f"{ADDRESS}{self.number}"

    @property
    def log(self):
        return self.lab.folder / f"{self.name}.log"

    def listen(self, line, ready, answers):
        with line.makefile("r", encoding="utf-8", errors="replace") as lines:
            try:
                for text in lines:
                    if not text.lstrip().startswith("{"):
                        continue
                    said = json.loads(text)
                    with self.waiting:
                        answers[said["id"]] = (said.get("code"), said.get("output"))
                        self.waiting.notify_all()
                    ready.set()
            except OSError:
                pass
        with self.waiting:
            self.gone = self.gone or line is self.line
            self.waiting.notify_all()

    def wait_ready(self):
        limit = time.monotonic() + BOOT
        while not self.ready.wait(0.1):
            text = self.log.read_text(errors="replace")
            if self.process.poll() is not None and "as init process" not in text:
                raise Refused(f"{KERNEL} does not start here: {(text.strip().splitlines() or ['it says nothing'])[-1]}")
            if self.process.poll() is not None or time.monotonic() > limit:
                raise Broken(f"{self.name} did not start in {BOOT} s:\n{text[-4000:]}")
        return self

    def begin(self, command, seconds=60):
        """Starts a command; `end` waits for it."""
        number = next(self.numbers)
        request = {"id": number, "command": command, "seconds": seconds}
        self.line.sendall((json.dumps(request) + "\n").encode())
        return number, self.answers, time.monotonic() + seconds + 20

    def end(self, begun):
        number, answers, limit = begun
        with self.waiting:
            self.waiting.wait_for(lambda: number in answers or self.gone or answers is not self.answers,
                                  max(0, limit - time.monotonic()))
            if number in answers:
                return answers.pop(number)
        if answers is not self.answers or self.gone:
            return None, f"({self.name} has ended)\n"
        raise Broken(f"{self.name} does not answer")

    def run(self, command, seconds=60):
        return self.end(self.begin(command, seconds))

    def check(self, command, seconds=60):
        """Runs a command that must succeed, and gives its output."""
        code, output = self.run(command, seconds)
        if code != 0:
            raise Broken(f"{self.name}: {command!r} ended with {code}:\n{output}")
        return output

    def kill(self):
        """As a power cut: what was not synced is lost with the machine's memory."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for other in descendants_in_session(self.process.pid):  # its processes are processes of the host
            with contextlib.suppress(ProcessLookupError):  # it ends by itself
                os.kill(other, signal.SIGKILL)
        self.line.shutdown(socket.SHUT_RDWR)
        self.line.close()
        self.process = None


def descendants_in_session(session):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(words[3]) == session and words[0] != "Z":
                found.append(int(entry.name))
    return found


class Lab:
    """The machines, their network and their files."""

    def __init__(self, folder, clients=2):
        self.folder = pathlib.Path(folder)
        self.disk = self.folder / "disk.ext4"
        self.switch_socket = self.folder / "switch"
        self.memory = self.folder / "memory"
        self.server = Machine(self, "server", 1)
        self.clients = [Machine(self, f"client{i}", 11 + i) for i in range(clients)]

    def open(self):
        (self.folder / "uml").mkdir(parents=True)
        self.memory.mkdir()
        # What the machines call their memory is files of the host: in memory, and gone with this process.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.memory], check=True)
        with open(self.disk, "wb") as disk:
            disk.truncate(DISK << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "quota", "-E", "quotatype=usrquota", self.disk], check=True, env={**os.environ, "PATH": PATH})
        log = open(self.folder / "switch.log", "wb")
        self.switch = subprocess.Popen(["uml_switch", "-unix", self.switch_socket], stdin=subprocess.PIPE, stdout=log, stderr=log)
        limit = time.monotonic() + 10
        while not self.switch_socket.exists():
            if self.switch.poll() is not None or time.monotonic() > limit:
                raise Broken("uml_switch did not start")
            time.sleep(0.01)
        try:
            for machine in self.machines:
                machine.start()
            for machine in self.machines:
                machine.wait_ready()
        except BaseException:
            self.close()
            raise

    def close(self):
        for machine in self.machines:
            machine.kill()
        self.switch.kill()
        self.switch.wait()
        subprocess.run(["umount", "-l", self.memory], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def settle(self):
        """All machines are at work, nothing is mounted, and the server's folder is empty."""
        for machine in self.machines:
            if machine.process is None:
                machine.start()
        for machine in self.machines:
            machine.wait_ready()
        for client in self.clients:
            client.check("while grep -q ' /mnt/nfs ' /proc/mounts; do umount -f /mnt/nfs || umount -l /mnt/nfs; done")
        self.server.check("rm -rf /mnt/disk/full /mnt/disk/export/* /mnt/disk/export/.[!.]*")

    @property
    def machines(self):
        return [self.server, *self.clients]

    def mount(self, client, version, options=""):
        """Mounts the server's folder on a client at /mnt/nfs."""
        how = {"3": "vers=3,nolock,mountport=20048,mountproto=tcp", "4": "vers=4.2"}[version]
        where = {"3": "/mnt/disk/export", "4": "/"}[version]
        client.check(f"mount -t nfs -o {how},proto=tcp,port=2049,hard{',' * bool(options)}{options} {self.server.address}:{where} /mnt/nfs", 60)

    def unmount(self, client):
        client.check("umount /mnt/nfs", 60)
