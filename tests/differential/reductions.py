"""Random reductions, divided at random: `reductions.py BUILD [--seed N] [--case K [--scale S]]`. Prints TAP.

Each case is one statement, or a short list, over axes of 0 to 10^6 elements in all. It is computed serially as one tile;
then divided at random (cuts, parts, tiles of any axes, reduced ones too, or by its work), on serial pools, threads and
processes of 1 to 64 workers, it must give the same bits. What NumPy says is compared within what docs/notation.md
promises. One case of ten is a kernel in C, whose partials are folded: see kernels.py. Eight cases have one text and its dtypes, so that it is compiled once.

Every case is made from the seed, its number and the scale of its lengths alone. One that fails is made again with
shorter axes as long as it fails, and printed with the command that runs it again."""

import argparse
import collections
import concurrent.futures
import ctypes
import math
import multiprocessing
import os
import pathlib
import random
import sys
import tempfile
import time
import traceback

import numpy

import batch
import generator
import oracle
from batch import Loaded, Wrong
from judge import judge
from kernels import KernelCase, KernelText
from memory import make_memory, make_values, plain_memory
from oracle import Binary, Call, Read, Reduce, Refused, Select
from templates import choose_template

CASES = 5_000
ALIKE = 8  # cases of one text
MOST = 1_000_000  # elements
POOLS = [None, ("threads", 1), ("threads", 2), ("threads", 3), ("threads", 64), ("processes", 1), ("processes", 2),
         ("processes", 5), ("processes", 64)]  # fmt: skip
SHARES = [6, 1, 4, 2, 2, 1, 3, 2, 1]
SHOWN = 100  # failures
PATIENCE = 900  # seconds, for a batch


class Case(generator.Case):
    """divisions: [(splits, pool)], splits {axis: ("cuts", [...]) or ("parts", n) or ("tile", n)}; {}: by its work."""

    template = None

    def text(self):
        return self.template.text if self.template else super().text()

    def plan(self):
        return self.template.targets if self.template else super().plan()

    def judge(self, outputs):
        if self.template is None:
            judge(self, outputs)
            return
        with numpy.errstate(all="ignore"):
            expected = self.template.compute(**{name: array.astype("longdouble") for name, array in self.arrays.items()})
        eps = numpy.finfo(self.template.dtype).eps
        for name, right in expected.items():
            worst = abs(outputs[name] - right).max(initial=0)
            if not worst <= 200 * eps * abs(right).max(initial=1):
                raise Wrong(f"{name} is {worst:.3g} from NumPy's, whose largest is {abs(right).max(initial=0):.3g}")


# ---- one statement ----


def make_text(rng):
    """What the cases of one text have in common."""
    outer = rng.choice([[], [], ["i"], ["i"], ["i"], ["i", "j"]])
    inner = rng.choice([["k"], ["k"], ["k"], ["k", "l"], ["k", "l"], ["k", "l", "m"]])
    axes = outer + inner
    dims = rng.sample(axes, len(axes))
    name = rng.choice([*oracle.REDUCTIONS, "sum", "sum", "mean", "var", "max", "argmax"])
    dtype = rng.choice([*generator.DTYPES, "float64", "float64", "float32"])
    some = [axis for axis in dims if rng.random() < 0.5]
    form = rng.random()

    def read(operand, places, shift=None):
        return Read(operand, [({axis: 1}, shift[1] if shift and shift[0] == axis else 0) for axis in places])

    operands, edges = {"a": list(dims)}, {}
    if form < 0.5:
        body = read("a", dims)
    elif form < 0.7:
        operands["b"] = some
        body = Binary(rng.choice(["*", "*", "+", "-"]), read("a", dims), read("b", some))
    elif form < 0.8 and "complex" not in dtype:  # whose absolute value is not NumPy's to the bit
        body = Call("abs", [read("a", dims)])
    elif form < 0.9:
        operands["b"] = some
        body = Select(Binary("<", read("b", some), read("a", dims)), read("a", dims), read("b", some), True)
    else:
        shifted = rng.choice(dims)
        edges = {shifted: rng.choice(oracle.EDGES)}
        body = read("a", dims, (shifted, rng.choice([-2, -1, 1, 3])))
    ddof = rng.choice([None, None, 1, 2.5]) if name in oracle.FREE else None
    node = Reduce(name, rng.sample(inner, len(inner)), body, ddof)
    return node, rng.sample(outer, len(outer)), axes, operands, edges, dtype


def make_lengths(rng, axes, most):
    """As many elements in all as `most` at most, of all sizes; about one case of 20 has an empty axis."""
    total = most ** rng.choice([rng.random(), rng.random(), 0.9 + rng.random() / 10])
    weights = [rng.random() ** 2 for _ in axes]
    lengths = {axis: max(1, round(total ** (weight / sum(weights)))) for axis, weight in zip(axes, weights)}
    if rng.random() < 0.3:
        axis = rng.choice(axes)
        lengths[axis] = min(lengths[axis], rng.choice([1, 2, 7, 8, 9, 127, 128, 129, 136, 255, 257, 1021]))
    if rng.random() < 0.05:
        lengths[rng.choice(axes)] = 0
    return lengths


def make_division(rng, lengths):
    splits = {}
    if rng.random() < 0.2:
        return splits
    for axis, length in lengths.items():
        if length < 2 or rng.random() < 0.35:
            continue
        how = rng.random()
        if how < 0.45:
            places = {rng.randrange(1, length) for _ in range(rng.choice([1, 1, 2, 3, 5, 17]))}
            splits[axis] = "cuts", sorted(places)
        elif how < 0.75:
            splits[axis] = "parts", min(length, rng.choice([2, 3, 4, 7, 16]))
        else:
            splits[axis] = "tile", max(1, length // rng.choice([2, 3, 5, 9, 30]))
    return splits


def make_divisions(rng, lengths, most_tiles=3000):
    divisions = []
    for _ in range(2):
        splits = make_division(rng, lengths)
        tiles = math.prod(len(how[1]) + 1 if how[0] == "cuts" else how[1] if how[0] == "parts" else
                          -(-lengths[axis] // how[1]) for axis, how in splits.items())  # fmt: skip
        if tiles <= most_tiles:
            divisions.append((splits, rng.choices(POOLS, SHARES)[0]))
    return divisions


def make_operand(case, rng, numbers, name, dims, dtype, has_nan):
    shape = [case.lengths[axis] for axis in dims]
    size = math.prod(shape)
    case.dims[name] = [axis if axis not in case.edges else None for axis in dims]
    case.memory[name] = make_memory(rng, shape, True) if size < 200_000 else plain_memory(len(shape))
    values = make_values(numbers, dtype, shape, size < 200_000 and rng.random() < 0.25)
    if has_nan and numpy.dtype(dtype).kind in "fc":
        values = numpy.where(numbers.random(shape) < 0.3, numpy.asarray(numpy.nan, dtype), values)
    for d in range(len(shape)):
        if case.memory[name].repeated[d]:
            values = numpy.repeat(values.take([0], d), shape[d], d)
    case.arrays[name] = values


def make_plain(case, rng, numbers, common, most):
    node, target, axes, operands, edges, dtype = common
    case.lengths = make_lengths(rng, axes, most)
    case.edges = edges
    if node.name in oracle.NEEDY:
        case.lengths.update({axis: max(case.lengths[axis], 1) for axis in node.axes})
    for axis in edges:  # the nearest of no elements is none
        case.lengths[axis] = max(case.lengths[axis], 1)
    has_nan = node.name.startswith("nan") and rng.random() < 0.7
    for name, dims in operands.items():
        make_operand(case, rng, numbers, name, dims, dtype, has_nan)
    value = node.compute(case.context())
    case.kinds["r"] = value.dtype.name
    if value.dtype.kind in "fc" and node.name not in ("argmin", "argmax", "any", "all", "count_nonzero"):
        node.check = "zero" if node.name in oracle.EXTREME else "sum"
    case.memory["r"] = plain_memory(len(target))
    case.statements = [generator.Statement("r", target, "=", node)]


# ---- templates ----


def make_template(case, rng, numbers, template, most):
    case.template = template
    sizes = make_lengths(rng, sorted({size for dims in template.operands.values() for size in dims}),
                         min(most, template.most))
    sizes = {size: max(length, template.least) for size, length in sizes.items()}
    for name, dims in template.operands.items():
        shape = [sizes[size] for size in dims]
        case.memory[name] = make_memory(rng, shape, False) if math.prod(shape) < 200_000 else plain_memory(len(shape))
        case.arrays[name] = numbers.uniform(0.5, 1.5, shape).astype(template.dtype)
    case.lengths = {axis: sizes[size] for axis, size in template.axes.items()}
    case.free = set(case.lengths)  # the operands say all of them
    for target in template.targets:
        case.kinds[target.target] = template.dtype
        case.memory.setdefault(target.target, plain_memory(len(target.axes)))


def make_case(seed, number, scale=1.0):
    """The case of a seed, a number and a scale of its lengths, always the same."""
    common = random.Random(f"{seed}:{number // ALIKE}:text")
    rng = random.Random(f"{seed}:{number}")
    most = max(4, MOST * scale)
    kind = common.random()
    is_template = kind < 0.2
    if kind > 0.9:
        numbers, kernel = numpy.random.default_rng([seed, number]), KernelText(common)
        case = KernelCase(kernel, number, rng, numbers, make_lengths(rng, list(kernel.axes), most), scale)
        case.divisions = make_divisions(rng, case.lengths)
        return case
    text = choose_template(common) if is_template else make_text(common)
    for attempt in range(100):
        numbers = numpy.random.default_rng([seed, number, attempt])
        case = Case(number)
        case.scale = scale
        try:
            if is_template:
                make_template(case, rng, numbers, text, most)
            else:
                make_plain(case, rng, numbers, text, most)
        except Refused:
            if attempt % 10 == 9 and not is_template:
                text = make_text(common)
            continue
        case.divisions = make_divisions(rng, case.lengths)
        return case
    raise AssertionError(f"no case {number} of seed {seed}")


# ---- runs ----


class Divided(Loaded):
    """A case that is run as one tile, then by grids of tw_statement_grid."""

    def grid(self, splits):
        calls = self.library.calls
        made = batch.statements.splits_of(splits)
        grid = ctypes.c_void_p()
        self.call("tw_statement_grid", ctypes.byref(grid), self.handle, self.lengths, made, ctypes.c_size_t(len(splits)),
                  None)  # fmt: skip
        self.tiles = calls.tw_grid_count(grid)
        return grid

    def run_divided(self, splits, pool):
        calls = self.library.calls
        handles, grid = (ctypes.c_void_p * len(self.names))(), ctypes.c_void_p()
        for name in self.outputs:
            self.wholes[name].view("uint8")[:] = numpy.frombuffer(self.before[name], "uint8")
        try:
            for k, name in enumerate(self.names):
                self.call("tw_array_wrap", ctypes.byref(handles, k * 8), ctypes.byref(self.library.view(self.views[name])))
            grid = self.grid(splits)
            self.call("tw_run", pool, self.kernel, grid, handles, None, None)
        finally:
            calls.tw_grid_destroy(grid)
            for handle in handles:
                calls.tw_array_destroy(ctypes.c_void_p(handle))

    def compute(self, open_pool):
        """The outputs of one tile, and that every division gives the same bits."""
        self.run({})
        found = {name: numpy.array(self.views[name]) for name in self.outputs}
        after = {name: self.wholes[name].tobytes() for name in self.outputs}
        for splits, pool in self.case.divisions:
            what = f"divided by {splits or 'its work'} on {'a serial pool' if pool is None else '%s, %d workers' % pool}"
            try:
                self.run_divided(splits, open_pool(pool))
            except Wrong as error:
                raise Wrong(f"{what}: {error}") from None
            for name in self.outputs:
                if self.wholes[name].tobytes() != after[name]:
                    now = numpy.array(self.views[name])
                    wrong = ~((now == found[name]) | ((now != now) & (found[name] != found[name])))
                    raise Wrong(f"{what} ({self.tiles} tiles): {name} has other bits; {int(wrong.sum())} of {wrong.size} "
                                f"elements have other values")
        return found


class Pools:
    """Pools that are opened once each."""

    def __init__(self, library):
        self.library, self.open = library, {None: None}

    def __call__(self, wanted):
        if wanted not in self.open:
            pool = ctypes.c_void_p()
            kind, workers = wanted
            heap = 1 << 30 if kind == "processes" else 0
            options = batch.statements.PoolOptions(int(kind == "processes"), workers, heap)
            self.library.check(self.library.calls.tw_pool_open(ctypes.byref(pool), ctypes.byref(options),
                                                               self.library.errors()))
            self.open[wanted] = pool
        return self.open[wanted]


def check_case(library, pools, case):
    """What is wrong with a case; None: nothing."""
    loaded = None
    try:
        if isinstance(case, KernelCase):
            case.check(library, pools)
            return None
        loaded = Divided(library, case)
        loaded.compile()
        case.judge(loaded.compute(pools))
    except Wrong as error:
        return str(error)
    finally:
        if loaded is not None:
            loaded.close()
    return None


def smaller(library, pools, case, why, seed):
    """The case at the smallest scale at which it fails too."""
    for scale in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        if scale < case.scale:
            made = make_case(seed, case.number, scale)
            now = check_case(library, pools, made)
            if now is not None:
                return made, now
    return case, why


def describe(case, seed, why):
    lines = [f"statement: {case.text()}", f"  lengths {case.lengths}" + (f", edges {case.edges}" if case.edges else "")]
    lines += [f"  {name}: {values.dtype} {values.shape} ({case.memory[name].text()})" for name, values in case.arrays.items()]
    scale = "" if case.scale == 1 else f" --scale {case.scale}"
    return "\n".join([*lines, f"  {why}", f"  again: --seed {seed} --case {case.number}{scale}"])


# ---- batches ----


def look_at(build, seed, numbers, scale, folder):
    numpy.seterr(all="ignore")
    library = batch.open_library(build, folder)
    pools = Pools(library)
    counts, failures = collections.Counter(), []
    for number in numbers:
        pathlib.Path(folder, "running").write_text(str(number))
        case = make_case(seed, number, scale)
        counts["cases"] += 1
        counts["runs"] += len(case.divisions)
        counts["elements"] += max((array.size for array in case.arrays.values()), default=0)
        why = check_case(library, pools, case)
        if why is not None:
            case, why = smaller(library, pools, case, why, seed)
            failures.append(describe(case, seed, why))
    return counts, failures


def work(build, seed, numbers, scale, folder, sender):
    try:
        sender.send(look_at(build, seed, numbers, scale, folder))
    except Exception:  # a mistake in here
        sender.send((collections.Counter(), [f"cases {numbers[0]} to {numbers[-1]}: {traceback.format_exc()}"]))


def run_batch(build, seed, numbers, scale):
    """In a process of its own: a crash, or one that does not end, is a failure of the case that was running."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="reductions-") as folder:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(build, seed, numbers, scale, folder, sender))
        process.start()
        sender.close()
        try:
            if receiver.poll(PATIENCE):
                return receiver.recv()
            process.kill()
            why = f"does not end: {PATIENCE} seconds for {len(numbers)} cases"
        except EOFError:
            process.join()
            why = f"crashed: the process ended with {process.exitcode}"
        finally:
            process.join()
        running = pathlib.Path(folder, "running")
        number = int(running.read_text()) if running.exists() else numbers[0]
        return collections.Counter(), [describe(make_case(seed, number, scale), seed, why)]


def main():
    parser = argparse.ArgumentParser(description="Random reductions, divided at random.")
    parser.add_argument("build", help="build folder of Tilework")
    parser.add_argument("--seed", type=int, help="default: another one every time")
    parser.add_argument("--case", type=int, help="this case alone")
    parser.add_argument("--scale", type=float, default=1.0, help="of the lengths")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    build = str(pathlib.Path(options.build).resolve())
    print(f"# seed {seed}", flush=True)
    began = time.monotonic()
    size = max(ALIKE, min(200, -(-options.cases // options.workers // ALIKE) * ALIKE))
    batches = [range(first, min(first + size, options.cases)) for first in range(0, options.cases, size)] \
        if options.case is None else [[options.case]]  # fmt: skip
    total, failures = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(options.workers) as workers:
        for counts, wrong in workers.map(lambda numbers: run_batch(build, seed, numbers, options.scale), batches):
            total += counts
            for text in wrong[: max(0, SHOWN - len(failures))]:
                print("# " + text.replace("\n", "\n# "), flush=True)
            failures += wrong
    print(f"# {total['cases']:,} random reductions, {total['runs']:,} divided runs, {total['elements']:,} elements in "
          f"{time.monotonic() - began:.0f} s, {len(failures)} failed")
    print(f"{'not ' if failures else ''}ok 1 - reductions have the bits of one serial tile, and NumPy's values (seed {seed})")
    enough = options.case is not None or total["cases"] >= options.cases
    print(f"{'' if enough else 'not '}ok 2 - as many reductions as asked for were run\n1..2")
    return 1 if failures or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
