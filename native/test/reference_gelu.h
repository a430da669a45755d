// reference_gelu: gelu and its derivative in doubles, and what the f32 kernels may be off by.
// With 2u = 2 sqrt(2/pi) (x + 0.044715 x^3) and s = 1 / (1 + exp(-2u)), gelu = x s and gelu' = s + x s (1 - s) 2u'.
// 2u passes 6 roundings, two of them of its constants; expf is off by 2 units in the last place at most, 4 roundings;
// an error of exp(-2u) reaches s times 1 - s; the sum and the quotient round once each.
#pragma once

#include <cmath>

#include "tolerance.h"

namespace sn9::test {

struct Gelu {
    double value, derivative, value_bound, derivative_bound;

    explicit Gelu(double x) {
        const double scale = std::sqrt(2 / M_PI), cubic = 0.044715;
        double twice_u = 2 * scale * (x + cubic * x * x * x), twice_du = 2 * scale * (1 + 3 * cubic * x * x);
        double s = 1 / (1 + std::exp(-twice_u)), rest = 1 / (1 + std::exp(twice_u));
        double s_bound = kF32 * s * (rest * (6 * std::fabs(twice_u) + 4) + 2);
        value = x * s;
        derivative = s + x * s * rest * twice_du;
        // Where exp overflows, the result is 0 instead of something smaller than this.
        value_bound = std::fabs(x) * s_bound + 0x1p-120;
        derivative_bound =
            std::fabs(x * twice_du) * (s_bound + 7 * kF32 * s * rest) + s_bound + kF32 * std::fabs(derivative);
    }
};

}  // namespace sn9::test
