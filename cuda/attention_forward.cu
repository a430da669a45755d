// attention_forward: causal softmax(q k^T * scale) v per head, from packed qkv, flash style: no (T, T) array.
// qkv (B, T, 3*NH*HS), out (B, T, NH*HS), f32 or bf16; lse (B, NH, T) f32, or null. out, lse: =.
// per row: out = sum of p v, p = mask * exp(s - top) / total; lse = top + log(total); top and total online.
// bytes: 4*N*C*e + 4*B*NH*T (each operand once; tiles come again from L2); about 2*N*T*C FLOPs. Compute bound.
// Launch: a block per tile of queries of a head; tiles above the diagonal are never touched. f32 on the ordinary cores
// (attention_simt_forward.cuh), bf16 on tensor cores (attention_mma_forward.cuh), and f32 too where the context says so
// and nothing is kept for a gradient (attention_split_forward.cuh). Numerics: products, statistics and
// sums in f32; with bf16 operands p is rounded to bf16 for its product.
// Deterministic: every sum belongs to one block and runs over tiles in order; no atomics; a sequence's bits do not
// depend on B.
// Limits: HS a multiple of 16 up to 128; B*NH*ceil(T/32) < 2^31. Pads of heads stay 0.
// Source: FlashAttention-2, https://arxiv.org/abs/2307.08691.
#include "attention_launch.cuh"
#include "attention_mma_forward.cuh"
#include "attention_simt_forward.cuh"
#include "attention_split_forward.cuh"

namespace sn9 {

namespace {

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

template <typename E>
int32_t attention_forward(sn9_context* context, const AttentionProblem& problem, int64_t heads, void* out, float* lse,
                          const void* qkv) {
    return with_constants("attention_forward", problem, [&](auto width, auto dropping) {
        return forward<decltype(width)::value, decltype(dropping)::value>(context, problem, heads, static_cast<E*>(out),
                                                                          lse, static_cast<const E*>(qkv));
    });
}

int32_t attention_forward_split(sn9_context* context, const AttentionProblem& problem, int64_t heads, float* out,
                                const float* qkv) {
    return with_head_width("attention_forward", problem, [&](auto width) {
        constexpr int HS = decltype(width)::value;
        using Tile = mma::SplitForward<HS>;
        return launch_tiles("attention_forward", context, attention_forward_split_kernel<HS>, Tile::kQueries,
                            Tile::kThreads, Tile::kBytes, problem, heads, out, qkv);
    });
}

}  // namespace

}  // namespace sn9

using namespace sn9;

extern "C" int32_t sn9_attention_forward(sn9_context* context, void* out, float* lse, const void* qkv,
                                         const sn9_step* step, float probability, int32_t layer, float scale, int64_t B,
                                         int64_t T, int64_t NH, int64_t HS) {
    AttentionProblem problem = problem_of(step, probability, layer, scale, T, NH, HS);
    bool tensors = usable(out) && usable(qkv);
    if (int32_t status = expect_attention("attention_forward", problem, B, T, NH, tensors)) return status;
    if (context->split && !lse && probability == 0)
        return attention_forward_split(context, problem, B * NH, static_cast<float*>(out),
                                       static_cast<const float*>(qkv));
    return context->precision == SN9_PRECISION_BF16 ? attention_forward<bf16>(context, problem, B * NH, out, lse, qkv)
                                                    : attention_forward<float>(context, problem, B * NH, out, lse, qkv);
}
