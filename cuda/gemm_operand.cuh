// gemm_operand: how the operands of a matrix product lie in memory; included by gemm.cuh and its tiles.
#pragma once

#include <cstdint>

#include "common.cuh"

namespace sn9 {

// A (M, K) times B (K, N), both row-major, T for an operand that is stored transposed:
// NN: a[m, k] b[k, n]. NT: a[m, k] b[n, k]. TN: a[k, m] b[k, n].
enum class Layout { NN, NT, TN };

// One operand: `count` rows (of A) or columns (of B), `stride` elements between the rows of its memory. Both memory
// and stride are multiples of 16 bytes, and so is the extent that is contiguous.
template <typename T>
struct Operand {
    const T* p;
    int64_t stride;
    int64_t count;

    // Index i or, past the end, one of the last: a tile that sticks out computes sums there that nobody keeps.
    template <bool kAlongK>
    __device__ __forceinline__ int64_t inside(int64_t i) const {
        int64_t last = count - (kAlongK ? 1 : static_cast<int64_t>(16 / sizeof(T)));
        return i < last ? i : last;
    }

    // Element k of row or column i.
    template <bool kAlongK>
    __device__ __forceinline__ const T* at(int64_t i, int64_t k) const {
        return kAlongK ? p + i * stride + k : p + k * stride + i;
    }
};

// In the place of an element type: f32 on tensor cores, the right operand kept as two bf16 (split.cuh).
struct Split {};

// An f32 operand kept so: p has the high halves, the low ones lie `low` elements behind them.
struct SplitOperand : Operand<bf16> {
    int64_t low;
};

}  // namespace sn9
