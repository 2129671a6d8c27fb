"""Several processes that write the files of one run together: which one this is, and how far they are."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Optional, Union

from . import _tilework
from ._errors import ArgumentError, of_failure
from ._scalars import whole


def node(value: Any) -> Optional[tuple[int, int]]:
    """The check of the option: (index, count)."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return _tilework.node_find(value)
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"node is 'auto', 'auto/64', a text such as '3/8' or a pair such as (3, 8), not {value!r}")
    index, count = whole(value[0], "the index of a node"), whole(value[1], "the number of nodes")
    if count < 1:
        raise ArgumentError(f"node is ({index}, {count}): there is at least one node, (0, 1)")
    if not 0 <= index < count:
        raise ArgumentError(f"node ({index}, {count}) does not exist: nodes are counted from 0, so the last one is ({count - 1}, {count})")
    return index, count


class NodeState(NamedTuple):
    """One start of a node."""

    node: int
    nodes: int  # how many there are, as it was started
    member: int  # which start of this node it is, from 0 on
    host: str
    pid: int
    done: int  # tiles that it has recorded
    twice: int  # of these, tiles that another node has recorded too
    at_work: float  # seconds that its workers have worked
    silent: float  # seconds since its last record; less than 0: it has none
    intended: int  # tiles that it is working on, as it says
    failed_tile: int  # -1: none has failed
    failure: Optional[str]

    def __str__(self) -> str:
        name = f"node {self.node}/{self.nodes}" + (f", start {self.member}" if self.member else "")
        words = [f"{name} on {self.host} (pid {self.pid}): {self.done} tiles"]
        if self.twice:
            words.append(f"{self.twice} of them done by another one too")
        words.append(f"last record {_tilework.seconds_text(self.silent)} ago" if self.silent >= 0 else "no record yet")
        if self.failure is not None:
            words.append(f"tile {self.failed_tile} failed: {self.failure}")
        return ", ".join(words)


class Disagreement(NamedTuple):
    """A tile for which two nodes have computed different bytes."""

    tile: int
    first: int  # node
    second: int

    def __str__(self) -> str:
        if self.first == self.second:
            return f"tile {self.tile}: node {self.first} computed it twice, with different bytes"
        return f"tile {self.tile}: nodes {self.first} and {self.second} computed different bytes"


class JobStatus(NamedTuple):
    """How far a run on nodes, or on an Executor, is; made by :func:`tilework.status`."""

    file: str
    finished: bool
    description: Optional[str]  # the statement, or the kernel with its signature
    tiles: int
    done: int
    rate: float  # tiles a second, of all nodes that are at work
    seconds_left: Optional[float]  # None: not known
    nodes: tuple[NodeState, ...]
    disagreements: tuple[Disagreement, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain values, as JSON could hold them."""
        return {**self._asdict(), "nodes": [one._asdict() for one in self.nodes],
                "disagreements": [one._asdict() for one in self.disagreements]}

    def __repr__(self) -> str:
        what = f"{self.file}: " + (f"{self.description}\n" if self.description else "")
        if self.finished:
            return f"{what}finished"
        share = f" ({100 * self.done // self.tiles} %)" if self.tiles else ""
        first = f"{self.done} of {self.tiles} tiles done{share}"
        if self.rate > 0:
            first += f", {self.rate:.3g} tiles a second"
        if self.seconds_left is not None:
            first += f", {_tilework.seconds_text(self.seconds_left)} left"
        return "\n".join([what + first, *[f"  {one}" for one in self.nodes], *[f"  {one}" for one in self.disagreements]])


def status(file: Union[str, "os.PathLike[str]"]) -> JobStatus:
    """How far a run is that several nodes, or the workers of an Executor, write to a file: ``print(tw.status("r.npy"))``.

    Reads, and changes nothing; any process that reaches the file may ask, at any time.

    Parameters
    ----------
    file : str or path
        The (first) output of the run, or its run folder, ``r.npy.run``.

    Returns
    -------
    JobStatus
        With ``finished``, ``tiles``, ``done``, ``rate``, ``seconds_left``, ``nodes`` (what each did, on which host, and when it last did
        something), ``disagreements`` (tiles for which two nodes computed different bytes), ``description``; as a text it is a summary.

    Raises
    ------
    FileError
        There is no such run.
    """
    path: str = os.fsdecode(file)
    try:
        finished, description, tiles, done, rate, left, nodes, disagreements = _tilework.job_status(os.fsencode(path))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
    return JobStatus(path, bool(finished), description, tiles, done, rate, left if left >= 0 else None,
                     tuple([NodeState(*one) for one in nodes]), tuple([Disagreement(*one) for one in disagreements]))
