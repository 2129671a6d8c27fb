"""Whether what a case gave is what NumPy says, statement after statement.

What NumPy need not agree with bit by bit (functions, sums of floats) was written to an array of its own by the same
statement list: it is compared within what is promised of it, then taken as it is, so that all that was computed from it
must be exact again."""

import numpy

import compare
import oracle
from batch import Wrong
from oracle import Binary, Number


def arrange(array, axes, context):
    """An output as a value: one dimension for each axis of the context."""
    order = sorted(range(len(axes)), key=lambda d: context.axes.index(axes[d]))
    shape = [context.lengths[axis] if axis in axes else 1 for axis in context.axes]
    return array.transpose(order).reshape(shape)


def complain(statement, context, found, wrong, expected):
    where = tuple(int(n) for n in numpy.argwhere(wrong)[0])
    place = ", ".join(f"{axis}={n}" for axis, n in zip(context.axes, where) if axis in statement.axes)
    right = "" if expected is None else f", not {numpy.broadcast_to(expected, found.shape)[where]!r}"
    raise Wrong(f"{statement.target} at {place or 'its place'} is {found[where]!r}{right}; "
                f"{int(wrong.sum())} of {wrong.size} elements are wrong\n  in {statement.text()}")


def judge(case, outputs):
    context = case.context()
    for statement in case.plan():
        node, target = statement.node, statement.target
        found = arrange(outputs[target], statement.axes, context)
        is_auxiliary = node.aux == target
        is_near = node.check is not None and found.dtype.kind in "fc"
        if is_near and (is_auxiliary or (node.aux is None and statement.sign == "=")):
            wrong, expected = compare.wrong_value(node, context, found), node.compute(context)
        else:
            expected = numpy.asarray(context.lift(value_of(case, statement, context)))
            expected = numpy.broadcast_to(oracle.convert(expected, case.kinds[target]), found.shape)
            wrong = compare.differ(found, expected)
        if wrong.any():
            complain(statement, context, found, wrong, expected)
        if is_auxiliary:
            context.known[target] = found
        else:
            context.arrays[target] = outputs[target]


def value_of(case, statement, context):
    value = statement.node.value(context)
    if statement.sign == "=":
        return value if not oracle.is_weak(value) else oracle.convert(value, oracle.dtype_of(value))
    before = Number("", None)
    before.compute = lambda _: arrange(case.arrays[statement.target], statement.axes, context)
    return Binary(statement.sign[:-1], before, statement.node).compute(context)
