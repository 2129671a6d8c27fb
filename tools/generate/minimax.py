#!/usr/bin/env python3
"""Finds the polynomials of src/notation/math: `minimax.py [NAME ...]` prints their coefficients as C. Needs mpmath.

Each is the polynomial of its degree with the smallest weighted error on an interval (Remez's exchange on a fixed set of
Chebyshev points). The weight makes the error relative to the function that the polynomial is a part of. The first
coefficients are rounded to double one by one and the others fitted anew, so that rounding costs next to nothing.
"""

import sys

from mpmath import (asin, atan, cbrt, cos, erf, erfc, exp, expm1, log, loggamma, lu_solve, matrix, mp, mpf, pi, sin,
                    sinh, sqrt)

mp.dps = 45
POINTS = 500


def exchange(values, weights, points, powers):
    """Coefficients of the powers, and the largest weighted error."""
    count = len(powers) + 1
    last = len(points) - 1
    chosen = [round(last * (1 - cos(pi * k / (count - 1))) / 2) for k in range(count)]
    chosen = [int(k) for k in chosen]
    table = [[x ** p for p in powers] for x in points]
    for _ in range(40):
        left, right = matrix(count, count), matrix(count, 1)
        for row, k in enumerate(chosen):
            for column in range(len(powers)):
                left[row, column] = table[k][column]
            left[row, count - 1] = (-1) ** row / weights[k]
            right[row] = values[k]
        solution = lu_solve(left, right)
        found = [solution[k] for k in range(len(powers))]
        error = [(mp.fdot(found, table[k]) - values[k]) * weights[k] for k in range(len(points))]
        # The largest error of each run of one sign; then as many of them, in a row, as are needed.
        runs = []
        for k, e in enumerate(error):
            if runs and (error[runs[-1]] > 0) == (e > 0):
                if abs(e) > abs(error[runs[-1]]):
                    runs[-1] = k
            else:
                runs.append(k)
        while len(runs) > count:
            runs.pop(0 if abs(error[runs[0]]) < abs(error[runs[-1]]) else -1)
        worst = max(abs(e) for e in error)
        if len(runs) < count or runs == chosen or worst <= abs(solution[count - 1]) * mpf("1.0001"):
            break
        chosen = runs
    return found, worst


def fit(function, low, high, count, weight, exact=4):
    """`count` coefficients, the first `exact` of them rounded before the others are found."""
    low, high = mpf(low), mpf(high)
    points = [(low + high) / 2 - (high - low) / 2 * cos(pi * (k + mpf(1) / 2) / POINTS) for k in range(POINTS)]
    values, weights = [function(x) for x in points], [weight(x) for x in points]
    rest, done = list(values), []
    while True:
        found, worst = exchange(rest, weights, points, range(len(done), count))
        if len(done) >= exact or len(done) == count - 1:
            break
        done.append(float(found[0]))
        rest = [r - mpf(done[-1]) * x ** (len(done) - 1) for r, x in zip(rest, points)]
    done += [float(c) for c in found]
    error = max(abs((mp.polyval([mpf(c) for c in reversed(done)], x) - v) * w)
                for x, v, w in zip(points, values, weights))
    return done, error


LN2 = log(mpf(2))


def taylor_safe(function, series, small=mpf("1e-4")):
    """The function, or the first terms of its series where it would cancel."""
    return lambda x: function(x) if abs(x) > small else mp.fsum(c * x ** k for k, c in enumerate(series))


def fact(k):
    return 1 / mp.factorial(k)


def of_root(function):
    """A function of z = x**2, from one of x."""
    return lambda z: function(sqrt(z))


def jobs():
    """name -> (function, low, high, coefficients, weight, coefficients that are rounded one by one)"""
    tiny = [fact(k + 2) for k in range(12)]
    exp_tail = taylor_safe(lambda r: (expm1(r) - r) / r ** 2, tiny)
    expm1_weight = lambda r: max(abs(r * r / expm1(r)), mpf("0.02")) if r else mpf("0.02")  # no zero inside
    log_tail = of_root(lambda s: (log((1 + s) / (1 - s)) - 2 * s) / s ** 3 if s > mpf("1e-6") else mpf(2) / 3)
    log_weight = lambda z: z ** mpf("1.5") / log((1 + sqrt(z)) / (1 - sqrt(z)))
    smax = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.0001")
    # log((1 + s) / (1 - s)) = 2/3 s (3 + z + z^2 P(z)), z = s^2
    log_tail2 = lambda z: 3 * (log_tail(z) - mpf(2) / 3) / (2 * z) if z > mpf("1e-10") else mpf(3) / 5
    sin_tail = of_root(lambda x: (sin(x) - x) / x ** 3 if x > mpf("1e-6") else -fact(3))
    cos_tail = of_root(lambda x: (cos(x) - 1 + x * x / 2) / x ** 4 if x > mpf("1e-4") else fact(4))
    quarter = (pi / 4 * mpf("1.0001")) ** 2
    atan_tail = of_root(lambda x: (atan(x) - x) / x ** 3 if x > mpf("1e-6") else -mpf(1) / 3)
    sinh_tail = of_root(lambda x: (sinh(x) - x) / x ** 3 if x > mpf("1e-6") else fact(3))
    asin_tail = of_root(lambda x: (asin(x) - x) / x ** 3 if x > mpf("1e-6") else mpf(1) / 6)
    reach = (mpf(7) / 16 * mpf("1.0001")) ** 2
    octant = (sqrt(mpf(2)) - 1) ** 2 * mpf("1.0001")
    odd = lambda f: lambda z: z ** mpf("1.5") / f(sqrt(z))
    erf_small = of_root(lambda x: erf(x) / x - 1 if x > mpf("1e-8") else 2 / sqrt(pi) - 1)
    small_weight = lambda z: sqrt(z) / erf(sqrt(z)) if z else mpf(1)
    # erf(x) = 1 - exp(-x^2) G((x - 3) / (x + 3)) for x > 1; from 6 on it is 1.
    back = lambda t: 3 * (1 + t) / (1 - t)
    erf_large = lambda t: exp(back(t) ** 2) * erfc(back(t))
    large_weight = lambda t: exp(-back(t) ** 2)
    root = lambda t: 1 / cbrt(t + mpf("1.5"))
    root_weight = lambda t: cbrt(t + mpf("1.5"))
    # log(gamma(x)) = (x - 1/2) log(x) - x + log(2 pi) / 2 + S(1 / x^2) / x
    stirling = lambda w: ((loggamma(1 / sqrt(w)) - (1 / sqrt(w) - mpf(1) / 2) * log(1 / sqrt(w)) + 1 / sqrt(w)
                           - log(2 * pi) / 2) / sqrt(w) if w > mpf("1e-8") else mpf(1) / 12 - w / 360)
    stirling_weight = lambda w: sqrt(w) + mpf("1e-6")
    table = {
        "exp_f64": (exp_tail, -LN2 / 2 * 1.001, LN2 / 2 * 1.001, 11, expm1_weight),
        "exp_f32": (exp_tail, -LN2 / 2 * 1.001, LN2 / 2 * 1.001, 6, expm1_weight),
        "log_f64": (log_tail, 0, smax, 7, log_weight),
        "log_f32": (log_tail, 0, smax, 4, log_weight),
        "pow_f64": (log_tail2, 0, smax, 8, lambda z: z * log_weight(z) * 2 / 3),
        "sin_f64": (sin_tail, 0, quarter, 6, odd(sin)),
        "cos_f64": (cos_tail, 0, quarter, 6, lambda z: z * z),
        "sin_f32": (sin_tail, 0, quarter, 4, odd(sin)),
        "cos_f32": (cos_tail, 0, quarter, 3, lambda z: z * z),
        "sinh_f64": (sinh_tail, 0, mpf("1.0001"), 7, odd(sinh)),
        "atan_f64": (atan_tail, 0, reach, 11, odd(atan)),
        "atan_f32": (atan_tail, 0, octant, 6, odd(atan)),
        "asin_f64": (asin_tail, 0, mpf("0.2501"), 12, odd(asin)),
        "asin_f32": (asin_tail, 0, mpf("0.2501"), 6, odd(asin)),
    }
    table |= {
        "erf_small_f64": (erf_small, 0, mpf("1.0001"), 12, small_weight),
        "erf_small_f32": (erf_small, 0, mpf("1.0001"), 7, small_weight),
        "erf_large_f64": (erf_large, mpf("-0.5001"), mpf("0.3334"), 12, large_weight, 0),
        "erf_large_f32": (erf_large, mpf("-0.5001"), mpf("0.1431"), 6, large_weight, 0),
        "cbrt_f64": (root, mpf("-0.5"), mpf("0.5"), 5, root_weight, 0),
        "gamma_f64": (stirling, 0, mpf(1) / 64, 6, stirling_weight, 2),
        "gamma_f32": (stirling, 0, mpf(1) / 64, 3, stirling_weight, 2),
    }
    return table


def main():
    table = jobs()
    for name in sys.argv[1:] or table:
        found, error = fit(*table[name])
        print(f"/* {name}: 2^{float(log(error, 2)):.1f} */")
        print("    " + ", ".join(c.hex() for c in found))


if __name__ == "__main__":
    main()
