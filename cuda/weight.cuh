// weight: how a prepared weight [rows, cols] lies in memory. sn9_weight_prepare (weight.cu) makes it.
//   trained, f32          the source, nothing else
//   trained, bf16         a bf16 copy, and the source
//   evaluated, f32, bf16  a copy of that type
//   evaluated, f32 split  bf16 high halves, then low ones (split.cuh). In an embedding the f32 copy lies before them,
//   since
//                         embed_forward reads words exactly and head_logits is bound by memory; and behind them the row
//                         [cols] f32 that the halves lack (split.cu)
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

// Fills the halves (split.cu): from a source of any type; those of an embedding from its f32 copy.
int32_t split_weight(sn9_context* context, const sn9_weight* w, const void* from, int32_t from_type);
int32_t split_embedding(sn9_context* context, const sn9_weight* w);

}  // namespace sn9
