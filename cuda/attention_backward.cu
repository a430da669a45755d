// attention_backward: the gradient of attention_forward, with respect to q, k and v; flash style: no (T, T) array.
// qkv, dqkv (B, T, 3*NH*HS); out, dout (B, T, NH*HS), f32 or bf16; lse (B, NH, T) f32. dqkv: =.
// p = exp(s - lse), ds = p * (mask * (dout v^T) - D), D = row sum of dout * out;
//   dv = (mask * p)^T dout, dk = scale * ds^T q, dq = scale * ds k.
// bytes: 8*N*C*e + 16*B*NH*T (each operand once; tiles come again from L2); about 7*N*T*C FLOPs (scores and dout v^T
// twice). Compute bound.
// Launch: D, a row per 8 lanes; then a block per tile of keys of a head (dk and dv), and one per tile of queries (dq);
// tiles above the diagonal are never touched. f32 on the ordinary cores (attention_simt_backward.cuh), bf16 on tensor
// cores (attention_mma_backward.cuh). Numerics: products and sums in f32; with bf16 operands p and ds are rounded to
// bf16 for their products.
// Deterministic: every sum belongs to one block and runs over tiles in order; no atomics; a sequence's bits do not
// depend on B. Two passes instead of one, since dq and dk cannot both be one block's own.
// Limits: HS a multiple of 16 up to 128; B*NH*ceil(T/32) < 2^31. Pads of heads stay 0.
// Source: FlashAttention-2, https://arxiv.org/abs/2307.08691.
#include "attention_launch.cuh"
#include "attention_mma_backward.cuh"
#include "attention_simt_backward.cuh"
#include "expect.cuh"
#include "workspace.cuh"

namespace sn9 {

namespace {

constexpr int kSumThreads = 256;
constexpr int kSumLanes = 8;  // of a warp, per row of a head

// row_sums (B, NH, T) = sum over HS of dout * out. Eight lanes per row of a head, rows in the order of memory.
template <typename E>
__global__ void __launch_bounds__(kSumThreads)
    attention_row_sums_kernel(float* row_sums, const E* dout, const E* out, AttentionProblem problem, int64_t rows) {
    int64_t row = (static_cast<int64_t>(blockIdx.x) * kSumThreads + threadIdx.x) / kSumLanes;  // (b * T + t) * NH + h
    int lane = static_cast<int>(threadIdx.x) % kSumLanes;
    float sum = 0;
    if (row < rows)
        for (int64_t c = lane * kVector<E>; c < problem.HS; c += kSumLanes * kVector<E>) {
            float a[kVector<E>], b[kVector<E>];
            load_vector(a, dout + row * problem.HS + c);
            load_vector(b, out + row * problem.HS + c);
#pragma unroll
            for (int i = 0; i < kVector<E>; i++) sum += a[i] * b[i];
        }
#pragma unroll
    for (int lanes = kSumLanes / 2; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kFullMask, sum, lanes);
    if (row < rows && lane == 0) {
        int64_t h = row % problem.NH, t = row / problem.NH % problem.T, b = row / problem.NH / problem.T;
        row_sums[(b * problem.NH + h) * problem.T + t] = sum;
    }
}

template <int HS, bool kDropping>
int32_t backward(sn9_context* context, const AttentionProblem& problem, int64_t heads, float* dqkv, const float* dout,
                 const float* qkv, const float* lse, const float* row_sums) {
    using Tile = simt::Backward<HS>;
    if (int32_t status =
            launch_tiles("attention_backward: dk, dv", context, attention_backward_keys_simt_kernel<HS, kDropping>,
                         Tile::kKeys, simt::kThreads, Tile::kBytes, problem, heads, dqkv, dout, qkv, lse, row_sums))
        return status;
    return launch_tiles("attention_backward: dq", context, attention_backward_queries_simt_kernel<HS, kDropping>,
                        Tile::kQueries, simt::kThreads, Tile::kBytes, problem, heads, dqkv, dout, qkv, lse, row_sums);
}
template <int HS, bool kDropping>
int32_t backward(sn9_context* context, const AttentionProblem& problem, int64_t heads, bf16* dqkv, const bf16* dout,
                 const bf16* qkv, const float* lse, const float* row_sums) {
    using Keys = mma::BackwardKeys<HS, kDropping>;
    using Queries = mma::BackwardQueries<HS>;
    if (int32_t status =
            launch_tiles("attention_backward: dk, dv", context, attention_backward_keys_mma_kernel<HS, kDropping>,
                         Keys::kKeys, Keys::kThreads, Keys::kBytes, problem, heads, dqkv, dout, qkv, lse, row_sums))
        return status;
    return launch_tiles("attention_backward: dq", context, attention_backward_queries_mma_kernel<HS, kDropping>,
                        Queries::kQueries, Queries::kThreads, Queries::kBytes, problem, heads, dqkv, dout, qkv, lse,
                        row_sums);
}

template <typename E>
int32_t attention_backward(sn9_context* context, const AttentionProblem& problem, int64_t heads, void* dqkv,
                           const void* dout, const void* out, const void* qkv, const float* lse) {
    return with_constants("attention_backward", problem, [&](auto width, auto dropping) {
        float* row_sums = reinterpret_cast<float*>(context->workspace);
        int64_t rows = heads * problem.T;
        if (int32_t status = SN9_LAUNCH(attention_row_sums_kernel<E>, dim3(ceil_div(rows * kSumLanes, kSumThreads)),
                                        dim3(kSumThreads), 0, context, row_sums, static_cast<const E*>(dout),
                                        static_cast<const E*>(out), problem, rows))
            return status;
        return backward<decltype(width)::value, decltype(dropping)::value>(
            context, problem, heads, static_cast<E*>(dqkv), static_cast<const E*>(dout), static_cast<const E*>(qkv),
            lse, row_sums);
    });
}

}  // namespace

int64_t attention_workspace_bytes(int64_t B, int64_t T, int64_t NH, bool training) {
    return training ? B * NH * T * static_cast<int64_t>(sizeof(float)) : 0;
}

}  // namespace sn9

using namespace sn9;

extern "C" int32_t sn9_attention_backward(sn9_context* context, void* dqkv, const void* dout, const void* out,
                                          const void* qkv, const float* lse, const sn9_step* step, float probability,
                                          int32_t layer, float scale, int64_t B, int64_t T, int64_t NH, int64_t HS) {
    AttentionProblem problem = problem_of(step, probability, layer, scale, T, NH, HS);
    bool tensors = usable(dqkv) && usable(dout) && usable(out) && usable(qkv) && lse;
    if (int32_t status = expect_attention("attention_backward", problem, B, T, NH, tensors)) return status;
    if (int32_t status = expect_workspace(context, attention_workspace_bytes(B, T, NH, true), "attention_backward"))
        return status;
    return context->precision == SN9_PRECISION_BF16
               ? attention_backward<bf16>(context, problem, B * NH, dqkv, dout, out, qkv, lse)
               : attention_backward<float>(context, problem, B * NH, dqkv, dout, out, qkv, lse);
}
