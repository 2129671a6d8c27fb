"""`tilework run --node` and `tilework status`: which node, what is refused, what is said, and which exit codes there are."""

import numpy
import pytest

STATEMENT = ["r[i,j] = y[i] * x[j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy"]


@pytest.fixture
def inputs(folder):
    folder.save("y.npy", numpy.arange(40.0))
    folder.save("x.npy", numpy.arange(50.0))
    for name in list(folder.environment):
        if name.startswith(("SLURM_", "OMPI_", "PMI", "PBS_", "SGE_", "LSB_", "JOB_COMPLETION")):
            del folder.environment[name]
    return folder


def refused(folder, arguments, code, message):
    before = folder.contents()
    result = folder.call(*arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr.splitlines()[0] == "tilework: " + message
    assert folder.contents() == before


def test_what_makes_no_sense_with_nodes_is_refused(inputs):
    for option, message in (
        ("--no-journal", "--no-journal and --node exclude each other: nodes learn from their journals what is done"),
        ("--check", "--check and --node exclude each other: no node computes everything; use --check without --node"),
    ):
        refused(inputs, ["run", *STATEMENT, "--node", "0/2", option], 2, message)
    refused(inputs, ["run", *STATEMENT, "--node", "0/2", "--resume", "--verify"], 2,
            "--verify and --node exclude each other: nodes compare the checksums of tiles done twice; to compute all tiles again, "
            "use --restart")  # fmt: skip
    refused(inputs, ["run", *STATEMENT, "--node", "0/2", "--node", "1/2"], 2, "--node: given twice: '0/2' and '1/2'")


def test_a_node_that_cannot_be_is_refused(inputs):
    refused(inputs, ["run", *STATEMENT, "--node", "2/2"], 2,
            "node: '2/2' is none: nodes are counted from 0, so the last one is '1/2'")  # fmt: skip
    refused(inputs, ["run", *STATEMENT, "--node", "two"], 2,
            "node: 'two' is none: give 'K/N' (node K of N, from 0 on), 'auto', or 'auto/N' where the scheduler does not say how many "
            "nodes there are")  # fmt: skip
    refused(inputs, ["run", *STATEMENT, "--node", "auto"], 2,
            "node 'auto': this process was started by no scheduler or launcher that is known (Slurm, Open MPI, MPICH, PMIx, PBS, SGE, "
            "LSF, Kubernetes); give 'K/N', for example '0/8'")  # fmt: skip
    inputs.environment["PBS_ARRAY_INDEX"] = "3"
    refused(inputs, ["run", *STATEMENT, "--node", "auto"], 2,
            "node 'auto': PBS_ARRAY_INDEX is 3, but PBS does not say of how many; give 'auto/N' with their number")  # fmt: skip


def test_status_needs_one_file_of_a_job(inputs):
    refused(inputs, ["status"], 2, "missing file: give the first output of the job, such as r.npy")
    refused(inputs, ["status", "a.npy", "b.npy"], 2, "unexpected argument 'b.npy' after the file 'a.npy'")
    refused(inputs, ["status", "a.npy", "--watch=0"], 2, "--watch: 0 is out of range: from 1 to 86400")
    for file in ("y.npy", "no.npy"):
        result = inputs.call("status", file)
        assert (result.returncode, result.stdout) == (3, "") and result.stderr.startswith(f"tilework: {file}: ")
