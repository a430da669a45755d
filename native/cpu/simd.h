// simd: one source for every instruction set. Each kernel file is compiled once per set, with SN9_ISA naming its
// namespace; vectors are GCC vector extensions of the set's width, so the compiler picks the instructions.
//
// Everything here has internal linkage: a shared inline function compiled with wider instructions than the processor
// has must never be the one the linker keeps.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "context.h"

#if defined(__AVX512F__)
#define SN9_ISA avx512
#define SN9_WIDTH 16
#elif defined(__AVX2__)
#define SN9_ISA avx2
#define SN9_WIDTH 8
#else
#define SN9_ISA portable
#define SN9_WIDTH 4
#endif

namespace {

constexpr int W = SN9_WIDTH;  // floats per vector

typedef float vfloat __attribute__((vector_size(SN9_WIDTH * 4)));
typedef int32_t vint __attribute__((vector_size(SN9_WIDTH * 4)));
typedef float vfloat_unaligned __attribute__((vector_size(SN9_WIDTH * 4), aligned(4), may_alias));

[[gnu::always_inline]] inline vfloat load(const float* p) {
    return *reinterpret_cast<const vfloat_unaligned*>(p);
}
[[gnu::always_inline]] inline void store(float* p, vfloat v) {
    *reinterpret_cast<vfloat_unaligned*>(p) = v;
}
[[gnu::always_inline]] inline vfloat splat(float x) {
    return x - vfloat{};
}
[[gnu::always_inline]] inline vfloat maximum(vfloat a, vfloat b) {
    return a > b ? a : b;
}

// 0, 1, 2 ...
[[gnu::always_inline]] inline vfloat lane_numbers() {
    vfloat v;
    for (int lane = 0; lane < W; lane++) v[lane] = static_cast<float>(lane);
    return v;
}

template <int block, int... lane>
[[gnu::always_inline]] inline void transpose_blocks(vfloat (&v)[W], std::integer_sequence<int, lane...>) {
#pragma GCC unroll 16
    for (int i = 0; i < W; i++)
        if (!(i & block)) {
            vfloat a = v[i], b = v[i + block];
            v[i] = __builtin_shufflevector(a, b, (lane & block ? W + lane - block : lane)...);
            v[i + block] = __builtin_shufflevector(a, b, (lane & block ? W + lane : lane + block)...);
        }
}

// Rows become columns: v[i][j] and v[j][i] change places, in squares of 2, 4 ... W.
template <int block = 1>
[[gnu::always_inline]] inline void transpose(vfloat (&v)[W]) {
    transpose_blocks<block>(v, std::make_integer_sequence<int, W>());
    if constexpr (2 * block < W) transpose<2 * block>(v);
}

// Sum of the lanes, by halves: a fixed order.
inline float sum(vfloat v) {
    float lanes[W];
    store(lanes, v);
    for (int width = W / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
    return lanes[0];
}

// exp(x) to about 1 ulp on [-87, 87]; 0 below, e^87 above; NaN stays NaN.
// x = n ln 2 + r, |r| <= ln 2 / 2; 1 + r + r^2 times a polynomial in r (minimax, relative error below 4e-9), scaled by
// 2^n, which is a normal number on that range.
[[gnu::always_inline]] inline vfloat exp(vfloat x) {
    const vfloat low = splat(-87.0f), high = splat(87.0f);
    x = x > high ? high : x;
    const vfloat magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer, found in the lowest bits
    vfloat shifted = x * 1.44269504088896341f + magic;
    vfloat rounded = shifted - magic;
    vfloat r = x - rounded * 0.693359375f;
    r = r - rounded * -2.12194440e-4f;
    vfloat p = splat(0x1.6a2432p-10f);
    p = p * r + 0x1.1239e2p-7f;
    p = p * r + 0x1.5558f2p-5f;
    p = p * r + 0x1.555492p-3f;
    p = p * r + 0x1.fffffcp-2f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vint exponent = (reinterpret_cast<vint>(shifted) << 23) + (127 << 23);
    p *= reinterpret_cast<vfloat>(exponent);
    return x < low ? vfloat{} : p;
}

// sqrt(2/pi) and the cubic's factor of gelu_new.
constexpr float kGeluScale = 0.7978845608028654f;
constexpr float kGeluCubic = 0.044715f;

// 0.5 x (1 + tanh u) with u = sqrt(2/pi) (x + 0.044715 x^3), which is x / (1 + exp(-2u)).
[[gnu::always_inline]] inline vfloat gelu_sigmoid_denominator(vfloat x) {
    return 1.0f + exp(x * (-2.0f * kGeluScale - 2.0f * kGeluScale * kGeluCubic * (x * x)));
}
[[gnu::always_inline]] inline vfloat gelu(vfloat x) {
    return x / gelu_sigmoid_denominator(x);
}

// d gelu / dx = s + x s (1 - s) 2 du/dx, s = 1 / (1 + exp(-2u)).
[[gnu::always_inline]] inline vfloat gelu_derivative(vfloat x) {
    vfloat s = 1.0f / gelu_sigmoid_denominator(x);
    vfloat twice_du = 2.0f * kGeluScale + 6.0f * kGeluScale * kGeluCubic * (x * x);
    return s + s * (1.0f - s) * (x * twice_du);
}

// The same functions on the rest of a row: lanes past the end are computed on zeros and dropped.
template <typename Function>
[[gnu::always_inline]] inline void for_each_vector(int64_t n, Function function) {
    int64_t i = 0;
    for (; i + W <= n; i += W) function(i, W);
    if (i < n) function(i, n - i);
}
[[gnu::always_inline]] inline vfloat load_some(const float* p, int64_t lanes) {
    if (lanes == W) return load(p);
    float padded[W] = {};
    for (int64_t i = 0; i < lanes; i++) padded[i] = p[i];
    return load(padded);
}
[[gnu::always_inline]] inline void store_some(float* p, vfloat v, int64_t lanes) {
    if (lanes == W) return store(p, v);
    float padded[W];
    store(padded, v);
    for (int64_t i = 0; i < lanes; i++) p[i] = padded[i];
}

// The largest of n >= 1 values.
inline float largest(const float* x, int64_t n) {
    vfloat tops = splat(x[0]);
    int64_t j = 0;
    for (; j + W <= n; j += W) tops = maximum(load(x + j), tops);
    float top = tops[0];
    for (int lane = 1; lane < W; lane++) top = tops[lane] > top ? tops[lane] : top;
    for (; j < n; j++) top = x[j] > top ? x[j] : top;
    return top;
}

}  // namespace
