// weight: how a prepared weight [rows, cols] lies in memory. sn9_weight_prepare (weight.cu) makes it.
//   trained, f32          the source, nothing else
//   trained, bf16         a bf16 copy, and the source
//   evaluated, f32, bf16  a copy of that type
//   evaluated, f32 split  bf16 high halves, then low ones (split.cuh); before them, in an embedding, an f32 copy:
//                         embed_forward reads words exactly, and head_logits is bound by memory
#pragma once

#include <type_traits>

#include "common.cuh"
#include "gemm_operand.cuh"

namespace sn9 {

// Whether a weight has halves; only in contexts of f32.
inline bool is_split(const sn9_context* context, const sn9_weight* w) {
    return context->split && !w->source;
}

// The weight's array of elements of T.
template <typename T>
const T* weight_data(const sn9_weight* w) {
    return static_cast<const T*>(w->packed ? w->packed : w->source);
}

// The weight as the right operand of a product of T with `count` columns.
template <typename T>
auto weight_operand(const sn9_weight* w, int64_t count) {
    if constexpr (std::is_same_v<T, Split>) {
        int64_t n = w->rows * w->cols;
        const bf16* high = static_cast<const bf16*>(w->packed) + (w->kind == SN9_EMBEDDING_WEIGHT ? 2 * n : 0);
        return SplitOperand{{high, w->cols, count}, n};
    } else {
        return Operand<T>{weight_data<T>(w), w->cols, count};
    }
}

// Splits n numbers of from_type, a multiple of 8: the high halves to `high`, the low ones behind them (cast.cu).
int32_t split(sn9_context* context, bf16* high, const void* from, int32_t from_type, int64_t n);

}  // namespace sn9
