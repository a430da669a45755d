// split: what the tests of f32 products as three of bf16 (cuda/split.cuh) share: sums whose operands are known less
// well, which must miss the tolerance of product_bound. Of an operand uniform in (-1, 1), bf16 leaves 8.5e-4 in the
// root mean square and tf32 1.1e-4, twice that or more of what is allowed for a sum, and its worst of many elements
// several times.
#pragma once

#include "tolerance.h"

namespace sn9::test {

constexpr int32_t kPrecisions[] = {SN9_PRECISION_FP32_SIMT, SN9_PRECISION_FP32_SPLIT, SN9_PRECISION_BF16};

// A number rounded to nearest with so many bits of fraction: 7 as bf16, 10 as tf32.
inline double rounded(double x, int fraction_bits) {
    if (x == 0) return 0;
    int exponent;
    std::frexp(x, &exponent);
    double unit = std::ldexp(1.0, exponent - 1 - fraction_bits);
    return std::nearbyint(x / unit) * unit;
}

// Fails unless the sums over k of a(m, k) b(k, n) miss their bounds somewhere when high low' is dropped, and with
// operands of one tf32. sums (M, N) are those of the operands themselves.
template <typename Left, typename Right>
void expect_less_would_miss(const Device& device, const Sums& sums, int64_t M, int64_t K, int64_t N, Left a, Right b) {
    double dropped = 0, tf32 = 0;
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            double without = 0, once = 0;
            for (int64_t k = 0; k < K; k++) {
                double x = a(m, k), y = b(k, n);
                without += rounded(x, 7) * (y - rounded(y, 7));
                once += rounded(x, 10) * rounded(y, 10) - x * y;
            }
            double allowed = sums.product_bound(device, m * N + n, K);
            dropped = std::max(dropped, std::fabs(without) / allowed);
            tf32 = std::max(tf32, std::fabs(once) / allowed);
        }
    expect(dropped > 2, "the bound would hide a missing product");
    expect(tf32 > 2, "the bound would hide operands of tf32");
}

}  // namespace sn9::test
