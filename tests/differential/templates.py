"""Statements that read reductions of what they are about: softmax, scores, lists, arrays that are overwritten. Each has
what NumPy computes for it."""

import numpy

from generator import Statement


class Template:
    """operands: {name: sizes of its dimensions}, a size is a letter; axes: {axis: its size}; targets: {name: axes};
    most: elements of an operand, where one tile computes a reduction again for each element; least: the smallest length,
    where few elements may be so close to each other that nothing is left of their difference."""

    def __init__(self, text, operands, axes, targets, compute, most=1e9, least=2):
        self.text, self.operands, self.axes, self.compute = text, operands, axes, compute
        self.most, self.least = most, least
        self.targets = [Statement(name, list(where), "=", None) for name, where in targets.items()]

    def of(self, dtype):
        made = Template(self.text, self.operands, self.axes, {}, self.compute, self.most, self.least)
        made.targets, made.dtype = self.targets, dtype
        return made


def softmax(x, axis):
    powers = numpy.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def scores(x):
    return (x - x.mean(0)) / x.std(0)


def list_of_moments(x):
    return {"m": x.mean(0), "v": ((x - x.mean(0)) ** 2).sum(0), "t": x.max(0)}


def chain(x):
    t = 2 * x
    s = t.sum()
    return {"t": t, "s": s, "r": t / s, "q": (t / s - 1).max()}


def centred(u):
    rest = u - u.mean(0)
    return {"m": u.mean(0), "u": rest, "v": abs(rest).max(0)}


ALL = [
    Template("r[i,k] = exp(x[i,k] - max(l: x[i,l])) / sum(l: exp(x[i,l] - max(m: x[i,m])))", {"x": "ab"},
             {"i": "a", "k": "b", "l": "b", "m": "b"}, {"r": "ik"}, lambda x: {"r": softmax(x, 1)}),
    Template("r[k,j] = exp(x[k,j] - max(l: x[l,j])) / sum(l: exp(x[l,j] - max(m: x[m,j])))", {"x": "ab"},
             {"k": "a", "j": "b", "l": "a", "m": "a"}, {"r": "kj"}, lambda x: {"r": softmax(x, 0)}),
    Template("z[k,j] = (x[k,j] - mean(l: x[l,j])) / std(l: x[l,j])", {"x": "ab"}, {"k": "a", "j": "b", "l": "a"},
             {"z": "kj"}, lambda x: {"z": scores(x)}, least=16),
    Template("z[i,k] = (x[i,k] - mean(l: x[i,l])) / std(l: x[i,l])", {"x": "ab"}, {"i": "a", "k": "b", "l": "b"},
             {"z": "ik"}, lambda x: {"z": scores(x.T).T}, least=16),
    Template("r[i] = x[i] / sum(k: x[k])", {"x": "a"}, {"i": "a", "k": "a"}, {"r": "i"}, lambda x: {"r": x / x.sum()}),
    Template("m[j] = mean(i: x[i,j]); v[j] = sum(i: (x[i,j] - m[j])**2); t[j] = max(i: x[i,j])", {"x": "ab"},
             {"i": "a", "j": "b"}, {"m": "j", "v": "j", "t": "j"}, list_of_moments),
    Template("t[i] = 2 * x[i]; s[] = sum(i: t[i]); r[i] = t[i] / s[]; q[] = max(i: r[i] - 1)", {"x": "a"}, {"i": "a"},
             {"t": "i", "s": "", "r": "i", "q": ""}, chain),
    Template("s[] = sum(i: u[i]); u[i] /= s[]", {"u": "a"}, {"i": "a"}, {"s": "", "u": "i"},
             lambda u: {"s": u.sum(), "u": u / u.sum()}),
    Template("u[i] /= sum(k: u[k])", {"u": "a"}, {"i": "a", "k": "a"}, {"u": "i"}, lambda u: {"u": u / u.sum()}),
    Template("u[i,j] -= mean(k: u[k,j])", {"u": "ab"}, {"i": "a", "j": "b", "k": "a"}, {"u": "ij"},
             lambda u: {"u": u - u.mean(0)}),
    Template("u[i,j] /= max(k: u[i,k])", {"u": "ab"}, {"i": "a", "j": "b", "k": "b"}, {"u": "ij"},
             lambda u: {"u": u / u.max(1, keepdims=True)}),
    Template("m[j] = mean(i: u[i,j]); u[i,j] -= m[j]; v[j] = max(i: abs(u[i,j]))", {"u": "ab"}, {"i": "a", "j": "b"},
             {"m": "j", "u": "ij", "v": "j"}, centred),
    Template("r[i,j] = x[i,j] - mean(k: x[k,j]) - mean(l: x[i,l]) + mean(p, q: x[p,q])", {"x": "ab"},
             {"i": "a", "j": "b", "k": "a", "l": "b", "p": "a", "q": "b"}, {"r": "ij"},
             lambda x: {"r": x - x.mean(0) - x.mean(1, keepdims=True) + x.mean()}),
    Template("d[i] = sum(k: (x[i,k] - mean(m: x[m,k]))**2)", {"x": "ab"}, {"i": "a", "k": "b", "m": "a"}, {"d": "i"},
             lambda x: {"d": ((x - x.mean(0)) ** 2).sum(1)}, 3000),
    Template("s[] = sum(i, j: x[i,j]) / max(k, l: abs(x[k,l]))", {"x": "ab"}, {"i": "a", "j": "b", "k": "a", "l": "b"},
             {"s": ""}, lambda x: {"s": x.sum() / x.max()}),
    Template("s[] = sum(i, j: x[i,j] * y[j]); m[j] = max(i: x[i,j])", {"x": "ab", "y": "b"}, {"i": "a", "j": "b"},
             {"s": "", "m": "j"}, lambda x, y: {"s": (x * y).sum(), "m": x.max(0)}),
]  # fmt: skip


def choose_template(rng):
    return rng.choice(ALL).of(rng.choice(["float64", "float64", "float32"]))
