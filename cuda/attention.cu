// attention: causal softmax(q k^T * scale) v per head, from packed qkv, and its gradient, flash style: no (T, T) array.
// qkv, dqkv (B, T, 3*NH*HS); out, dout (B, T, NH*HS), f32 or bf16; lse (B, NH, T) f32. forward and backward: =.
// forward, per row: out = sum of p v, p = mask * exp(s - top) / total; lse = top + log(total); top and total online.
// backward: p = exp(s - lse), ds = p * (mask * (dout v^T) - D), D = row sum of dout * out;
//   dv = (mask * p)^T dout, dk = scale * ds^T q, dq = scale * ds k.
// bytes: forward 4*N*C*e + 4*B*NH*T, backward 8*N*C*e + 16*B*NH*T (each operand once; tiles come again from L2);
// about 2*N*T*C FLOPs forward, 7*N*T*C backward (scores and dout v^T twice). Compute bound.
// Launch: a block per tile of queries (forward, dq) or of keys (dk and dv) of a head; tiles above the diagonal are
// never touched. f32 on the ordinary cores (attention_simt.cuh), bf16 on tensor cores (attention_mma.cuh). Numerics:
// products, statistics and sums in f32; with bf16 operands p and ds are rounded to bf16 for their products.
// Deterministic: every sum belongs to one block and runs over tiles in order; no atomics; a sequence's bits do not
// depend on B. Two backward passes instead of one, since dq and dk cannot both be one block's own.
// Limits: HS in {16, 32, 48, 64, 80, 96, 128}; B*NH*ceil(T/32) < 2^31. Pads of heads stay 0.
// Source: FlashAttention-2, https://arxiv.org/abs/2307.08691.
#include <type_traits>

#include "attention.cuh"
#include "attention_mma.cuh"
#include "attention_simt.cuh"

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

// Calls with the head width, and whether there is dropout, as constants.
template <typename Call>
int32_t with_constants(const char* op, const AttentionProblem& problem, Call call) {
    auto with_width = [&](auto width) {
        return problem.probability > 0 ? call(width, std::true_type{}) : call(width, std::false_type{});
    };
    switch (problem.HS) {
        case 16:
            return with_width(std::integral_constant<int, 16>{});
        case 32:
            return with_width(std::integral_constant<int, 32>{});
        case 48:
            return with_width(std::integral_constant<int, 48>{});
        case 64:
            return with_width(std::integral_constant<int, 64>{});
        case 80:
            return with_width(std::integral_constant<int, 80>{});
        case 96:
            return with_width(std::integral_constant<int, 96>{});
        case 128:
            return with_width(std::integral_constant<int, 128>{});
        default:
            return fail(SN9_UNSUPPORTED, "%s: heads of width %lld in memory; 16, 32, 48, 64, 80, 96 and 128 are known",
                        op, static_cast<long long>(problem.HS));
    }
}

bool aligned(const void* memory) {
    return reinterpret_cast<uintptr_t>(memory) % 16 == 0;
}

int32_t expect(const char* op, const AttentionProblem& problem, int64_t B, int64_t T, int64_t NH, bool tensors) {
    constexpr int64_t kMost = INT32_MAX;
    if (B <= 0 || T <= 0 || NH <= 0 || problem.HS <= 0 || T >= kMost / 4 || NH >= kMost ||
        B > kMost / NH / ceil_div(T, 32))
        return fail(SN9_BAD_ARGUMENT, "%s: B %lld, T %lld, NH %lld, HS %lld", op, static_cast<long long>(B),
                    static_cast<long long>(T), static_cast<long long>(NH), static_cast<long long>(problem.HS));
    if (!tensors) return fail(SN9_BAD_ARGUMENT, "%s: a tensor is null or not aligned to 16 bytes", op);
    if (!(problem.probability >= 0 && problem.probability < 1) || (problem.probability > 0 && !problem.step))
        return fail(SN9_BAD_ARGUMENT, "%s: dropout with probability %g, or without a step", op,
                    static_cast<double>(problem.probability));
    if (!(problem.scale > 0)) return fail(SN9_BAD_ARGUMENT, "%s: scale %g", op, static_cast<double>(problem.scale));
    return SN9_OK;
}

AttentionProblem problem_of(const sn9_step* step, float probability, int32_t layer, float scale, int64_t T, int64_t NH,
                            int64_t HS) {
    return {step, probability, layer, scale, static_cast<int32_t>(T), static_cast<int32_t>(NH), 0, HS, 3 * NH * HS};
}

// Launches a kernel with one block per tile of `rows` rows of each of `heads` heads.
template <typename Kernel, typename... A>
int32_t launch_tiles(const char* name, sn9_context* context, Kernel kernel, int rows, int threads, int bytes,
                     AttentionProblem problem, int64_t heads, A... tensors) {
    problem.tiles = static_cast<int32_t>(ceil_div(problem.T, rows));
    if (int32_t status = allow_shared(name, kernel, static_cast<size_t>(bytes))) return status;
    return launch(name, kernel, dim3(static_cast<unsigned>(heads * problem.tiles)),
                  dim3(static_cast<unsigned>(threads)), static_cast<size_t>(bytes), context->stream, tensors...,
                  problem);
}

template <int HS, bool kDropping>
int32_t forward(sn9_context* context, const AttentionProblem& problem, int64_t heads, float* out, float* lse,
                const float* qkv) {
    using Tile = simt::Forward<HS>;
    return launch_tiles("attention_forward", context, attention_forward_simt_kernel<HS, kDropping>, Tile::kQueries,
                        simt::kThreads, Tile::kBytes, problem, heads, out, lse, qkv);
}
template <int HS, bool kDropping>
int32_t forward(sn9_context* context, const AttentionProblem& problem, int64_t heads, bf16* out, float* lse,
                const bf16* qkv) {
    using Tile = mma::Forward<HS>;
    return launch_tiles("attention_forward", context, attention_forward_mma_kernel<HS, kDropping>, Tile::kQueries,
                        Tile::kThreads, Tile::kBytes, problem, heads, out, lse, qkv);
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
int32_t attention_forward(sn9_context* context, const AttentionProblem& problem, int64_t heads, void* out, float* lse,
                          const void* qkv) {
    return with_constants("attention_forward", problem, [&](auto width, auto dropping) {
        return forward<decltype(width)::value, decltype(dropping)::value>(context, problem, heads, static_cast<E*>(out),
                                                                          lse, static_cast<const E*>(qkv));
    });
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

extern "C" int32_t sn9_attention_forward(sn9_context* context, void* out, float* lse, const void* qkv,
                                         const sn9_step* step, float probability, int32_t layer, float scale, int64_t B,
                                         int64_t T, int64_t NH, int64_t HS) {
    AttentionProblem problem = problem_of(step, probability, layer, scale, T, NH, HS);
    bool tensors = out && qkv && aligned(out) && aligned(qkv);
    if (int32_t status = expect("attention_forward", problem, B, T, NH, tensors)) return status;
    return context->precision == SN9_PRECISION_BF16 ? attention_forward<bf16>(context, problem, B * NH, out, lse, qkv)
                                                    : attention_forward<float>(context, problem, B * NH, out, lse, qkv);
}

extern "C" int32_t sn9_attention_backward(sn9_context* context, void* dqkv, const void* dout, const void* out,
                                          const void* qkv, const float* lse, const sn9_step* step, float probability,
                                          int32_t layer, float scale, int64_t B, int64_t T, int64_t NH, int64_t HS) {
    AttentionProblem problem = problem_of(step, probability, layer, scale, T, NH, HS);
    bool tensors = dqkv && dout && out && qkv && lse && aligned(dqkv) && aligned(dout) && aligned(out) && aligned(qkv);
    if (int32_t status = expect("attention_backward", problem, B, T, NH, tensors)) return status;
    int64_t bytes = attention_workspace_bytes(B, T, NH, true);
    if (context->workspace_bytes < bytes)
        return fail(SN9_BAD_ARGUMENT, "attention_backward: needs %lld bytes of workspace, %lld are reserved",
                    static_cast<long long>(bytes), static_cast<long long>(context->workspace_bytes));
    return context->precision == SN9_PRECISION_BF16
               ? attention_backward<bf16>(context, problem, B * NH, dqkv, dout, out, qkv, lse)
               : attention_backward<float>(context, problem, B * NH, dqkv, dout, out, qkv, lse);
}
