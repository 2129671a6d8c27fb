/* erf_f64.h - erf of float64. The polynomials are from tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_ERF_F64_H
#define TW_NOTATION_MATH_ERF_F64_H

#include "notation/math/exp_f64.h"

TW_MATH double tw_erf_f64(double x)
{
    const double size = tw__abs_f64(x), y = size > 6.0 ? 6.0 : size, z = y * y;
    /* Up to 1: x + x P(x^2). */
    const double u = z < 1.0 ? z : 1.0, u2 = u * u;
    const double small =
        (0x1.06eba8214db68p-3 +
         u2 * (0x1.ce2f21a03f8b5p-4 +
               u2 * (0x1.565bcceed2d06p-8 +
                     u2 * (0x1.f9a296848c017p-14 + u2 * (0x1.b96b2e16d8d37p-20 + u2 * 0x1.d3d4bc696cf81p-27))))) +
        u * (-0x1.812746b03799dp-2 +
             u2 * (-0x1.b82ce311a9597p-6 +
                   u2 * (-0x1.c02daeb577098p-11 +
                         u2 * (-0x1.f4c82b79b2843p-17 + u2 * (-0x1.5b8b48613b9d5p-23 + u2 * -0x1.a2206a0241d61p-31)))));
    /* From there on: 1 - exp(-x^2) G(t), t = (x - 3) / (x + 3). */
    const double t = (y - 3.0) / (y + 3.0), t2 = t * t;
    const double large =
        (0x1.6e9827d229812p-3 +
         t2 * (0x1.f6ff203f5efa2p-3 +
               t2 * (0x1.258b172b0baf9p-4 +
                     t2 * (0x1.17dcace8aa0f5p-8 + t2 * (-0x1.30a737ac60a9fp-11 + t2 * 0x1.afddfbac3fbcbp-14))))) +
        t * (-0x1.4e102b9d04ef9p-2 +
             t2 * (-0x1.336ffbe994beap-3 +
                   t2 * (-0x1.8fa4d64de63d2p-6 +
                         t2 * (0x1.75e98484bb44bp-11 + t2 * (0x1.407db53172befp-14 + t2 * 0x1.fe4a3c612fc2bp-17)))));
    const double shifted = z * -0x1.71547652b82fep0 + TW_SHIFT, k = shifted - TW_SHIFT;
    const double r = (-z - k * 0x1.62e42fefa0000p-1) - k * 0x1.cf79abc9e3b3ap-40;
    const double fall = (1.0 + (r + r * r * tw__exp_tail_f64(r))) * tw__power_f64(shifted);
    const double number = y < 1.0 ? x + x * small : tw__mulsign_f64(1.0 - fall * large, x);
    return x != x ? x + x : number;
}

#endif
