"""A job on two NFS clients while the file server and the machines misbehave: reboots, full disks, quotas, clocks hours apart,
clients that believe for minutes what they once saw, folders that vanish, a node that wakes up when all is over."""

import shutil
import time

import pytest

from shared import EXPORT, HERE, INPUTS, ROWS, Work, wait_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]  # seconds: the server reboots
STOPPED = 3  # exit code
DISK = (3, 4)  # in the middle; before it began


def both(job, **options):
    return [job.begin(client, f"{client}/2", **options) for client in range(2)]


def end_both(job, begun, code=0):
    return [job.end(client, one, code) for client, one in enumerate(begun)]


def wait_computing(job, tiles=5):
    wait_for(lambda: min(job.computed("0/2"), job.computed("1/2")) >= tiles, f"each computes {tiles} tiles")


def test_server_loses_its_power(share):
    """Twice: what the server has said is on its disk must be there when it is back."""
    job = Work(share)
    begun = both(job)
    for tiles in (4, 12):
        wait_computing(job, tiles)
        share.server.kill()
        share.server.start().wait_ready()
    end_both(job, begun)
    job.check()


@pytest.mark.parametrize("moment", range(3))
def test_server_loses_its_power_at_the_end(share, moment):
    """While outputs get their names: replies are lost, and what was asked is asked again."""
    job = Work(share)
    begun = both(job, rest=0.02)
    wait_for(lambda: job.computed("0/2") + job.computed("1/2") >= ROWS, "all tiles are computed")
    time.sleep(0.15 * moment)
    share.server.kill()
    share.server.start().wait_ready()
    end_both(job, begun)
    job.check()


def test_clocks_hours_apart(share):
    clocks = {share.clients[0]: "+5 hours", share.clients[1]: "-3 days", share.server: "+40 minutes"}
    for machine, shift in clocks.items():
        machine.check(f"date -s '{shift}'")
    job = Work(share)
    end_both(job, both(job))
    job.check()
    assert "already finished" in job.end(1, job.begin(1, "1/2"))


@pytest.mark.parametrize("options", ["actimeo=600", "acdirmin=600,acdirmax=600,lookupcache=all", "noac", "nocto"])
def test_clients_that_believe_what_they_saw(share, options):
    """Each has looked before the job: there is no result, and no run folder."""
    for client in share.clients:
        share.unmount(client)
        share.mount(client, share.version, options)
    job = Work(share)
    for client in share.clients:
        client.check("cd /mnt/nfs; ls -l; ! ls r.npy r.npy.run .r.npy.job")
    end_both(job, both(job))
    job.check()
    assert "already finished" in job.end(1, job.begin(1, "1/2"))


def test_a_full_disk(share):
    job = Work(share)
    share.server.check(f"fallocate -l $(( ($(stat -f -c '%a * %S' {EXPORT})) - 4000000 )) /mnt/disk/full")
    for client, one in enumerate(both(job, rest=0)):
        code, said = share.clients[client].end(one)
        assert code in DISK and "No space left on device" in said, (code, said)
    share.server.check("rm /mnt/disk/full")
    end_both(job, both(job, rest=0))
    job.check()


def test_a_quota(share):
    """Of a user; root has none."""
    job = Work(share)
    shutil.copy(HERE / "quota.py", share.folder)
    share.server.check(f"chown 1000 {EXPORT} {EXPORT}/* && python3 /mnt/lab/quota.py 1000 4000")
    user = "cd /run && mkdir -p user && chown 1000 user && exec setpriv --reuid 1000 --clear-groups sh -c \"$(cat <<'END'\n"
    begun = [share.clients[i].begin(user + job.command(f"{i}/2", cache="/run/user/cache") + "\nEND\n)\"", 90) for i in range(2)]
    for client, one in enumerate(begun):
        code, said = share.clients[client].end(one)
        assert code in DISK and "Disk quota exceeded" in said, (code, said)
    share.server.check("python3 /mnt/lab/quota.py 1000 0")
    share.server.check(f"chown 0 {EXPORT} {EXPORT}/*")
    end_both(job, both(job, rest=0))
    job.check()


def test_folder_removed_under_the_nodes(share):
    """By somebody on the server: the clients' handles are stale. They end, and say so; the same command begins anew."""
    job = Work(share)
    begun = both(job)
    wait_computing(job)
    share.server.check(f"rm -rf {EXPORT}/r.npy.run")
    for client, one in enumerate(begun):
        code, said = share.clients[client].end(one)
        assert code == STOPPED and "was removed" in said and "kept" not in said, (code, said)
    end_both(job, both(job, rest=0))
    job.check()


def test_restarted_under_a_node(share):
    """The first one finds that its folder is gone; the result is the second one's."""
    job = Work(share)
    first = job.begin(0, "0/2")
    wait_for(lambda: job.computed("0/2") >= 5, "the first node computes")
    job.end(1, job.begin(1, "1/2", rest=0, more="--restart"))
    code, said = share.clients[0].end(first)
    assert (code, "was removed" in said) == (STOPPED, True) or (code, "already finished" in said) == (0, True), (code, said)
    job.check()


def test_a_node_wakes_up_after_the_end(share):
    """It was stopped in the middle of its work, which the other one has done since, and has given the result its name. What the
    client had not yet sent then, it sends later: the same bytes, so the time stamp alone may move, and the result stays finished."""
    job = Work(share)
    stopped = job.begin(0, "0/2", seconds=110)
    wait_for(lambda: job.computed("0/2") >= 3, "the first node computes")
    share.clients[0].check("pkill -STOP -x tilework")  # of the client's own processes: it is a machine
    job.end(1, job.begin(1, "1/2", rest=0))
    before = share.server.check(f"stat -c %i {EXPORT}/r.npy; md5sum {EXPORT}/r.npy")
    share.clients[0].check("pkill -CONT -x tilework")
    job.end(0, stopped)
    assert share.server.check(f"stat -c %i {EXPORT}/r.npy; md5sum {EXPORT}/r.npy") == before
    job.check()
    share.server.check(f"touch {EXPORT}/r.npy")  # whether or not the client did it
    for client in range(2):
        assert "already finished" in job.end(client, job.begin(client, f"{client}/2"))
    job.check()


def test_all_killed_then_another_number(share):
    job = Work(share)
    both(job)
    wait_computing(job)
    for client in share.clients:
        client.kill()
    for client in share.clients:
        client.start()
    for client in share.clients:
        client.wait_ready()
        share.mount(client, share.version)
    assert INPUTS | {"r.npy.run"} == set(share.server.check(f"ls -A {EXPORT}").split()) - {"lost+found"}
    begun = [job.begin(0, "0/3", rest=0), job.begin(1, "2/3", rest=0)]
    end_both(job, begun)
    job.check()
