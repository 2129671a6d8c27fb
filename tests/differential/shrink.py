"""Makes a case that fails smaller: fewer statements, smaller expressions, plainer memory, as long as it fails."""

import copy

import generator
from oracle import Number, Read, Refused

ROUNDS = 12
AT_ONCE = 40


def replaced(node, old, new):
    if node is old:
        return new
    children = [replaced(child, old, new) for child in node.children]
    if all(one is other for one, other in zip(children, node.children)):
        return node
    return node.with_children(children)


def every(node):
    yield node
    for child in node.children:
        yield from every(child)


def remade(case, statements):
    """The case with other statements; None where they make no sense."""
    made = copy.copy(case)
    made.statements = statements
    for name in ("arrays", "dims", "memory", "kinds", "wishes", "edges", "lengths", "parameters"):
        setattr(made, name, dict(getattr(case, name)))
    targets = {statement.target for statement in statements}
    read = {node.name for node in generator.nodes(made) if isinstance(node, Read)}
    if any(name.startswith("r") and name not in targets for name in read):
        return None
    for name in list(made.arrays):
        if name not in read and name not in targets:
            del made.arrays[name]
    made.parameters = {name: value for name, value in case.parameters.items()
                       if generator.uses(made, name)}  # fmt: skip
    used = generator.used_axes(made)
    made.lengths = {axis: length for axis, length in case.lengths.items() if axis in used}
    made.edges = {axis: edge for axis, edge in case.edges.items() if axis in used}
    made.free = set()
    try:
        context = made.context()
        for statement in statements:
            dtype = generator.oracle.dtype_of(statement.node.value(context)).name
            if statement.sign == "=" and statement.target not in made.wishes:
                made.kinds[statement.target] = dtype
            context.arrays[statement.target] = generator.numpy.zeros(
                [made.lengths[axis] for axis in statement.axes], made.kinds[statement.target])
        for statement in made.plan():
            if statement.target not in targets:
                made.kinds[statement.target] = generator.oracle.dtype_of(statement.node.value(context)).name
                made.memory[statement.target] = generator.plain_memory(len(statement.axes))
    except (Refused, KeyError, ValueError, IndexError):
        return None
    made.grids = [{}] + [{axis: where for axis, where in cuts.items() if axis in made.cuttable()}
                         for cuts in case.grids[1:]]  # fmt: skip
    return made


def candidates(case):
    """Cases that are a little smaller."""
    for k in range(len(case.statements)):
        yield remade(case, case.statements[:k] + case.statements[k + 1:]) if len(case.statements) > 1 else None
    for name, memory in case.memory.items():
        if name in case.arrays and (any(step != 1 for step in memory.steps) or any(memory.repeated)):
            made = remade(case, case.statements)
            if made is not None:
                made.memory[name] = generator.plain_memory(len(memory.order))
            yield made
    for k, statement in enumerate(case.statements):
        for node in every(statement.node):
            inner = [child for child in every(node) if child is not node]
            for new in inner[:4] + [Number("1", 1)]:
                other = replaced(statement.node, node, new)
                yield remade(case, [*case.statements[:k],
                                    generator.Statement(statement.target, statement.axes, statement.sign, other),
                                    *case.statements[k + 1:]])  # fmt: skip


def smaller(case, why, run):
    """The smallest case that still fails, and why. `run`: what is wrong with each of some cases."""
    for _ in range(ROUNDS):
        some = [made for made in candidates(case) if made is not None][:AT_ONCE]
        for n, made in enumerate(some):
            made.number = n
        wrong = run(some) if some else {}
        failing = [made for made in some if wrong[made.number] is not None and
                   ("tw_statement" not in wrong[made.number] or "tw_statement" in why)]  # fmt: skip
        for made in some:
            made.number = case.number
        if not failing:
            break
        kept = min(failing, key=lambda made: len(made.text()))
        position = some.index(kept)
        case, why = kept, wrong[position]
    return case, why
