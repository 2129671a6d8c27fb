"""A small Slurm cluster on this host: munge, one controller and some nodes, all of it in one folder and on 127.0.0.1.

Uses nothing of a Slurm that the machine may run, and leaves nothing running: whatever was started carries a word in its
environment, by which it is found and ended. Standard library alone.
"""

import getpass
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import time

import family

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "squeue", "sinfo")
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "OUT_OF_MEMORY")

CONFIGURATION = """\
ClusterName=tilework
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0,default_queue_depth=100
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobRequeue=1
MaxArraySize=1001
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=300
KillWait=2
MinJobAge=300
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports[1]}-{ports[2]}] CPUs={cpus}
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 OverSubscribe=NO
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 OverSubscribe=NO PreemptMode=OFF
"""


def missing():
    """What this machine lacks for a cluster, or an empty text."""
    lacks = [name for name in PROGRAMS if not shutil.which(name, path=PLACES)]
    return f"{', '.join(lacks)} not found" if lacks else ""


def free_ports(count):
    """The first of `count` neighbouring ports that nobody on 127.0.0.1 listens on, below those that the system gives away."""
    for first in range(17000 + os.getpid() % 1000 * 10, 31000, count):
        held = []
        try:
            for port in range(first, first + count):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            pass
        finally:
            for one in held:
                one.close()
    raise OSError("no free ports on 127.0.0.1")


class Cluster:
    """A running cluster. Its commands end with an exception if they fail; everything waits for facts, within `limit`."""

    def __init__(self, folder, nodes=2, cpus=1, limit=60 * float(os.environ.get("TILEWORK_NODES_PATIENCE", 1))):
        self.folder, self.nodes, self.cpus, self.limit = pathlib.Path(folder), nodes, cpus, limit
        self.word = family.new_word()
        self.env = {**os.environ, "PATH": PLACES, "SLURM_CONF": str(self.folder / "slurm.conf"), **self.word.environment()}
        self.daemons = {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error):
        self.stop()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        first = free_ports(self.nodes + 1)
        # The controller looks for its own name among the hosts, so this is the host's and not "localhost".
        text = CONFIGURATION.format(host=socket.gethostname().split(".")[0], user=getpass.getuser(), folder=self.folder, nodes=self.nodes,
                                    cpus=self.cpus, ports=(first, first + 1, first + self.nodes))
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "state").mkdir(exist_ok=True)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        self.launch("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket",
                    f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
                    f"--seed-file={self.folder}/munged.seed")
        self.wait(lambda: (self.folder / "munge.socket").exists(), "munged listens")
        self.launch("slurmctld", "-D", "-i")
        for number in range(1, self.nodes + 1):
            self.start_node(f"n{number}")
        self.wait(lambda: self.states() == ["idle"] * self.nodes, "all nodes are idle")

    def launch(self, program, *arguments, name=None):
        """Starts a daemon in the foreground; the kernel kills it if this process dies."""
        with open(self.folder / f"{name or program}.out", "ab") as said:
            self.daemons[name or program] = subprocess.Popen(
                [shutil.which(program, path=PLACES), *arguments], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=said, stderr=said, start_new_session=True, preexec_fn=family.die_with_parent)

    def start_node(self, name):
        self.launch("slurmd", "-D", "-N", name, name=name)

    def kill_node(self, name):
        """SIGKILL to one slurmd. Its jobs live on."""
        self.daemons[name].kill()
        self.daemons[name].wait()

    def stop(self):
        for daemon in self.daemons.values():
            daemon.kill()
            daemon.wait()
        self.word.end()

    def states(self):
        """The nodes' states, in the order of their names."""
        done = self.run("sinfo", "-h", "-N", "-p", "low", "-o", "%T", good=(0, 1))
        return done.split() if "error" not in done else []

    def wait(self, fact, what, limit=None):
        """Waits until `fact()` holds, and fails with the daemons' last lines if it does not within the limit."""
        end = time.monotonic() + (limit or self.limit)
        while not fact():
            for name, daemon in self.daemons.items():
                if daemon.poll() not in (None, -9):
                    raise RuntimeError(f"{name} has ended with {daemon.returncode}\n{self.logs()}")
            if time.monotonic() > end:
                raise RuntimeError(f"waited {limit or self.limit} s in vain: {what}\n{self.logs()}")
            time.sleep(0.05)

    def logs(self):
        lines = []
        for path in sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")]):
            lines += [f"-- {path.name}", *path.read_text(errors="replace").splitlines()[-15:]]
        return "\n".join(lines)

    def run(self, *command, good=(0,), env=None, cwd=None, limit=None):
        """One of Slurm's commands: what it said."""
        words = [str(word) for word in command]
        done = subprocess.run(words, env={**self.env, **(env or {})}, cwd=cwd or self.folder, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit or self.limit, check=False)
        if done.returncode not in good:
            raise RuntimeError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}\n{self.logs()}")
        return done.stdout

    def settle(self):
        """Ends all jobs, starts what a test has killed, and waits until all nodes are idle."""
        for number in self.run("squeue", "-h", "-o", "%A").split():
            self.run("scancel", "--full", "--signal=KILL", number, good=(0, 1))
            self.run("scancel", number, good=(0, 1))
        for name, daemon in self.daemons.items():
            if daemon.poll() is not None:
                self.start_node(name)
        self.wait(lambda: not self.run("squeue", "-h").strip(), "no job is left")
        self.wait(lambda: self.states() == ["idle"] * self.nodes, "all nodes are idle")

    def submit(self, *arguments, env=None, cwd=None):
        """sbatch: the number of the job."""
        return int(self.run("sbatch", "--parsable", *arguments, env=env, cwd=cwd).split(";")[0].splitlines()[-1])

    def jobs(self, job):
        """What the controller knows of the job and of each task of its array, as dictionaries."""
        text = self.run("scontrol", "-o", "show", "job", job)
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in text.splitlines() if line.strip()]

    def start_again(self, job):
        """After a requeue Slurm waits two minutes, until the credentials of the first start have expired: not here. Credentials
        of the same second would be taken for those, which have been revoked."""
        self.wait(lambda: all(one["JobState"] != "COMPLETING" for one in self.jobs(job)), f"job {job} has left its node")
        for one in self.jobs(job):
            if one["JobState"] == "PENDING":
                task = f"{one['ArrayJobId']}_{one['ArrayTaskId']}" if "ArrayTaskId" in one else one["JobId"]
                self.run("scontrol", "update", f"JobId={task}", "StartTime=now+2", good=(0, 1))  # it may have ended

    def running(self, job):
        """How many of its tasks run."""
        return sum(one["JobState"] == "RUNNING" for one in self.jobs(job))

    def end_of(self, job, limit=None):
        """Waits until the job and all its tasks have ended: their states and exit codes, each once."""
        self.wait(lambda: all(one["JobState"] in ENDED for one in self.jobs(job)), f"job {job} ends", limit)
        return sorted({(one["JobState"], one["ExitCode"]) for one in self.jobs(job)})
