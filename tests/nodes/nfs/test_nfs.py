"""The real NFS client, two of them, each on a machine of its own: what mappings lose, that the rules of docs/nodes.md lose
nothing, and the job on both at once."""

import shutil

import pytest

from shared import EXPORT, LIMIT, SIZE, Work, check_neighbours, make_barrier, wait_at, wait_for, write_neighbours


def lost_on(lab, way):
    """How many bytes of each of the two clients the server does not have."""
    barrier = make_barrier(lab.folder / "barrier")
    lab.clients[0].check(f"truncate -s {SIZE} /mnt/nfs/{way}")
    begun = [client.begin(" ".join(write_neighbours(way, f"/mnt/nfs/{way}", i, "/mnt/lab/barrier", "/mnt/lab/neighbours")), LIMIT)
             for i, client in enumerate(lab.clients)]
    wait_at(barrier)
    for client, one in zip(lab.clients, begun):
        assert client.end(one) == (0, "")
    return sum(map(int, lab.server.check(" ".join(check_neighbours(f"{EXPORT}/{way}", "/mnt/lab/neighbours"))).split()))


def test_neighbours(share, tools):
    """Mappings lose bytes, and the rules none."""
    shutil.copy(tools / "neighbours", share.folder)
    lost = {way: lost_on(share, way) for way in ("map", "rules")}
    assert lost["map"] > 0 and lost["rules"] == 0, lost


@pytest.mark.long
def test_neighbours_in_other_ways(share, tools):
    """Plain writes to a file that was read lose bytes too; direct ones lose none."""
    shutil.copy(tools / "neighbours", share.folder)
    lost = {way: lost_on(share, way) for way in ("write", "direct")}
    assert lost["write"] > 0 and lost["direct"] == 0, lost


def test_two_nodes_and_a_machine_that_dies(share):
    """One of two machines loses its power in the middle of the job, and comes back."""
    job = Work(share)
    first, second = job.begin(0, "0/2", rest=0.05), job.begin(1, "1/2", rest=0.05)
    wait_for(lambda: job.computed("1/2") >= 5, "the second machine computes")
    share.clients[1].kill()
    assert share.clients[1].end(second)[0] is None
    share.clients[1].start().wait_ready()
    share.mount(share.clients[1], share.version)
    again = job.begin(1, "1/2")
    job.end(1, again)
    job.end(0, first)
    job.check()
