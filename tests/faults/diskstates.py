"""What a power cut may leave on a disk, from a log of tests/faults/disklog.c. Knows files and folders, not jobs.

The rules, as loose as a file system may be that keeps POSIX's promises:
- What a file had when a sync of it began is there, once that sync has ended.
- What came after it is there or not: each unit of 512 bytes by itself, in any of the versions that it has had.
- A file's length likewise, apart from its contents; what was never written is zeros. Shortening a file is one step:
  what is written after it is there only if the shortening is.
- Each entry of the folder is made, renamed or removed by itself, in any choice, until the folder is synced.
"""

import hashlib
import struct
from collections import defaultdict

UNIT = 512
PAGE = 8  # units
STORE_TICKS = 30  # of those in which nothing happened but stores
EVENT = struct.Struct("<IIQQqq")


class Epoch:
    """A file between two shortenings."""

    def __init__(self, tick, size):
        self.tick = tick
        self.sizes = [(tick, size)]
        self.units = defaultdict(list)  # {number: [(tick, bytes)]}


class Disk:
    """One log, behind a folder whose files, {name: (inode, contents)}, were safe when it began."""

    def __init__(self, log, files, folder):
        self.folder = folder
        self.names = {name: inode for name, (inode, _) in files.items()}
        self.files = {}
        self.changes = []  # of the folder: (tick, kind, inode, names)
        self.syncs = defaultdict(list)  # {inode: [(begun, ended)]}
        self.marks = set()  # ticks in which something but a store happened
        self.last = 0
        for inode, contents in files.values():
            epoch = Epoch(0, len(contents))
            for at in range(0, len(contents), UNIT):
                epoch.units[at // UNIT].append((0, contents[at:at + UNIT].ljust(UNIT, b"\0")))
            self.files[inode] = [epoch]
        begun = {}
        at = 0
        while at < len(log):
            code, length, tick, inode, a, b = EVENT.unpack_from(log, at)
            at += EVENT.size + length
            self.add(chr(code), tick, inode, a, b, log[at - length:at], begun)

    def add(self, kind, tick, inode, a, b, data, begun):
        self.last = tick
        if kind != "S":
            self.marks.add(tick)
        if kind == "C":
            self.files.setdefault(inode, [Epoch(tick, 0)])
        if kind == "S":
            self.files[inode][-1].units[a // UNIT].append((tick, data))
        elif kind == "Z" and a < b:
            self.files[inode].append(Epoch(tick, a))
            for unit, versions in self.files[inode][-2].units.items():
                if unit * UNIT < a:  # what is left of it
                    self.files[inode][-1].units[unit].append((tick, versions[-1][1]))
        elif kind == "Z":
            self.files[inode][-1].sizes.append((tick, a))
        elif kind == "B":
            begun[a] = tick
        elif kind == "E":
            if b == 0:
                self.syncs[inode].append((begun[a], tick))
        else:
            self.changes.append((tick, kind, inode, data.decode().split("\0")))

    def safe_at(self, inode, tick):
        """The last tick whose contents are safe."""
        return max((begun for begun, ended in self.syncs[inode] if ended <= tick), default=0)

    def moment(self, tick):
        return Moment(self, tick)


def last(versions, tick, otherwise):
    """Of [(tick, value)], the value then."""
    for when, value in reversed(versions):
        if when <= tick:
            return value
    return otherwise


class Part:
    """One file at one moment, in one of its epochs: what is safe, what is newest, what lies between."""

    def __init__(self, epoch, low, high):
        none = bytes(UNIT)
        self.old_size, self.new_size = last(epoch.sizes, low, epoch.sizes[0][1]), last(epoch.sizes, high, 0)
        self.options = {}  # {unit: [contents]}: those that may have changed, oldest first
        self.units = {}
        for unit, versions in epoch.units.items():
            base = last(versions, low, none)
            later = [data for when, data in versions if low < when <= high]
            self.units[unit] = base
            if later:
                self.options[unit] = [base, *later]
        self.grain = PAGE if max(self.old_size, self.new_size) > PAGE * UNIT else 1
        self.pages = sorted({unit // self.grain for unit in self.options})

    def build(self, size_is_new, pick):
        """pick(unit): which of its options."""
        size = self.new_size if size_is_new else self.old_size
        units = dict(self.units)
        for unit, options in self.options.items():
            units[unit] = options[pick(unit)]
        data = bytearray(size)
        for unit, contents in units.items():
            at = unit * UNIT
            if at < size:
                data[at:at + UNIT] = contents[:size - at]
        return bytes(data)


class Moment:
    """All that may be on the disk if the power is cut right after a tick."""

    def __init__(self, disk, tick):
        self.disk = disk
        self.tick = tick
        self.parts, self.epochs = {}, {}
        for inode, epochs in disk.files.items():
            low = disk.safe_at(inode, tick)
            first = max((k for k, epoch in enumerate(epochs) if epoch.tick <= low), default=0)
            begun = [k for k, epoch in enumerate(epochs) if epoch.tick <= tick and k >= first]
            for k in begun:
                high = min(tick, epochs[k + 1].tick - 1) if k + 1 < len(epochs) else tick
                self.parts[inode, k] = Part(epochs[k], max(low, epochs[k].tick), high)
            if begun:
                self.epochs[inode] = begun
        safe = disk.safe_at(disk.folder, tick)
        self.changes = [(change, change[0] <= safe) for change in disk.changes if change[0] <= tick]

    def units(self):
        """What is there or not, each by itself: ("page", inode, page), ("size", inode), ("epoch", inode), ("entry", k).
        The pages of a small file are its units."""
        found = [("entry", k) for k, (_, safe) in enumerate(self.changes) if not safe]
        for inode, epochs in self.epochs.items():
            part = self.parts[inode, epochs[-1]]
            found += [("page", inode, page) for page in part.pages]
            found += [("size", inode)] * (part.old_size != part.new_size) + [("epoch", inode)] * (len(epochs) > 1)
        return found

    def entries(self, is_there):
        names = dict(self.disk.names)
        for k, ((_, kind, inode, words), safe) in enumerate(self.changes):
            if not safe and not is_there(k):
                continue
            if kind == "U":
                names.pop(words[0], None)
            else:
                names[words[-1]] = inode
            if kind == "R" and names.get(words[0]) == inode:
                del names[words[0]]
        return names

    def state(self, is_new):
        """The state in which exactly the units for which is_new(unit) holds are there: {name: (inode, contents)}."""
        files = {}
        for name, inode in self.entries(lambda k: is_new(("entry", k))).items():
            epochs = self.epochs[inode]
            k = epochs[-1] if len(epochs) == 1 or is_new(("epoch", inode)) else epochs[0]

            def pick(unit, inode=inode, grain=self.parts[inode, k].grain):
                return -1 if is_new(("page", inode, unit // grain)) else 0
            files[name] = (inode, self.parts[inode, k].build(is_new(("size", inode)), pick))
        return files

    def random_state(self, random):
        """Any choice; pages are torn or whole."""
        share = random.choice((0.05, 0.3, 0.5, 0.7, 0.95))
        torn = random.choice((0, 0.3, 1))
        files = {}
        for name, inode in self.entries(lambda k: random.random() < share).items():
            part = self.parts[inode, random.choice(self.epochs[inode])]
            whole = {page: -(random.random() < share) for page in part.pages if random.random() >= torn}

            def pick(unit, part=part, whole=whole):
                if unit // part.grain in whole:
                    return whole[unit // part.grain]
                return random.randrange(1, len(part.options[unit])) if random.random() < share else 0
            files[name] = (inode, part.build(random.random() < share, pick))
        return files

    def safe_contents(self, inode):
        """The contents that a file has in every state of this moment, but for what is newer."""
        return self.parts[inode, self.epochs[inode][0]].build(False, lambda unit: 0) if inode in self.epochs else b""


def digest(state):
    sums = hashlib.blake2b(digest_size=16)
    for name, (_, contents) in sorted(state.items()):
        sums.update(f"{name} {len(contents)} ".encode() + contents)
    return sums.digest()


def states(disk, random, most, ticks=None):
    """Different states, at most `most`, as [(tick, state)], and how many of them are systematic: at each of the ticks,
    everything, nothing, everything but one unit, nothing but one unit. The others are any choice at any tick. Without
    `ticks`: those in which more happened than stores, and some of the others."""
    where = ticks or range(1, disk.last + 1)
    is_whole, room = ticks is None, most * 4 // 5
    if is_whole:
        rest = [tick for tick in where if tick not in disk.marks]
        ticks = sorted(disk.marks) + random.sample(rest, min(len(rest), STORE_TICKS))
    moments = {tick: disk.moment(tick) for tick in ticks}
    first, then = [], []
    for tick, moment in moments.items():
        first += [(tick, lambda unit: True), (tick, lambda unit: False)]
        for one in moment.units():
            then += [(tick, lambda unit, one=one: unit == one), (tick, lambda unit, one=one: unit != one)]
    random.shuffle(then)
    if is_whole and len(first) > room:  # some of each kind, at ticks from the beginning to the end
        first = random.sample(first, room // 2)
    found, chosen = set(), []

    def take(tick, state):
        key = digest(state)
        if key not in found:
            found.add(key)
            chosen.append((tick, state))
    for tick, is_new in first + then:
        if len(chosen) >= room:
            break
        take(tick, moments[tick].state(is_new))
    systematic = len(chosen)
    for _ in range(most * 4):
        if len(chosen) >= most:
            break
        tick = random.choice(where)
        take(tick, (moments.get(tick) or disk.moment(tick)).random_state(random))
    return chosen, systematic
