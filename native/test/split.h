// split: what the tests of f32 products as three of bf16 (cuda/split.cuh) share: their tolerance, and sums whose
// operands are known less well, which must miss it.
// An operand uniform in (-1, 1) leaves a low half of 8.5e-4 in the root mean square, 2^-8 / sqrt(21), and a rest of
// 1.25e-6. What a product leaves out is low low' and two rests: 1.25e-6; a sum of K of them 1.25e-6 sqrt(K), of which 8
// times are allowed, and three chains of f32 sums (cuda_linear_test.cpp). Without high low' it is 4.9e-4 sqrt(K), with
// operands of tf32 9e-5 sqrt(K), and the worst of many elements is several times that.
#pragma once

#include "library.h"

namespace sn9::test {

constexpr int32_t kPrecisions[] = {SN9_PRECISION_FP32_SIMT, SN9_PRECISION_FP32_SPLIT, SN9_PRECISION_BF16};

inline const char* precision_name(int32_t precision) {
    switch (precision) {
        case SN9_PRECISION_BF16:
            return "bf16";
        case SN9_PRECISION_FP32_SPLIT:
            return "f32 split";
        default:
            return "f32";
    }
}

inline double split_tolerance(int64_t K) {
    double products = static_cast<double>(K);
    return 1e-5 * std::sqrt(products) + 3 * (1e-6 * std::sqrt(products) + 1.2e-7 * products / 8);
}

// A number rounded to nearest with so many bits of fraction: 7 as bf16, 10 as tf32.
inline double rounded(double x, int fraction_bits) {
    if (x == 0) return 0;
    int exponent;
    std::frexp(x, &exponent);
    double unit = std::ldexp(1.0, exponent - 1 - fraction_bits);
    return std::nearbyint(x / unit) * unit;
}

// Fails unless sums (M, N) of a (M, K) times b miss the tolerance somewhere when high low' is dropped, and with
// operands of one tf32 or one bf16. b(k, n) gives the right operand.
template <typename Right>
void expect_less_would_miss(const std::vector<float>& a, int64_t M, int64_t K, int64_t N, Right b, double tolerance) {
    double dropped = 0, tf32 = 0, bf16 = 0;
    for (int64_t i = 0; i < M; i++)
        for (int64_t n = 0; n < N; n++) {
            double sum = 0, without = 0, once_tf32 = 0, once_bf16 = 0;
            for (int64_t k = 0; k < K; k++) {
                double x = a[i * K + k], y = b(k, n);
                sum += x * y;
                without += rounded(x, 7) * (y - rounded(y, 7));
                once_tf32 += rounded(x, 10) * rounded(y, 10);
                once_bf16 += rounded(x, 7) * rounded(y, 7);
            }
            double allowed = 1 + std::fabs(sum);
            dropped = std::max(dropped, std::fabs(without) / allowed);
            tf32 = std::max(tf32, std::fabs(once_tf32 - sum) / allowed);
            bf16 = std::max(bf16, std::fabs(once_bf16 - sum) / allowed);
        }
    expect(dropped > tolerance, "the tolerance would hide a missing product");
    expect(tf32 > tolerance, "the tolerance would hide operands of tf32");
    expect(bf16 > tolerance, "the tolerance would hide operands of bf16");
}

}  // namespace sn9::test
