#!/usr/bin/env python3
"""Simulates a job on many nodes: the policy is src/node/portion.c itself, the time of each call of the file system is given.

    nodes.py measure FOLDER          what the calls cost in that folder
    nodes.py run --nodes 1000 ...    one job, in numbers
    nodes.py table                   the table of docs/scale.md

What a node knows of the others is what it has read: a record is seen by others half a round of reading later. All else that is
simplified: docs/scale.md. Standard library alone, and a C compiler.
"""

import argparse
import ctypes
import dataclasses
import heapq
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from costs import measure, text_of

TOP = pathlib.Path(__file__).resolve().parents[2]
PORTION = TOP / "src" / "node" / "portion.c"

# As in src/node/rounds.c.
LEAST_ROUND, MOST_LEAST_ROUND = 0.002, 0.1
LOOKS = 16
READ_AT_ONCE = 512
PAUSE = 8
LEAST_PAUSE, MOST_PAUSE = 0.25, 10.0
LEAST_PATIENCE = 2.0
LEAST_WAIT, MOST_WAIT = 0.002, 1.0
CALLS_OF_A_READ = 4  # open, state, records, close
CALLS_OF_A_BATCH = 4  # sync the parts, write records, sync the journal, write the state
CALLS_OF_A_START = 16  # look, open folder, job, parts, kernel, journal
NAMES_A_CALL = 500  # of a folder that is listed

# Seconds of each call: measured with `nodes.py measure` on the ext4 of this project's machine.
LOCAL = {"make": 176e-6, "open": 4.2e-6, "read": 0.8e-6, "write": 1.3e-6, "sync": 4.0e-3, "list": 0.5e-6, "rename": 12.9e-6}
ROUND_TRIPS = {"make": 2, "open": 2, "read": 1, "write": 0, "sync": 2, "list": 1 / NAMES_A_CALL, "rename": 1}


class Division(ctypes.Structure):
    """struct tw__portion"""
    _fields_ = [("first", ctypes.c_uint64), ("count", ctypes.c_uint64), ("node", ctypes.c_int64), ("nodes", ctypes.c_int64),
                ("unit", ctypes.c_uint64), ("least", ctypes.c_uint64), ("done", ctypes.c_void_p), ("meant", ctypes.c_void_p),
                ("late", ctypes.c_void_p), ("random", ctypes.c_uint64)]


class Round(ctypes.Structure):
    """struct tw__round"""
    _fields_ = [("kind", ctypes.c_int), ("first", ctypes.c_uint64), ("count", ctypes.c_uint64)]


NONE, OWN, HELP, AGAIN = range(4)


def compiled(folder):
    """The functions of portion.c."""
    shared = os.path.join(folder, "portion.so")
    subprocess.run([os.environ.get("CC", "cc").split()[-1], "-O2", "-shared", "-fPIC", "-std=gnu11", f"-I{TOP / 'src'}", f"-I{TOP / 'include'}",
                    str(PORTION), "-o", shared], check=True)
    library = ctypes.CDLL(shared)
    library.tw__portion_next.argtypes = [ctypes.POINTER(Division), ctypes.POINTER(Round)]
    library.tw__portion_next.restype = None
    return library


@dataclasses.dataclass
class Job:
    """What is simulated. Times in seconds."""

    nodes: int = 10
    tiles: int = 1000
    tile: float = 1.0        # that one tile takes a node
    spread: float = 0.1      # of the tiles' times, as a part of them
    slow: float = 0.0        # part of the nodes that are slow
    slowness: float = 3.0    # how many times as long these take
    deaths: float = 0.0      # part of the nodes that die at a random moment
    requeued: float = 60.0   # after which a dead node is started again; < 0: never
    together: int = 0        # nodes that run at a time; 0: all
    trickle: float = 0.0     # between the starts of two nodes
    start: float = 0.5       # of a process
    round_trip: float = 0.0  # to the file server; 0: a local disk
    server: float = 100_000  # calls a second that the file server does
    budget: int = READ_AT_ONCE  # journals read in one look
    seed: int = 1


class Bits:
    """A set of tiles that C reads."""

    def __init__(self, count):
        self.words = (ctypes.c_uint64 * (count // 64 + 1))()
        self.address = ctypes.addressof(self.words)

    def has(self, tile):
        return self.words[tile >> 6] >> (tile & 63) & 1

    def add(self, tile):
        self.words[tile >> 6] |= 1 << (tile & 63)

    def remove(self, tile):
        self.words[tile >> 6] &= ~(1 << (tile & 63))


class Reading:
    """What it costs to look at the others' journals, and how old what a node knows is."""

    def __init__(self, job, costs):
        one = {name: costs[name] + ROUND_TRIPS[name] * job.round_trip for name in costs}
        self.one = one
        peers = min(job.nodes, job.budget)
        self.calls = math.ceil(job.nodes / NAMES_A_CALL) + peers * CALLS_OF_A_READ
        self.look = job.nodes * one["list"] + peers * (one["open"] + 2 * one["read"])
        self.pause = min(max(PAUSE * (self.look + 2 * one["sync"]), LEAST_PAUSE), MOST_PAUSE)
        self.looks = max(1, math.ceil(job.nodes / job.budget))
        # A server that is asked for more than it does answers later.
        at_once = min(job.nodes, job.together or job.nodes)
        self.demand = at_once * (self.calls + CALLS_OF_A_BATCH) / (self.pause + self.look)
        self.saturated = self.demand > job.server
        if self.saturated:
            self.look = max(at_once * (self.calls + CALLS_OF_A_BATCH) / job.server - self.pause, self.look)
        self.least = min(max(LOOKS * self.look, LEAST_ROUND), MOST_LEAST_ROUND)  # of a round
        self.wait = min(max(PAUSE * self.look, LEAST_WAIT), MOST_WAIT)  # of a node that finds nothing to do, at first
        self.batch = self.pause + self.look  # from one batch of records to the next
        self.cycle = self.looks * self.batch  # after which a node has read all others


class Simulation:
    """One job."""

    def __init__(self, job, library, costs):
        self.job, self.library = job, library
        self.random = random.Random(job.seed)
        self.reading = Reading(job, costs)
        self.done, self.meant, self.late = Bits(job.tiles), Bits(job.tiles), Bits(job.tiles)  # as others see them
        self.recorded = [math.inf] * job.tiles  # when
        self.means, self.lates = [0] * job.tiles, [0] * job.tiles  # how many nodes mean to do it, and are late
        self.seen = []  # what others see later: (when, number, kind, tiles)
        self.events = []  # of the nodes: (when, number, what, node)
        self.number = 0
        self.mine = [[] for _ in range(job.nodes)]  # that it has done and others may not have seen
        self.speed = [job.slowness if self.random.random() < job.slow else 1.0 for _ in range(job.nodes)]
        self.begun = [math.inf] * job.nodes
        self.dies = [math.inf] * job.nodes
        self.idle = []
        self.todo = [[] for _ in range(job.nodes)]  # tiles of its round that it has not begun, the next one last
        self.round = [None] * job.nodes  # when it is late, when others see that it is over, its tiles
        self.active = {}  # rounds that are not over, by node: when it began, is seen, seconds a tile, tiles
        self.waiting = []  # nodes that the queue has not started yet
        self.left = job.tiles
        self.computed = self.twice = self.calls = self.rounds = self.looks = self.dead = self.lost = 0
        self.worked = 0.0
        self.all_recorded = 0.0

    # ---- events ----

    def at(self, when, what, node):
        self.number += 1
        heapq.heappush(self.events, (when, self.number, what, node))

    def shows(self, when, kind, tiles):
        self.number += 1
        heapq.heappush(self.seen, (when, self.number, kind, tiles))

    def delay(self):
        """Until another one sees what was written: half a round of reading."""
        return 0.5 * self.reading.cycle

    def look(self, now):
        """What has come to be known by now. Whether something became late."""
        changed = False
        while self.seen and self.seen[0][0] <= now:
            _, _, kind, tiles = heapq.heappop(self.seen)
            if kind == "done":
                for tile in tiles:
                    self.done.add(tile)
            elif kind == "meant":
                for tile in tiles:
                    self.means[tile] += 1
                    self.meant.add(tile)
                    self.late.remove(tile)  # one who is not late is doing it
            elif kind in ("ended", "over"):
                for tile in tiles:
                    self.lates[tile] -= kind == "over"
                    self.means[tile] -= 1
                    if self.means[tile] <= self.lates[tile]:
                        self.late.add(tile)
                    if self.means[tile] == 0:
                        self.meant.remove(tile)
                        self.late.remove(tile)
            elif tiles["over"] > now:
                for tile in tiles["tiles"]:
                    self.lates[tile] += 1
                    if not self.done.has(tile) and self.lates[tile] >= self.means[tile]:
                        self.late.add(tile)
                        changed = True
        return changed

    # ---- one node ----

    def begin(self, now, node):
        job = self.job
        self.calls += CALLS_OF_A_START
        now += job.start
        self.begun[node] = now
        if self.random.random() < job.deaths:
            expected = job.tiles * job.tile / min(job.nodes, job.together or job.nodes)
            self.dies[node] = now + self.random.random() * expected
        self.at(now, "next", node)

    def next_round(self, now, node):
        """What the node does next, by portion.c."""
        job = self.job
        own = self.mine[node] = [tile for tile in self.mine[node] if not self.done.has(tile)]
        for tile in own:
            self.done.add(tile)
        least = max(1, int(self.reading.least / (job.tile * self.speed[node])))
        division = Division(0, job.tiles, node, job.nodes, 1, least, self.done.address, self.meant.address, self.late.address,
                            self.random.getrandbits(63) | 1)
        found = Round()
        self.library.tw__portion_next(ctypes.byref(division), ctypes.byref(found))
        tiles = [tile for tile in range(found.first, found.first + found.count) if not self.done.has(tile)]
        for tile in own:
            self.done.remove(tile)
        return found.kind, tiles

    def slack(self, now, node):
        """Tiles of others' rounds that these begin so late that this node would have done them long before: `best_left`."""
        reading, job = self.reading, self.job
        need = job.tile * self.speed[node] + 2 * reading.cycle + LEAST_PATIENCE
        found = []
        for other, (began, seen, cost, tiles) in self.active.items():
            if other == node or seen > now:
                continue
            first = int((now + need - began) / cost) + 1
            found += [tile for tile in tiles[max(first, 0):] if not self.done.has(tile) and self.means[tile] == 1
                      and not self.late.has(tile)]
        return found

    def work(self, now, node):
        job, reading = self.job, self.reading
        todo = self.todo[node]
        if not todo:
            self.looks += 1
            self.calls += reading.calls
            kind, tiles = self.next_round(now, node)
            if (kind == NONE or not tiles):
                found = self.slack(now, node)
                for tile in found:
                    self.late.add(tile)
                if found:
                    kind, tiles = self.next_round(now, node)
                for tile in found:
                    self.late.remove(tile)
            if kind == NONE or not tiles:
                self.idle.append(node)
                return
            self.rounds += 1
            now += reading.look if not reading.saturated else reading.one["list"] * job.nodes  # a look that waits is given up
            seen = now + self.delay()
            self.shows(seen, "meant", tiles)
            expected = 1.25 * job.tile * self.speed[node] * len(tiles) + max(2 * reading.pause, LEAST_PATIENCE)
            self.round[node] = {"late": seen + expected + reading.cycle / 2, "over": math.inf, "tiles": tiles}
            self.active[node] = (now, seen, job.tile * self.speed[node], tiles)
            self.number += 1
            heapq.heappush(self.seen, (self.round[node]["late"], self.number, "late", self.round[node]))
            todo = self.todo[node] = list(tiles)
            todo.reverse()
        dies, ended, left = self.dies[node], True, []
        until = now + reading.batch
        while todo and now < until:
            tile = todo.pop()
            if self.recorded[tile] + self.delay() <= now:
                continue
            takes = job.tile * self.speed[node] * max(0.1, self.random.gauss(1, job.spread))
            if now + takes > dies:
                ended = False
                break
            now += takes
            self.worked += takes
            left.append(tile)
        self.record(now if ended else dies, node, left, ended, not todo)
        if not ended:
            self.todo[node] = []
            self.dead += 1
            self.dies[node] = math.inf
            self.start_another(dies)
            if job.requeued >= 0:
                self.at(dies + job.requeued, "begin", node)
            return
        if not todo:
            mine = self.round[node]
            mine["over"] = now + reading.batch / 2 + self.delay()
            self.shows(mine["over"], "over" if mine["late"] < mine["over"] else "ended", mine["tiles"])
            self.active.pop(node, None)
        self.at(now, "next", node)

    def record(self, now, node, tiles, ended, last):
        """These tiles were computed one after the other and are recorded in batches; those of the last batch are lost if the node dies."""
        reading, one = self.reading, self.job.tile * self.speed[node]
        phase = self.random.random() * reading.batch
        batches = {}
        for place, tile in enumerate(tiles):
            computed = now - (len(tiles) - 1 - place) * one
            when = (math.floor((computed - phase) / reading.batch) + 1) * reading.batch + phase + 2 * reading.one["sync"]
            if ended and last and place == len(tiles) - 1:
                when = min(when, now + reading.batch / 2)
            if when > (self.dies[node] if ended else now):
                self.lost += 1
                continue
            self.computed += 1
            self.mine[node].append(tile)
            if self.recorded[tile] < math.inf:
                self.twice += 1
            else:
                self.left -= 1
                self.recorded[tile] = math.inf
            self.recorded[tile] = min(self.recorded[tile], when)
            self.all_recorded = max(self.all_recorded, self.recorded[tile])
            batches.setdefault(when, []).append(tile)
        for when, together in batches.items():
            self.shows(when + self.delay(), "done", together)
        self.calls += CALLS_OF_A_BATCH * max(1, len(batches))

    def start_another(self, now):
        if self.waiting:
            self.at(now, "begin", self.waiting.pop())

    # ---- all ----

    def run(self):
        job, reading = self.job, self.reading
        order = list(range(job.nodes))
        at_once = min(job.nodes, job.together or job.nodes)
        for place in range(at_once):
            self.at(place * job.trickle, "begin", order[place])
        self.waiting = order[:at_once - 1:-1]
        now = 0.0
        while self.left > 0:
            if not self.events:
                # All that live wait for what others meant to do: the next thing that they see.
                if not self.seen:
                    raise RuntimeError("nothing is left to do, and tiles are missing")
                now = max(now, self.seen[0][0])
                if self.look(now):
                    self.wake(now)
                elif not self.seen:
                    self.wake(now)
                continue
            now, _, what, node = heapq.heappop(self.events)
            if self.look(now):
                self.wake(now)
            if what == "begin":
                self.begin(now, node)
            elif now >= self.dies[node]:
                self.dead += 1
                self.todo[node] = []
                self.dies[node] = math.inf
                if job.requeued >= 0:
                    self.at(now + job.requeued, "begin", node)
            else:
                self.work(now, node)
        # Who waits reads on until it has seen all.
        end = self.all_recorded + reading.cycle + 2 * reading.one["sync"] + 2 * reading.one["rename"]
        alive = sum(max(0.0, end - began) for began in self.begun if began < math.inf)
        self.calls += int(alive / reading.batch * reading.calls)
        return self.report(end, alive)

    def wake(self, now):
        for node in self.idle:
            self.at(now + self.random.random() * self.reading.wait, "next", node)
        self.idle = []

    def ideal(self):
        """Seconds if all nodes worked from their starts on until the end, at the same moment, and nothing else took time."""
        job = self.job
        at_once = min(job.nodes, job.together or job.nodes)
        work, low, high = job.tiles * job.tile, 0.0, 1e9
        while high - low > 1e-3 * max(1.0, low):
            end = (low + high) / 2
            can = sum(max(0.0, end - place * job.trickle - job.start) / self.speed[place] for place in range(at_once))
            low, high = (low, end) if can >= work else (end, high)
        return max(high, job.tile + job.start)

    def report(self, end, alive):
        job, reading = self.job, self.reading
        ideal = self.ideal()
        return {"nodes": job.nodes, "tiles": job.tiles, "ideal": ideal, "seconds": end, "overhead": end / ideal - 1,
                "recorded": self.all_recorded, "twice": self.twice / job.tiles, "lost": self.lost / job.tiles, "dead": self.dead,
                "rounds": self.rounds / job.nodes, "calls": self.calls, "rate": self.calls / end, "demand": reading.demand,
                "look": reading.look, "cycle": reading.cycle, "saturated": reading.saturated, "worked": self.worked / max(alive, 1e-9)}


def simulate(job, library, costs=None):
    """Runs one job; what `line_of` prints."""
    return Simulation(job, library, costs or LOCAL).run()


HEAD = (f"{'nodes':>7} {'tiles':>9} {'ideal s':>8} {'took s':>8} {'over':>7} {'twice':>7} {'lost':>6} {'dead':>6} "
        f"{'rounds':>6} {'calls/s':>10} {'asked/s':>11} {'all read':>9}")


def line_of(found):
    return (f"{found['nodes']:>7,} {found['tiles']:>9,} {found['ideal']:>8,.0f} {found['seconds']:>8,.0f} {found['overhead']:>7.1%} "
            f"{found['twice']:>7.2%} {found['lost']:>6.2%} {found['dead']:>6,} {found['rounds']:>6.1f} {found['rate']:>10,.0f} "
            f"{found['demand']:>11,.0f} {found['cycle']:>7,.1f} s")


def table(library, costs, least, most):
    """The rows of docs/scale.md."""
    network = {"round_trip": 0.0003}
    large = {"round_trip": 0.0003, "tile": 60.0}
    rows = [
        ("10 nodes, a local disk", Job(10, 4000)),
        ("... over a network", Job(10, 4000, **network)),
        ("... 2 at a time", Job(10, 4000, together=2, **network)),
        ("... one node takes three times as long", Job(10, 4000, slow=0.1, seed=2, **network)),
        ("... 2 of 10 die, and are never started again", Job(10, 4000, deaths=0.2, requeued=-1.0, **network)),
        ("1,000 nodes over a network, tiles of 1 s", Job(1000, 400_000, **network)),
        ("... of 60 s", Job(1000, 40_000, **large)),
        ("... as an array that trickles, a start in 3 s", Job(1000, 40_000, trickle=3.0, **large)),
        ("... 5 % are slow, 5 % die", Job(1000, 40_000, slow=0.05, deaths=0.05, **large)),
        ("100,000 nodes, tiles of 60 s", Job(100_000, 1_600_000, **large)),
        ("the same work: 1,000 nodes of 100 workers each", Job(1000, 1_600_000, tile=0.6, round_trip=0.0003)),
    ]
    print(HEAD)
    for title, job in rows:
        if least <= job.nodes <= most:
            print(f"-- {title}")
            print(line_of(simulate(job, library, costs)), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Simulate a job on many nodes.")
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure", help="time the calls of the file system in a folder")
    measuring.add_argument("folder")
    running = commands.add_parser("run", help="simulate one job")
    for field in dataclasses.fields(Job):
        kind = {"action": "store_true"} if field.type in (bool, "bool") else {"type": type(field.default), "default": field.default}
        running.add_argument(f"--{field.name.replace('_', '-')}", **kind)
    tables = commands.add_parser("table", help="the table of docs/scale.md")
    tables.add_argument("--least", type=int, default=0, help="leave out rows with fewer nodes")
    tables.add_argument("--most", type=int, default=100_000, help="leave out rows with more nodes")
    options = parser.parse_args()
    if options.command == "measure":
        print(text_of(measure(options.folder)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(folder)
        if options.command == "table":
            table(library, LOCAL, options.least, options.most)
        else:
            given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Job)}
            print(HEAD)
            print(line_of(simulate(Job(**given), library)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
