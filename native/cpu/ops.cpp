// ops: the C ABI of sn9_ops.h on the CPU. Checks what a caller can get wrong, then calls the kernels of the context's
// instruction set.
#include "sn9_ops.h"

#include <cmath>
#include <cstring>

#include "error.h"
#include "kernels.h"

using sn9::fail;
using sn9::Isa;

namespace {

// The kernels of the context's instruction set.
#if defined(__x86_64__)
#define SN9_DISPATCH(context, call)                    \
    ((context)->isa == Isa::avx512 ? sn9::avx512::call \
     : (context)->isa == Isa::avx2 ? sn9::avx2::call   \
                                   : sn9::portable::call)
#else
#define SN9_DISPATCH(context, call) sn9::portable::call
#endif

// Returns with a message unless the condition holds.
#define SN9_EXPECT(condition, ...) \
    if (!(condition)) return fail(SN9_BAD_ARGUMENT, __VA_ARGS__)

typedef long long ll;

const float* in_f32(const void* p) {
    return static_cast<const float*>(p);
}
float* out_f32(void* p) {
    return static_cast<float*>(p);
}

int64_t type_bytes(int32_t type) {
    switch (type) {
        case SN9_F32:
            return 4;
        case SN9_BF16:
        case SN9_F16:
            return 2;
        case SN9_F64:
            return 8;
        default:
            return 0;
    }
}

int32_t expect_workspace(const sn9_context* context, int64_t bytes, const char* op) {
    if (bytes <= context->workspace_bytes) return SN9_OK;
    return fail(SN9_BAD_ARGUMENT, "%s: the workspace has %lld bytes and needs %lld; reserve it first", op,
                (ll)context->workspace_bytes, (ll)bytes);
}

int64_t head_bytes(const sn9_context* context, int64_t N, int64_t C, int64_t V, bool training) {
    return SN9_DISPATCH(context, head_workspace_bytes(N, C, V, training)) +
           context->threads * SN9_DISPATCH(context, head_thread_bytes(C));
}

int32_t expect_ids(const int32_t* ids, int64_t n, int64_t V, bool ignored_allowed, const char* what) {
    for (int64_t i = 0; i < n; i++)
        if (ids[i] >= V || (ids[i] < 0 && !ignored_allowed))
            return fail(SN9_BAD_ARGUMENT, "%s %d at position %lld is outside of the vocabulary of %lld", what, ids[i],
                        (ll)i, (ll)V);
    return SN9_OK;
}

}  // namespace

int32_t sn9_workspace_bytes(sn9_context* context, int64_t* bytes, int64_t B, int64_t T, int64_t C, int64_t NH,
                            int64_t HS, int64_t F, int64_t V, int32_t training) {
    SN9_EXPECT(context && bytes, "workspace_bytes: null argument");
    SN9_EXPECT(B > 0 && T > 0 && C > 0 && NH > 0 && HS > 0 && F > 0 && V > 0,
               "workspace_bytes: B %lld, T %lld, C %lld, NH %lld, HS %lld, F %lld, V %lld", (ll)B, (ll)T, (ll)C, (ll)NH,
               (ll)HS, (ll)F, (ll)V);
    int64_t N = B * T, A = NH * HS, most = 4096;
    auto at_least = [&](int64_t needed) { most = needed > most ? needed : most; };
    // Every linear layer as K x N, forward; then with its weight transposed; then tokens as K.
    const int64_t shapes[][2] = {{C, 3 * A}, {A, C}, {C, F}, {F, C}};
    for (auto& shape : shapes) {
        at_least(SN9_DISPATCH(context, gemm_workspace_bytes(N, shape[0], shape[1])));
        if (!training) continue;
        at_least(SN9_DISPATCH(context, gemm_workspace_bytes(N, shape[1], shape[0])));
        at_least(SN9_DISPATCH(context, gemm_workspace_bytes(shape[0], N, shape[1])));
    }
    at_least(SN9_DISPATCH(context, gemm_workspace_bytes(1, C, V)));  // head_logits
    at_least(context->threads * SN9_DISPATCH(context, attention_thread_bytes(T, HS, training != 0)));
    at_least(head_bytes(context, N, C, V, false));
    if (training) {
        at_least(head_bytes(context, N, C, V, true));
        at_least(SN9_DISPATCH(context, layernorm_workspace_bytes(N, C)));
    }
    *bytes = most;
    return SN9_OK;
}

int32_t sn9_padding(sn9_context* context, int64_t* channels, int64_t* head, int64_t* vocabulary) {
    SN9_EXPECT(context && channels && head && vocabulary, "padding: null argument");
    *channels = *head = *vocabulary = 1;
    return SN9_OK;
}

int32_t sn9_weight_bytes(sn9_context* context, int64_t* bytes, int64_t rows, int64_t cols, int32_t kind,
                         int32_t trained) {
    SN9_EXPECT(context && bytes && rows > 0 && cols > 0, "weight_bytes: [%lld, %lld]", (ll)rows, (ll)cols);
    int64_t K = kind == SN9_EMBEDDING_WEIGHT ? cols : rows, N = kind == SN9_EMBEDDING_WEIGHT ? rows : cols;
    *bytes = trained ? 0 : sn9::round_up(N, SN9_DISPATCH(context, panel_columns())) * K * 4;
    return SN9_OK;
}

int32_t sn9_weight_prepare(sn9_context* context, sn9_weight* weight, void* storage, const void* source,
                           int32_t source_type, int64_t rows, int64_t cols, int32_t kind, int32_t trained) {
    SN9_EXPECT(context && weight && source && rows > 0 && cols > 0, "weight_prepare: [%lld, %lld], or a null pointer",
               (ll)rows, (ll)cols);
    SN9_EXPECT(trained || storage, "weight_prepare: no storage");
    SN9_EXPECT(type_bytes(source_type) && (!trained || source_type == SN9_F32), "weight_prepare: element type %d",
               source_type);
    memset(weight, 0, sizeof *weight);
    weight->rows = rows;
    weight->cols = cols;
    weight->kind = kind;
    if (trained) {
        weight->source = in_f32(source);
    } else {
        SN9_DISPATCH(context, pack_weight(*context, out_f32(storage), source, source_type, rows, cols, kind));
        weight->packed = in_f32(storage);
    }
    return SN9_OK;
}

int32_t sn9_embed_forward(sn9_context* context, void* out, const int32_t* tokens, const sn9_weight* wte,
                          const float* wpe, int64_t B, int64_t T, int64_t C) {
    SN9_EXPECT(wte->cols == C, "embed_forward: wte has %lld columns, C is %lld", (ll)wte->cols, (ll)C);
    if (int32_t status = expect_ids(tokens, B * T, wte->rows, false, "embed_forward: token")) return status;
    SN9_DISPATCH(context, embed_forward(*context, out_f32(out), tokens, *wte, wpe, B, T, C));
    return SN9_OK;
}

int32_t sn9_embed_backward(sn9_context* context, float* dwte, float* dwpe, const void* dout, const int32_t* tokens,
                           int64_t B, int64_t T, int64_t C, int64_t V) {
    if (int32_t status = expect_ids(tokens, B * T, V, false, "embed_backward: token")) return status;
    SN9_DISPATCH(context, embed_backward(*context, dwte, dwpe, in_f32(dout), tokens, B, T, C));
    return SN9_OK;
}

int32_t sn9_dropout(sn9_context* context, void* out, const void* in, const void* residual, const sn9_step* step,
                    float probability, int32_t layer, int32_t site, int64_t N, int64_t C, int64_t true_C) {
    SN9_EXPECT(probability >= 0 && probability < 1, "dropout: probability %g, expected 0 to below 1",
               static_cast<double>(probability));
    SN9_DISPATCH(context, dropout(*context, out_f32(out), in_f32(in), in_f32(residual), *step, probability, layer, site,
                                  N, C, true_C));
    return SN9_OK;
}

int32_t sn9_linear_forward(sn9_context* context, void* out, void* pre, const void* in, const sn9_weight* w,
                           const float* bias, const void* residual, int32_t activation, int64_t N) {
    SN9_EXPECT(w->kind == SN9_LINEAR_WEIGHT, "linear_forward: the weight is an embedding");
    SN9_EXPECT(residual != out || !residual, "linear_forward: residual and out are the same memory");
    if (int32_t status = expect_workspace(context, SN9_DISPATCH(context, gemm_workspace_bytes(N, w->rows, w->cols)),
                                          "linear_forward"))
        return status;
    SN9_DISPATCH(context, linear_forward(*context, out_f32(out), out_f32(pre), in_f32(in), *w, bias, in_f32(residual),
                                         activation, N));
    return SN9_OK;
}

int32_t sn9_linear_backward_input(sn9_context* context, void* din, const void* dout, const sn9_weight* w,
                                  const void* pre, int32_t activation, int32_t add, int64_t N) {
    SN9_EXPECT(w->source, "linear_backward_input: the weight was prepared for evaluation only");
    SN9_EXPECT(!(add && activation), "linear_backward_input: adding through an activation is not defined");
    if (int32_t status = expect_workspace(context, SN9_DISPATCH(context, gemm_workspace_bytes(N, w->cols, w->rows)),
                                          "linear_backward_input"))
        return status;
    SN9_DISPATCH(context,
                 linear_backward_input(*context, out_f32(din), in_f32(dout), *w, in_f32(pre), activation, add != 0, N));
    return SN9_OK;
}

int32_t sn9_linear_backward_weight(sn9_context* context, float* dw, float* db, const void* in, const void* dout,
                                   int64_t N, int64_t C, int64_t OC) {
    if (int32_t status =
            expect_workspace(context, SN9_DISPATCH(context, gemm_workspace_bytes(C, N, OC)), "linear_backward_weight"))
        return status;
    SN9_DISPATCH(context, linear_backward_weight(*context, dw, db, in_f32(in), in_f32(dout), N, C, OC));
    return SN9_OK;
}

int32_t sn9_add_layernorm_forward(sn9_context* context, void* sum, void* out, float* mean, float* rstd, const void* a,
                                  const void* b, const float* w, const float* bias, float epsilon, int64_t N, int64_t C,
                                  int64_t true_C) {
    SN9_EXPECT(true_C > 0 && true_C <= C, "add_layernorm_forward: true C %lld of %lld", (ll)true_C, (ll)C);
    SN9_EXPECT(!b || sum, "add_layernorm_forward: b without a place for the sum");
    SN9_DISPATCH(context, layernorm_forward(*context, out_f32(sum), out_f32(out), mean, rstd, in_f32(a), in_f32(b), w,
                                            bias, epsilon, N, C, true_C));
    return SN9_OK;
}

int32_t sn9_layernorm_recompute(sn9_context* context, void* out, const void* in, const float* mean, const float* rstd,
                                const float* w, const float* bias, int64_t N, int64_t C, int64_t true_C) {
    SN9_DISPATCH(context, layernorm_recompute(*context, out_f32(out), in_f32(in), mean, rstd, w, bias, N, C, true_C));
    return SN9_OK;
}

int32_t sn9_layernorm_backward(sn9_context* context, void* din, float* dw, float* db, const void* dout, const void* in,
                               const float* mean, const float* rstd, const float* w, int64_t N, int64_t C,
                               int64_t true_C) {
    if (int32_t status =
            expect_workspace(context, SN9_DISPATCH(context, layernorm_workspace_bytes(N, C)), "layernorm_backward"))
        return status;
    SN9_DISPATCH(context, layernorm_backward(*context, out_f32(din), dw, db, in_f32(dout), in_f32(in), mean, rstd, w, N,
                                             C, true_C));
    return SN9_OK;
}

int32_t sn9_gelu_forward(sn9_context* context, void* out, const void* pre, int64_t n) {
    SN9_DISPATCH(context, gelu_forward(*context, out_f32(out), in_f32(pre), n));
    return SN9_OK;
}

int32_t sn9_attention_forward(sn9_context* context, void* out, float* lse, const void* qkv, const sn9_step* step,
                              float probability, int32_t layer, float scale, int64_t B, int64_t T, int64_t NH,
                              int64_t HS) {
    int64_t bytes = context->threads * SN9_DISPATCH(context, attention_thread_bytes(T, HS, false));
    if (int32_t status = expect_workspace(context, bytes, "attention_forward")) return status;
    SN9_DISPATCH(context, attention_forward(*context, out_f32(out), lse, in_f32(qkv), step, probability, layer, scale,
                                            B, T, NH, HS));
    return SN9_OK;
}

int32_t sn9_attention_backward(sn9_context* context, void* dqkv, const void* dout, const void* out, const void* qkv,
                               const float* lse, const sn9_step* step, float probability, int32_t layer, float scale,
                               int64_t B, int64_t T, int64_t NH, int64_t HS) {
    int64_t bytes = context->threads * SN9_DISPATCH(context, attention_thread_bytes(T, HS, true));
    if (int32_t status = expect_workspace(context, bytes, "attention_backward")) return status;
    SN9_DISPATCH(context, attention_backward(*context, out_f32(dqkv), in_f32(dout), in_f32(out), in_f32(qkv), lse, step,
                                             probability, layer, scale, B, T, NH, HS));
    return SN9_OK;
}

int32_t sn9_head_loss_forward(sn9_context* context, float* losses, const void* in, const sn9_weight* wte,
                              const int32_t* targets, int64_t N, int64_t true_V) {
    SN9_EXPECT(wte->kind == SN9_EMBEDDING_WEIGHT, "head_loss_forward: the weight is no embedding");
    if (int32_t status = expect_ids(targets, N, true_V, true, "head_loss_forward: target")) return status;
    if (int32_t status =
            expect_workspace(context, head_bytes(context, N, wte->cols, wte->rows, false), "head_loss_forward"))
        return status;
    SN9_DISPATCH(context, head_loss_forward(*context, losses, in_f32(in), *wte, targets, N, true_V));
    return SN9_OK;
}

int32_t sn9_head_loss_backward(sn9_context* context, float* losses, void* din, float* dwte, const void* in,
                               const sn9_weight* wte, const int32_t* targets, const sn9_step* step, int64_t N,
                               int64_t true_V) {
    SN9_EXPECT(wte->kind == SN9_EMBEDDING_WEIGHT, "head_loss_backward: the weight is no embedding");
    SN9_EXPECT(wte->source, "head_loss_backward: the weight was prepared for evaluation only");
    if (int32_t status = expect_ids(targets, N, true_V, true, "head_loss_backward: target")) return status;
    if (int32_t status =
            expect_workspace(context, head_bytes(context, N, wte->cols, wte->rows, true), "head_loss_backward"))
        return status;
    SN9_DISPATCH(context, head_loss_backward(*context, losses, out_f32(din), dwte, in_f32(in), *wte, targets,
                                             step->loss_scale, N, true_V));
    return SN9_OK;
}

int32_t sn9_head_logits(sn9_context* context, float* logits, const void* in, const sn9_weight* wte, const int32_t* rows,
                        int64_t n, int64_t true_V) {
    SN9_EXPECT(wte->kind == SN9_EMBEDDING_WEIGHT, "head_logits: the weight is no embedding");
    if (int32_t status = expect_workspace(context, SN9_DISPATCH(context, gemm_workspace_bytes(1, wte->cols, wte->rows)),
                                          "head_logits"))
        return status;
    SN9_DISPATCH(context, head_logits(*context, logits, in_f32(in), *wte, rows, n, true_V));
    return SN9_OK;
}

int32_t sn9_sequence_mean(sn9_context* context, double* means, const float* losses, const int32_t* targets, int64_t B,
                          int64_t T) {
    SN9_EXPECT(context && means && losses && targets && B > 0 && T > 0, "sequence_mean: B %lld, T %lld", (ll)B, (ll)T);
    for (int64_t b = 0; b < B; b++) {
        double sum = 0;
        int64_t count = 0;
        for (int64_t t = 0; t < T; t++)
            if (targets[b * T + t] >= 0) {
                sum += losses[b * T + t];
                count++;
            }
        means[b] = count ? sum / static_cast<double>(count) : 0.0;
    }
    return SN9_OK;
}

int32_t sn9_grad_norm(sn9_context* context, sn9_step* step, const float* grads, int64_t n) {
    if (int32_t status = expect_workspace(context, 4096, "grad_norm")) return status;
    step->grad_norm = std::sqrt(SN9_DISPATCH(context, sum_of_squares(*context, grads, n)));
    step->finite = std::isfinite(step->grad_norm) ? 1 : 0;
    return SN9_OK;
}

int32_t sn9_adamw(sn9_context* context, float* params, float* m, float* v, void* copy, const float* grads,
                  const sn9_step* step, int64_t decayed, int64_t n) {
    SN9_EXPECT(decayed >= 0 && decayed <= n, "adamw: %lld of %lld parameters decay", (ll)decayed, (ll)n);
    if (step->finite) SN9_DISPATCH(context, adamw(*context, params, m, v, out_f32(copy), grads, *step, decayed, n));
    return SN9_OK;
}

int32_t sn9_cast(sn9_context* context, void* to, int32_t to_type, const void* from, int32_t from_type, int64_t n) {
    SN9_EXPECT(type_bytes(to_type) && to_type != SN9_F64 && type_bytes(from_type), "cast: element type %d to %d",
               from_type, to_type);
    SN9_DISPATCH(context, cast(*context, to, to_type, from, from_type, n));
    return SN9_OK;
}

int32_t sn9_fill(sn9_context* context, float* to, float value, int64_t n) {
    SN9_DISPATCH(context, fill(*context, to, value, n));
    return SN9_OK;
}

int32_t sn9_scale_add(sn9_context* context, float* to, const float* from, float scale, int64_t n) {
    SN9_DISPATCH(context, scale_add(*context, to, from, scale, n));
    return SN9_OK;
}

int32_t sn9_check_finite(sn9_context* context, int64_t* first, const void* from, int32_t type, int64_t n) {
    SN9_EXPECT(type_bytes(type), "check_finite: element type %d", type);
    *first = SN9_DISPATCH(context, first_not_finite(*context, from, type, n));
    return SN9_OK;
}

int32_t sn9_matmul(sn9_context* context, float* out, const float* a, const float* b, int64_t M, int64_t K, int64_t N,
                   int32_t backend) {
    SN9_EXPECT(M > 0 && K > 0 && N > 0 && (backend == 0 || backend == 1), "matmul: M %lld, K %lld, N %lld, backend %d",
               (ll)M, (ll)K, (ll)N, backend);
    if (backend == 0) {
        int64_t bytes = SN9_DISPATCH(context, gemm_workspace_bytes(M, K, N));
        if (int32_t status = sn9_context_reserve(context, bytes)) return status;
        SN9_DISPATCH(context, matmul(*context, out, a, b, M, K, N));
        return SN9_OK;
    }
    if (!context->onednn) return fail(SN9_UNSUPPORTED, "matmul: oneDNN (libdnnl.so.3) was not found");
    // Fixed strips of rows, each a sequential call inside our own parallel region: oneDNN's own threading makes the
    // bits depend on the number of threads.
    constexpr int64_t kStrip = 128;
    int failed = 0;
#pragma omp parallel for num_threads(context->threads) schedule(static) reduction(| : failed)
    for (int64_t i = 0; i < M; i += kStrip)
        failed |= context->onednn->sgemm('N', 'N', M - i < kStrip ? M - i : kStrip, N, K, 1.0f, a + i * K, K, b, N,
                                         0.0f, out + i * N, N);
    return failed ? fail(SN9_DEVICE_FAILED, "matmul: oneDNN refused M %lld, K %lld, N %lld", (ll)M, (ll)K, (ll)N)
                  : SN9_OK;
}
