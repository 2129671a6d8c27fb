"""Random statement lists with all that they need: operands, their memory, edges, parameters, lengths, grids."""

import random

import numpy

import oracle
from memory import make_memory, make_values, plain_memory
from oracle import (ARITHMETIC, COMPARISONS, EXACT, EXACT_OF_TWO, EXTREMES, LOGIC, TRANSCENDENTAL, TRANSCENDENTAL_OF_TWO, Binary,
                    Call, Cast, Chain, Index, Length, Number, Parameter, Read, Reduce, Refused, Select,
                    Unary)  # fmt: skip

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
          "float64", "complex64", "complex128"]  # fmt: skip
LENGTHS = [0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 33, 64, 100]
LONG = [127, 128, 129, 200, 511, 512, 513, 700, 1025]
MOST = 6000  # elements of a statement, reduced ones counted
LIMIT = 1 << 40


class Statement:
    def __init__(self, target, axes, sign, node):
        self.target, self.axes, self.sign, self.node = target, tuple(axes), sign, node

    def text(self):
        return f"{self.target}[{','.join(self.axes)}] {self.sign} {self.node.text()}"


class Case:
    """One statement list. arrays: inputs and inout operands; wishes: dtypes of outputs that are not the expression's;
    kinds: the dtype of every output; memory: how arrays lie in memory."""

    def __init__(self, number):
        self.number = number
        self.lengths, self.edges, self.parameters = {}, {}, {}
        self.arrays, self.dims, self.wishes, self.kinds, self.memory = {}, {}, {}, {}, {}
        self.statements = []
        self.free = set()  # axes whose length is not given, as operands say it
        self.grids = []

    def auxiliaries(self):
        """Statements that write the values of nodes which NumPy need not agree with bit by bit."""
        found = []
        for statement in self.statements:
            walk(statement.node, statement.axes, found, set())
        return found

    def plan(self):
        """All statements, each behind those that say what it was computed from."""
        plan = []
        for statement in self.statements:
            walk(statement.node, statement.axes, plan, {one.target for one in plan})
            plan.append(statement)
        return plan

    def text(self):
        return "; ".join(statement.text() for statement in self.plan())

    def context(self):
        return oracle.Context(list(self.lengths), self.lengths, dict(self.arrays), self.parameters, self.edges,
                              {(name, d) for name, dims in self.dims.items() for d, dim in enumerate(dims)
                               if isinstance(dim, str)})  # fmt: skip

    def cuttable(self):
        """Axes that every output has."""
        return set.intersection(*[set(statement.axes) for statement in self.plan()])


def walk(node, axes, found, names):
    inside = axes + tuple(a for a in node.axes if a not in axes) if isinstance(node, Reduce) else axes
    for child in node.children:
        walk(child, inside, found, names)
    if node.aux is not None and node.aux not in names:
        names.add(node.aux)
        found.append(Statement(node.aux, axes, "=", node))


# ---- expressions ----


class Builder:
    """Makes nodes from the leaves up. Each has its value by NumPy in `.now`, so that what NumPy refuses is seen at
    once."""

    def __init__(self, case, rng, numbers):
        self.case, self.rng, self.numbers = case, rng, numbers
        self.context = case.context()
        self.names = 0

    def finish(self, node, check=None):
        if isinstance(node, (Read, Number, Parameter, Length, Index, Reduce)):
            node.now = node.compute(self.context)
        else:
            try:
                node.now = self.context.lift(node.apply(*[child.now for child in node.children]))
            except (TypeError, OverflowError, ValueError, ZeroDivisionError) as error:
                raise Refused(str(error)) from None
        if oracle.is_weak(node.now) and abs(node.now) > 1e6 and abs(node.now) != float("inf"):
            raise Refused("a large number")
        if not oracle.is_weak(node.now) and node.now.dtype.name not in DTYPES:
            raise Refused(f"{node.now.dtype} is no dtype of ours")
        kind = oracle.dtype_of(node.now).kind
        node.check = check if kind in "fc" and not oracle.is_weak(node.now) else None
        if node.check is not None:
            self.names += 1
            node.aux = f"t{len(self.case.statements)}_{self.names}"
        return node

    def number(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.55:
            value = rng.choice([0, 1, 2, 3, 4, 5, 7, 8, 10, 100])
            return Number(str(value), value)
        if kind < 0.85:
            value = rng.choice([0.5, 0.25, 1.5, 2.0, 3.7, 1e-3, 0.1, 1e4, 0.0])
            return Number(repr(value), value)
        if kind < 0.9:
            value = rng.choice([2j, 0.5j])
            return Number(repr(value), value)
        text = rng.choice(["pi", "e", "inf", "nan", "True", "False"])
        return Number(text, {"pi": numpy.pi, "e": numpy.e, "inf": numpy.inf, "nan": numpy.nan, "True": True,
                             "False": False}[text])  # fmt: skip

    def read(self, scope, arrays=None):
        case, rng = self.case, self.rng
        names = arrays or [name for name, dims in case.dims.items()
                           if all(not isinstance(dim, str) or dim in scope for dim in dims)]  # fmt: skip
        if not names:
            return None
        name = rng.choice(names)
        indices = [({dim: 1}, 0) if isinstance(dim, str) else self.index(scope, dim, case.dims[name]) for dim in case.dims[name]]
        return Read(name, indices) if all(index is not None for index in indices) else None

    def index(self, scope, length, dims):
        """An index into a dimension that is read anyhow; None: there is none."""
        case, rng = self.case, self.rng
        for _ in range(12):
            terms, constant = {}, 0
            form = rng.random()
            axes = [a for a in scope]
            if form < 0.15 or not axes:
                constant = rng.randrange(length) if length else 0
            elif form < 0.65:
                terms, constant = {rng.choice(axes): 1}, rng.choice([-2, -1, -1, 0, 1, 1, 2, 3])
            elif form < 0.8:
                terms, constant = {rng.choice(axes): rng.choice([2, 3])}, rng.choice([-1, 0, 0, 1])
            elif form < 0.9:
                axis = rng.choice(axes)
                terms, constant = {axis: -1}, max(case.lengths[axis] - 1, 0) + rng.choice([0, 0, 0, 1])
                if rng.random() < 0.5:
                    terms[f"len({axis})"], constant = 1, constant - case.lengths[axis]
            elif len(axes) > 1:
                one, other = rng.sample(axes, 2)
                terms, constant = {one: rng.choice([1, 2, -1]), other: 1}, rng.choice([-1, 0, 1])
            whole = [name for name, value in case.parameters.items() if type(value) is int]
            if whole and rng.random() < 0.1:
                name = rng.choice(whole)
                terms[name], constant = 1, constant - case.parameters[name]
            own = {term: factor for term, factor in terms.items() if not oracle.is_fixed(term)}
            fixed = constant + sum(factor * (case.parameters[term] if term in case.parameters else
                                             case.lengths[term[4:-1]]) for term, factor in terms.items()
                                   if oracle.is_fixed(term))  # fmt: skip
            edges = {case.edges.get(axis, "error") for axis in own}
            if len(edges - {"error"}) > 1:
                continue
            if constant == 0 and terms == own and list(own.values()) == [1] and \
                    (case.lengths[min(own)] != length or min(own) in dims):  # fmt: skip
                continue  # read so everywhere, it would be cut along the axis
            edge = max(edges - {"error"}, default="error")
            if edge in oracle.NUMBERS or (edge != "error" and length):
                return terms, constant
            ends = [fixed + sum(factor * (case.lengths[axis] - 1) for axis, factor in own.items() if way * factor > 0)
                    for way in (-1, 1)]  # fmt: skip
            if length and all(case.lengths[axis] for axis in own) and 0 <= ends[0] and ends[1] < length:
                return terms, constant
        return ({}, self.rng.randrange(length)) if length else None

    def leaf(self, scope):
        rng = self.rng
        kind = rng.random()
        node = None
        if kind < 0.76:
            node = self.read(scope)
        elif kind < 0.8 and scope:
            node = Index(rng.choice(scope))
        elif kind < 0.83:
            node = Length(rng.choice(scope)) if scope else None
        elif kind < 0.86 and self.case.parameters:
            node = Parameter(rng.choice(list(self.case.parameters)))
        return self.finish(node or self.number())

    def build(self, depth, scope, reduced=0):
        """An expression of at most `depth` operations on top of each other."""
        if depth == 0:
            return self.leaf(scope)
        for _ in range(30):
            try:
                return self.operation(depth - 1 - self.rng.choice([0, 0, 0, 1]), scope, reduced)
            except Refused:
                continue
        return self.leaf(scope)

    def operation(self, depth, scope, reduced):
        rng = self.rng
        depth = max(depth, 0)

        def below():
            return self.build(depth, scope, reduced)

        kind = rng.random()
        if kind < 0.4:
            return self.binary(rng.choice(["+", "-", "*"] * 3 + list(ARITHMETIC) + list(LOGIC) + list(COMPARISONS)),
                               below(), below())  # fmt: skip
        if kind < 0.47:
            return self.finish(Unary(rng.choice(["-", "-", "+", "~", "not"]), below()))
        if kind < 0.5:
            signs = [rng.choice(["<", "<=", ">", ">=", "==", "!="]) for _ in range(2)]
            return self.finish(Chain(signs, [below(), below(), below()]))
        if kind < 0.58:
            return self.select(below(), below(), below())
        if kind < 0.64:
            return self.finish(Cast(rng.choice(DTYPES), below()))
        if kind < 0.72:
            name, child = rng.choice(list(EXACT)), below()
            is_complex = oracle.dtype_of(child.now).kind == "c"
            return self.finish(Call(name, [child]), "ulp" if is_complex and name in ("abs", "sign", "sqrt") else None)
        if kind < 0.75:
            return self.finish(Call(rng.choice(list(EXACT_OF_TWO)), [below(), below()]))
        if kind < 0.79:
            return self.finish(Call(rng.choice(list(EXTREMES)), [below(), below()]), "zero")
        if kind < 0.8:
            return self.clip(below(), below(), below())
        if kind < 0.88:
            return self.finish(Call(rng.choice(list(TRANSCENDENTAL)), [below()]), "ulp")
        if kind < 0.9:
            return self.finish(Call(rng.choice(list(TRANSCENDENTAL_OF_TWO)), [below(), below()]), "ulp")
        if kind < 0.91 or reduced >= 2:
            return self.finish(Call("sqrt", [self.finish(Call("abs", [below()]), "ulp")]), None) \
                if oracle.dtype_of(below().now).kind != "c" else below()  # fmt: skip
        return self.reduction(depth, scope, reduced)

    def binary(self, sign, left, right):
        if sign == "**":
            dtypes = [oracle.dtype_of(node.now) for node in (left, right) if not oracle.is_weak(node.now)]
            if all(dtype.kind in "biu" for dtype in dtypes) and oracle.dtype_of(right.now).kind in "biu":
                right = self.exponent(right)
            return self.finish(Binary(sign, left, right), "ulp")
        if oracle.is_weak(left.now) and oracle.is_weak(right.now) and \
                (sign not in oracle.PYTHONS or sign == "/" and not right.now):  # fmt: skip
            raise Refused("numbers alone")
        return self.finish(Binary(sign, left, right))

    def exponent(self, node):
        """A whole exponent that is not negative."""
        if oracle.is_weak(node.now):
            return self.finish(Number(str(abs(int(node.now)) % 6), abs(int(node.now)) % 6))
        seven = self.finish(Number("7", 7))
        return self.finish(Binary("&", node, seven))

    def select(self, condition, yes, no):
        for one, other in ((yes, no), (no, yes)):
            if oracle.is_weak(one.now) and isinstance(one.now, int) and not oracle.is_weak(other.now) and \
                    other.now.dtype.kind in "iu":  # fmt: skip
                info = numpy.iinfo(other.now.dtype)
                if not info.min <= one.now <= info.max:
                    raise Refused("NumPy would take the lowest bits")
        return self.finish(Select(condition, yes, no, self.rng.random() < 0.5))

    def clip(self, x, low, high):
        if oracle.is_weak(x.now) or "c" in [oracle.dtype_of(node.now).kind for node in (x, low, high)]:
            raise Refused("of arrays")
        return self.finish(Call("clip", [x, low, high]), "zero")

    def reduction(self, depth, scope, reduced):
        case, rng = self.case, self.rng
        inner = [axis for axis in case.lengths if axis.startswith("k") and axis not in scope]
        if not inner:
            raise Refused("no axis is left")
        axes = rng.sample(inner, min(len(inner), rng.choice([1, 1, 1, 2])))
        count = 1
        for axis in [*scope, *axes]:
            count *= case.lengths[axis]
        if count > MOST:
            raise Refused("too many elements")
        body = self.build(max(depth - 1, 0), [*scope, *axes], reduced + 1)
        name = rng.choice(list(oracle.REDUCTIONS) + ["sum", "sum"])
        if name in oracle.NEEDY and any(case.lengths[axis] == 0 for axis in axes):
            raise Refused("of no elements")
        ddof = rng.choice([None, None, 0, 1, 2.5]) if name in oracle.FREE else None
        return self.finish(Reduce(name, axes, body, ddof), "zero" if name in oracle.EXTREME else "sum")


# ---- cases ----


def add_operand(case, rng, numbers, name, axes):
    dims, shape = [], []
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3])):
        plain = [axis for axis in axes if axis not in dims]
        twice = [d for d, dim in enumerate(dims) if isinstance(dim, str)]
        if twice and rng.random() < 0.08:  # a diagonal: equal lengths, which are 1 now and then
            d = rng.choice(twice)
            dims.append(dims[d])
            shape.append(shape[d])
        elif plain and rng.random() < 0.65:
            axis = rng.choice(plain)
            dims.append(axis)
            shape.append(1 if rng.random() < 0.1 else case.lengths[axis])
        else:
            length = rng.choice([0, 1, 2, 3, 5, 6, 9]) if rng.random() < 0.3 else \
                max(case.lengths[rng.choice(axes)] * rng.choice([1, 1, 2]) + rng.choice([-1, 0, 0, 1, 2]), 0) if axes \
                else rng.randrange(4)  # fmt: skip
            dims.append(length)
            shape.append(length)
    while numpy.prod(shape, dtype=float) > MOST:
        dims.pop()
        shape.pop()
    if rng.random() < 0.5:
        order = list(range(len(dims)))
        rng.shuffle(order)
        dims, shape = [dims[d] for d in order], [shape[d] for d in order]
    case.dims[name] = dims
    case.memory[name] = make_memory(rng, shape, True)
    values = make_values(numbers, rng.choice(DTYPES), shape, rng.random() < 0.4)
    for d in range(len(shape)):
        if case.memory[name].repeated[d]:
            values = numpy.repeat(values.take([0], d), shape[d], d)
    case.arrays[name] = values


def make_axes(case, rng):
    outer = ["i", "j", "l"][: rng.choice([0, 1, 1, 1, 2, 2, 2, 2, 3])]
    count = 1
    for axis in outer:
        length = rng.choice(LENGTHS) if rng.random() < 0.85 or count > 8 else rng.choice(LONG)
        while count * length > 1500:
            length //= 3
        case.lengths[axis] = length
        count *= max(length, 1)
    for axis in ["k", "k2"][: rng.choice([0, 1, 1, 2])]:
        length = rng.choice(LENGTHS) if rng.random() < 0.8 else rng.choice(LONG)
        while count * length > MOST:
            length //= 3
        case.lengths[axis] = length
        count *= max(length, 1)
    for axis in case.lengths:
        if rng.random() < 0.5:
            case.edges[axis] = rng.choice(oracle.EDGES)
    return outer


def add_product_operands(case, rng, numbers):
    """What products of matrices are made of, long enough for all ways in which they are computed; the axes."""
    sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 33, 65]
    case.lengths = {"i": rng.choice(sizes), "j": rng.choice(sizes), "k": rng.choice([0, 1, 7, 8, 9, *LONG])}
    while case.lengths["i"] * case.lengths["j"] * case.lengths["k"] > 60000:
        case.lengths[rng.choice("ij")] //= 2
    kinds = rng.choice([["float64"], ["float64"], ["float32"], ["complex128"], ["int32"], DTYPES])
    for name, dims in (("a", ["i", "k"]), ("b", ["k", "j"])):
        rng.random() < 0.3 and dims.reverse()
        shape = [case.lengths[axis] for axis in dims]
        case.dims[name], case.memory[name] = dims, make_memory(rng, shape, False)
        case.arrays[name] = make_values(numbers, rng.choice(kinds), shape, rng.random() < 0.15)
    return ["i", "j"]


def make_product(builder, rng):
    """sum(k: a[i,k] * b[k,j]), alone or with more around it."""
    def read(name):
        return builder.finish(Read(name, [({axis: 1}, 0) for axis in builder.case.dims[name]]))

    body = builder.finish(Binary("*", read("a"), read("b")))
    if rng.random() < 0.3:
        body = builder.finish(Binary(rng.choice(["+", "*", "-"]), body, read(rng.choice("ab"))))
    node = builder.finish(Reduce("sum", ["k"], body), "sum")
    if rng.random() < 0.3:
        try:
            node = builder.finish(Binary("+", node, builder.build(1, ["i", "j"])))
        except Refused:
            pass  # a number that the sum's dtype does not hold
    return node


def add_statement(case, rng, numbers, builder, axes, is_product=False):
    k = len(case.statements)
    builder.context = case.context()
    builder.names = 0
    node = make_product(builder, rng) if is_product else \
        builder.build(rng.choice([1, 2, 2, 3, 3, 4]), list(axes))  # fmt: skip
    target = f"r{k}"
    natural = oracle.dtype_of(node.now)
    sign = "="
    order = list(axes)
    if rng.random() < 0.2:
        rng.shuffle(order)
    shape = [case.lengths[axis] for axis in order]
    if rng.random() < 0.15:
        sign, left = augmented(case, rng, numbers, builder, node, target, order, shape)
        if left is not None:
            case.arrays[target] = left
    elif rng.random() < 0.15:
        wish = rng.choice(DTYPES)
        if (natural.kind != "c" or numpy.dtype(wish).kind in "bc") and fits(node.now, wish):
            case.wishes[target] = wish
    case.kinds[target] = case.wishes.get(target, str(case.arrays[target].dtype) if target in case.arrays else
                                         natural.name)  # fmt: skip
    case.memory[target] = make_memory(rng, shape, False)
    case.statements.append(Statement(target, order, sign, node))
    # What comes after may read it, and its memory is by then what NumPy says.
    case.dims[target] = order
    value = numpy.broadcast_to(numpy.asarray(builder.context.lift(numpy.asarray(node.now))),
                               [case.lengths[a] if a in order else 1 for a in case.lengths])
    value = oracle.convert(value, case.kinds[target])
    kept = [d for d, a in enumerate(case.lengths) if a in order]
    value = value.reshape([value.shape[d] for d in kept]).transpose([[a for a in case.lengths if a in order].index(a)
                                                                      for a in order])  # fmt: skip
    case.after[target] = value


def fits(value, dtype):
    """A Python number that NumPy would put into an array of that dtype."""
    try:
        return not oracle.is_weak(value) or oracle.convert(value, dtype) is not None
    except OverflowError:
        return False


def augmented(case, rng, numbers, builder, node, target, axes, shape):
    """`r += e`: ("+=", what r has before), or ("=", None) where NumPy would refuse it."""
    dtype = rng.choice(DTYPES)
    signs = ["+", "-", "*", "/", "//", "%", "&", "|", "^"]
    rng.shuffle(signs)
    values = make_values(numbers, dtype, shape, rng.random() < 0.3)
    for sign in signs[:4]:
        left = Number("", None)
        left.now = builder.context.lift(numpy.zeros((), dtype)) if values.ndim == 0 else \
            numpy.zeros([1] * len(case.lengths), dtype)  # fmt: skip
        try:
            result = builder.finish(Binary(sign, left, node)).now
        except Refused:
            continue
        if numpy.can_cast(result.dtype, dtype, "same_kind"):
            return sign + "=", values
    return "=", None


def make_case(seed, number):
    """The case of a seed and a number, always the same."""
    rng = random.Random(f"{seed}:{number}")
    numbers = numpy.random.default_rng([seed, number])
    case = Case(number)
    case.after = {}
    is_product = rng.random() < 0.06
    axes = add_product_operands(case, rng, numbers) if is_product else make_axes(case, rng)
    for name in ["a", "b", "c", "d"][: rng.choice([1, 2, 2, 3, 3, 4])] if not is_product else []:
        add_operand(case, rng, numbers, name, list(case.lengths))
    for name in ["p", "q"][: rng.choice([0, 0, 1, 2])]:
        case.parameters[name] = rng.choice([2, 3, 0.5, -1.25, 7, 1.5 + 2j, True])
    builder = Builder(case, rng, numbers)
    for count in range(rng.choice([1, 1, 2, 2, 3])):
        # Now and then a result along an axis that others reduce.
        inner = [axis for axis in case.lengths if axis[0] == "k"]
        own = axes + ([rng.choice(inner)] if inner and not is_product and rng.random() < 0.12 else [])
        context_arrays = {**case.arrays, **case.after}
        saved, case.arrays = case.arrays, context_arrays
        saved_inputs = dict(saved)
        add_statement(case, rng, numbers, builder, own, is_product and count == 0)
        target = case.statements[-1].target
        case.arrays = saved_inputs
        if case.statements[-1].sign != "=":
            case.arrays[target] = context_arrays[target]
    case.parameters = {name: value for name, value in case.parameters.items() if uses(case, name)}
    read = {node.name for node in nodes(case) if isinstance(node, Read)}
    for name in list(case.arrays):
        if name[0] in "abcd" and name not in read:
            del case.arrays[name], case.dims[name], case.memory[name]
    finish_case(case, rng)
    return case


def nodes(case):
    stack = [statement.node for statement in case.statements]
    while stack:
        node = stack.pop()
        stack.extend(node.children)
        yield node


def uses(case, name):
    """Whether a parameter occurs."""
    return any(isinstance(node, Parameter) and node.name == name or
               isinstance(node, Read) and any(name in terms for terms, _ in node.indices)
               for node in nodes(case))  # fmt: skip


def used_axes(case):
    used = set()
    for node in nodes(case):
        used |= {node.axis} if isinstance(node, (Index, Length)) else set()
        used |= set(node.axes) if isinstance(node, Reduce) else set()
        used |= {a[4:-1] if a.startswith("len(") else a for terms, _ in node.indices for a in terms
                 if a.startswith("len(") or not oracle.is_fixed(a)} if isinstance(node, Read) else set()  # fmt: skip
    return used | {a for statement in case.statements for a in statement.axes}


def finish_case(case, rng):
    """Memory of the auxiliary arrays, which lengths need not be given, and the grids."""
    for statement in case.statements:
        if statement.sign == "=" and statement.target not in case.wishes:
            statement.node.aux = None  # the statement's own target is looked at
    used = used_axes(case)
    case.lengths = {axis: length for axis, length in case.lengths.items() if axis in used}
    case.edges = {axis: edge for axis, edge in case.edges.items() if axis in used}
    for statement in case.plan():
        if statement.target not in case.memory:
            case.memory[statement.target] = plain_memory(len(statement.axes))
            case.kinds[statement.target] = statement.node.now.dtype.name
    said = {dim for name, dims in case.dims.items() if name in case.arrays for d, dim in enumerate(dims)
            if isinstance(dim, str) and case.arrays[name].shape[d] == case.lengths[dim] != 1}  # fmt: skip
    case.free = {axis for axis in case.lengths if axis in said and rng.random() < 0.6}
    cuttable = sorted(case.cuttable())
    case.grids = [{}]
    for _ in range(2):
        cuts = {}
        for axis in cuttable:
            places = range(1, case.lengths[axis])
            if len(places) and rng.random() < 0.8:
                cuts[axis] = sorted(rng.sample(places, min(len(places), rng.choice([1, 1, 2, 3, 5]))))
        if cuts:
            case.grids.append(cuts)
