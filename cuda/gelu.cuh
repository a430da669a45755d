// gelu: the tanh form 0.5 x (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3), written as x / (1 + exp(-2u)), and its
// derivative. One text for the epilogues of linear and for recomputation, which must give the same bits.
#pragma once

#include "common.cuh"

namespace sn9 {

constexpr float kGeluScale = 0.7978845608028654f;  // sqrt(2/pi)
constexpr float kGeluCubic = 0.044715f;

// Every product and sum rounds once, in this order: the compiler may not contract them differently in two places.
__device__ __forceinline__ float gelu_exponential(float x) {
    float u = __fmul_rn(__fmul_rn(kGeluScale, x), __fmaf_rn(__fmul_rn(kGeluCubic, x), x, 1.0f));
    return expf(__fmul_rn(-2.0f, u));
}

__device__ __forceinline__ float gelu(float x) {
    return __fdiv_rn(x, __fadd_rn(1.0f, gelu_exponential(x)));
}

// s + x s (1 - s) 2 du/dx with s = 1 / (1 + exp(-2u)).
__device__ __forceinline__ float gelu_derivative(float x) {
    float s = __fdiv_rn(1.0f, __fadd_rn(1.0f, gelu_exponential(x)));
    float twice_du = __fmul_rn(2.0f * kGeluScale, __fmaf_rn(__fmul_rn(3.0f * kGeluCubic, x), x, 1.0f));
    return __fmaf_rn(__fmul_rn(__fmul_rn(x, s), __fadd_rn(1.0f, -s)), twice_du, s);
}

}  // namespace sn9
