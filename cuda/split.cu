// split: high, low = halves (split.cuh) of a weight [rows, cols] for evaluation, and of an embedding's rows less a row
// that they have in common.
// from f32, bf16, f16 or f64, through f32 to nearest; high, low bf16. bytes: rows*cols*(e_in + 4). Memory bound.
// Launch: 8 neighbouring elements a thread. The head's loss does not change when every row of wte loses the same row:
// all logits of a position lose the same number. Where a model has a large one in common (a row added to all of wte,
// and taken from wpe, gives the same function), halves would keep it instead of what tells words apart, and losses
// would be off by 2^-17 of it. The row taken is the mean of kSampledRows rows: any would do that is near what they
// share; a column whose mean is not finite keeps its numbers.
#include "split.cuh"

#include <algorithm>

#include "expect.cuh"
#include "weight.cuh"

namespace sn9 {

namespace {

constexpr int kThreads = 256, kWidth = 8, kColumnThreads = 64;
constexpr int64_t kSampledRows = 256;

__device__ __forceinline__ float to_float(double v) {
    return static_cast<float>(v);
}

// common[c] = mean of column c over `count` rows, `step` rows apart; a thread per column, in the order of rows.
__global__ void __launch_bounds__(kColumnThreads)
    common_row_kernel(float* common, const float* __restrict__ from, int64_t count, int64_t step, int64_t cols) {
    int64_t c = static_cast<int64_t>(blockIdx.x) * kColumnThreads + threadIdx.x;
    if (c >= cols) return;
    float sum = 0;
#pragma unroll 8
    for (int64_t i = 0; i < count; i++) sum += from[i * step * cols + c];
    float mean = sum / static_cast<float>(count);
    common[c] = fabsf(mean) < INFINITY ? mean : 0.0f;
}

// common: (cols) or null. n and cols are multiples of 8.
template <typename From>
__global__ void __launch_bounds__(kThreads) split_kernel(bf16* high, bf16* low, const From* __restrict__ from,
                                                         const float* __restrict__ common, int64_t n, int64_t cols) {
    int64_t i = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kWidth;
    if (i >= n) return;
    float x[kWidth], less[kWidth] = {};
#pragma unroll
    for (int k = 0; k < kWidth; k++) x[k] = to_float(from[i + k]);  // aligned to an element only
    if (common) {
#pragma unroll
        for (int k = 0; k < kWidth; k++) less[k] = common[i % cols + k];
    }
    uint32_t highs[kWidth / 2], lows[kWidth / 2];
#pragma unroll
    for (int k = 0; k < kWidth / 2; k++)
        split_pair(highs[k], lows[k], x[2 * k] - less[2 * k], x[2 * k + 1] - less[2 * k + 1]);
    store16(high + i, make_uint4(highs[0], highs[1], highs[2], highs[3]));
    store16(low + i, make_uint4(lows[0], lows[1], lows[2], lows[3]));
}

template <typename From>
int32_t split_from(sn9_context* context, const sn9_weight* w, const void* from, const float* common) {
    int64_t n = w->rows * w->cols;
    SplitOperand to = weight_operand<Split>(w, w->cols);
    bf16* high = const_cast<bf16*>(to.p);
    return SN9_LAUNCH(split_kernel<From>, dim3(ceil_div(n, kThreads * kWidth)), dim3(kThreads), 0, context, high,
                      high + to.low, static_cast<const From*>(from), common, n, w->cols);
}

}  // namespace

int32_t split_weight(sn9_context* context, const sn9_weight* w, const void* from, int32_t from_type) {
    switch (from_type) {
        case SN9_F32:
            return split_from<float>(context, w, from, nullptr);
        case SN9_BF16:
            return split_from<bf16>(context, w, from, nullptr);
        case SN9_F16:
            return split_from<f16>(context, w, from, nullptr);
        case SN9_F64:
            return split_from<double>(context, w, from, nullptr);
        default:
            return fail(SN9_BAD_ARGUMENT, "weight_prepare: element type %d, expected f32, bf16, f16 or f64", from_type);
    }
}

int32_t split_embedding(sn9_context* context, const sn9_weight* w) {
    const float* words = weight_data<float>(w);
    float* common = const_cast<float*>(words) + 2 * w->rows * w->cols;
    // The rows before the last whole padding are words in any vocabulary that is padded no further than need be.
    int64_t certain = std::max<int64_t>(1, w->rows - kVocabularyPadding + 1), count = std::min(certain, kSampledRows);
    if (int32_t status = SN9_LAUNCH(common_row_kernel, dim3(ceil_div(w->cols, kColumnThreads)), dim3(kColumnThreads), 0,
                                    context, common, words, count, certain / count, w->cols))
        return status;
    return split_from<float>(context, w, words, common);
}

}  // namespace sn9
