// dropout: out = residual + in * mask / (1 - p), the mask drawn by counter (random.cuh), so that the backward pass and
// every other engine draw the same one again.  out, in, residual (N, C) of e bytes; element row * true_C + column.
// forward: =. bytes: 3*N*C*e, without residual 2*N*C*e; about 20 integer operations per element. Memory bound.
// Launch: a warp per row, 8 rows per block. A vector of columns needs one draw per 4 elements, and one more where rows
// of odd true_C shift its first element off a multiple of 4.
// Numerics: f32, rounded once. Columns from true_C on: out = residual. Attention applies its own mask.
// Limits: C % 64 == 0, 0 <= p < 1. seed and micro_step are read on the device.
#include "launch.cuh"
#include "random.cuh"
#include "rows.cuh"

namespace sn9 {

namespace {

// Factors of the elements first .. first + kCount - 1.
template <int kCount>
__device__ __forceinline__ void draw(float (&factor)[kCount], const DropoutMask& mask, uint64_t first) {
    float drawn[kCount + 4];
#pragma unroll
    for (int i = 0; i < kCount; i += 4) mask.factors(first / 4 + static_cast<uint64_t>(i / 4), drawn + i);
    if (first % 4) mask.factors(first / 4 + kCount / 4, drawn + kCount);
    // Moved down by first % 4 in two steps of fixed length, so that the array stays in registers.
    if (first & 1) {
#pragma unroll
        for (int i = 0; i < kCount + 3; i++) drawn[i] = drawn[i + 1];
    }
    if (first & 2) {
#pragma unroll
        for (int i = 0; i < kCount + 2; i++) drawn[i] = drawn[i + 2];
    }
#pragma unroll
    for (int i = 0; i < kCount; i++) factor[i] = drawn[i];
}

template <typename T>
__global__ void __launch_bounds__(kRowThreads)
    dropout_kernel(T* out, const T* in, const T* residual, const sn9_step* __restrict__ step, float probability,
                   int32_t layer, int32_t site, int64_t N, int C, int true_C) {
    int64_t row = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
    if (row >= N) return;
    DropoutMask mask(step->seed, step->micro_step, layer, site, probability);
    for (int c = static_cast<int>(threadIdx.x) % kWarp * kVector<T>; c < C; c += kWarpColumns<T>) {
        float x[kVector<T>], sum[kVector<T>] = {}, factor[kVector<T>];
        load_vector(x, in + row * C + c);
        if (residual) load_vector(sum, residual + row * C + c);
        draw(factor, mask, static_cast<uint64_t>(row * true_C + c));
#pragma unroll
        for (int i = 0; i < kVector<T>; i++) sum[i] += c + i < true_C ? __fmul_rn(x[i], factor[i]) : 0.0f;
        store_vector(out + row * C + c, sum);
    }
}

}  // namespace

}  // namespace sn9

int32_t sn9_dropout(sn9_context* context, void* out, const void* in, const void* residual, const sn9_step* step,
                    float probability, int32_t layer, int32_t site, int64_t N, int64_t C, int64_t true_C) {
    SN9_OP_RANGE;
    if (int32_t status = sn9::expect_columns("dropout", C, true_C)) return status;
    SN9_EXPECT(probability >= 0 && probability < 1, "dropout: probability %g, expected 0 to below 1",
               static_cast<double>(probability));
    SN9_EXPECT(N > 0 && step && sn9::all_aligned16(out, in, residual), "dropout: N %lld, no step, or unaligned tensors",
               static_cast<long long>(N));
    return sn9::with_activation(context, [&](auto type) {
        using T = decltype(type);
        return SN9_LAUNCH(sn9::dropout_kernel<T>, sn9::ceil_div(N, sn9::kRowWarps), sn9::kRowThreads, 0, context,
                          static_cast<T*>(out), static_cast<const T*>(in), static_cast<const T*>(residual), step,
                          probability, layer, site, N, static_cast<int>(C), static_cast<int>(true_C));
    });
}
