/* sn9_ops.h: every operation of the GPT-2 graph, once. Sizes: B batch, T sequence, C channels, NH heads, HS head size,
 * V vocabulary, N = B*T rows, OC output channels. All are the sizes in memory: where a library pads (sn9_padding), pads
 * of activations, parameters and gradients are exactly zero and stay so. All tensors are row-major. `void *` tensors
 * are of the context's activation type (f32, or bf16 with SN9_PRECISION_BF16), `float *` ones always f32.
 *
 * Order of arguments: context, outputs, inputs, parameters, sizes. Outputs are assigned (=) or accumulated (+=) as
 * each comment says. Nothing allocates: the workspace is sized by sn9_workspace_bytes beforehand. The same inputs give
 * the same bits at any number of threads, and a row's result does not depend on N or on its place. */
#ifndef SN9_OPS_H
#define SN9_OPS_H

#include <stdint.h>

#include "sn9_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Element types; the numbers are those of sn9.tensor.ElementType. */
enum { SN9_F32 = 0, SN9_BF16 = 1, SN9_F16 = 2, SN9_F64 = 3, SN9_I32 = 4 };

/* What linear_forward does to its sum before the residual is added. */
enum { SN9_NO_ACTIVATION = 0, SN9_GELU = 1 };

/* How a weight is stored in its source: [in, out] as a linear layer's, or [V, C] as the token embedding's, which the
 * head multiplies by its transpose. */
enum { SN9_LINEAR_WEIGHT = 0, SN9_EMBEDDING_WEIGHT = 1 };

/* Sites of dropout; part of the random counter. */
enum { SN9_DROPOUT_EMBED = 0, SN9_DROPOUT_ATTENTION = 1, SN9_DROPOUT_ATTENTION_PROJECTION = 2, SN9_DROPOUT_MLP = 3 };

/* A prepared weight: filled by sn9_weight_prepare, opaque to everyone else. Host memory, 64 bytes. */
typedef struct sn9_weight {
    const void* packed;  /* library's own layout, or null */
    const float* source; /* [rows, cols] f32, or null once packed */
    int64_t rows, cols;
    int32_t kind;
    int32_t reserved[7];
} sn9_weight;

/* The scalars that change from step to step, in device memory, so that a captured graph reads them afresh. */
typedef struct sn9_step {
    float learning_rate;
    float beta1, beta2, epsilon, weight_decay;
    float bias_correction1, bias_correction2; /* 1 - beta^t */
    float grad_clip;                          /* largest gradient norm; 0 for no clipping */
    float loss_scale;                         /* multiplies the gradient of the sum of losses */
    uint32_t micro_step;                      /* counter of dropout */
    uint64_t seed;                            /* key of dropout */
    double grad_norm;                         /* out: grad_norm */
    int32_t finite;                           /* out: grad_norm; 0 makes adamw leave everything as it is */
    int32_t reserved[17];
} sn9_step; /* 128 bytes */

/* Dropout at one place of the graph: probability 0 turns it off. Philox4x32-10 keyed by step->seed, counter
 * (element / 4, micro_step, layer, site). Passed by value as two numbers. */

/* Sizes to which the library wants widths padded: channels and MLP width, head size, vocabulary. 1 for none. */
int32_t sn9_padding(sn9_context*, int64_t* channels, int64_t* head, int64_t* vocabulary);

/* Workspace every operation of a model of these sizes needs, the largest of them. A: attention width NH*HS; F: MLP
 * width. training: 0 or 1. */
int32_t sn9_workspace_bytes(sn9_context*, int64_t* bytes, int64_t B, int64_t T, int64_t C, int64_t NH, int64_t HS,
                            int64_t F, int64_t V, int32_t training);

/* Bytes of storage that sn9_weight_prepare needs for a weight. For a trained one: 0 where the library reads the f32
 * source itself, else rows * cols elements of the activation type, which sn9_adamw keeps up to date. A weight that is
 * not trained takes part in forward operations only. */
int32_t sn9_weight_bytes(sn9_context*, int64_t* bytes, int64_t rows, int64_t cols, int32_t kind, int32_t trained);

/* Makes a weight ready for the operations. trained 0: source is [rows, cols] of source_type in device memory and is not
 * needed afterwards. trained 1: f32 in device memory, which must outlive the weight; storage is filled from it now.
 * storage: device memory of sn9_weight_bytes, or null if that is 0. */
int32_t sn9_weight_prepare(sn9_context*, sn9_weight* weight, void* storage, const void* source, int32_t source_type,
                           int64_t rows, int64_t cols, int32_t kind, int32_t trained);

/* out = wte[tokens] + wpe[0..T-1]. out (N, C); tokens (N) i32 in [0, V); wpe (P, C) with P >= T. */
int32_t sn9_embed_forward(sn9_context*, void* out, const int32_t* tokens, const sn9_weight* wte, const float* wpe,
                          int64_t B, int64_t T, int64_t C);

/* dwte[tokens] += dout, dwpe[t] += sum over B of dout. Summed in the order of rows. dwte (V, C). Where the host can
 * read device memory a token outside of [0, V) is refused, forward and here; elsewhere its row of out becomes NaN, and
 * its gradient reaches no row of dwte. */
int32_t sn9_embed_backward(sn9_context*, float* dwte, float* dwpe, const void* dout, const int32_t* tokens, int64_t B,
                           int64_t T, int64_t C, int64_t V);

/* out = residual + in * mask / (1 - probability). residual may be null (0); out may be in or residual. All (N, C); the
 * mask's element is row * true_C + column, so that padding does not move it. */
int32_t sn9_dropout(sn9_context*, void* out, const void* in, const void* residual, const sn9_step* step,
                    float probability, int32_t layer, int32_t site, int64_t N, int64_t C, int64_t true_C);

/* out = activation(in * w + bias) + residual. out, pre, residual (N, OC); in (N, C); bias (OC). pre, when not null,
 * gets in * w + bias. bias and residual may be null. residual must not be out. */
int32_t sn9_linear_forward(sn9_context*, void* out, void* pre, const void* in, const sn9_weight* w, const float* bias,
                           const void* residual, int32_t activation, int64_t N);

/* din = (dout * w^T) * activation'(pre), or += when add is 1. din, pre (N, C); dout (N, OC). */
int32_t sn9_linear_backward_input(sn9_context*, void* din, const void* dout, const sn9_weight* w, const void* pre,
                                  int32_t activation, int32_t add, int64_t N);

/* dw += in^T * dout, db += column sums of dout. dw (C, OC); db (OC) or null; in (N, C); dout (N, OC). */
int32_t sn9_linear_backward_weight(sn9_context*, float* dw, float* db, const void* in, const void* dout, int64_t N,
                                   int64_t C, int64_t OC);

/* sum = a + b; out = (sum - mean) * rstd * w + bias per row. b may be null: then sum is a and the argument sum is not
 * written and may be null. mean, rstd (N) f32 over the first true_C columns; the others become 0. */
int32_t sn9_add_layernorm_forward(sn9_context*, void* sum, void* out, float* mean, float* rstd, const void* a,
                                  const void* b, const float* w, const float* bias, float epsilon, int64_t N, int64_t C,
                                  int64_t true_C);

/* out = (in - mean) * rstd * w + bias, from statistics kept by the forward pass: the same bits again. */
int32_t sn9_layernorm_recompute(sn9_context*, void* out, const void* in, const float* mean, const float* rstd,
                                const float* w, const float* bias, int64_t N, int64_t C, int64_t true_C);

/* din += gradient of the row; dw += sum dout * normalised; db += sum dout. din may hold the residual's gradient. */
int32_t sn9_layernorm_backward(sn9_context*, void* din, float* dw, float* db, const void* dout, const void* in,
                               const float* mean, const float* rstd, const float* w, int64_t N, int64_t C,
                               int64_t true_C);

/* out = gelu(pre), tanh form: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
int32_t sn9_gelu_forward(sn9_context*, void* out, const void* pre, int64_t n);

/* Causal attention. out (B, T, NH*HS); qkv (B, T, 3*NH*HS): q, k, v side by side, heads inside; scores q.k * scale.
 * lse (B, NH, T) f32, or null: log of the sum of exponentials of a row's scores. Dropout applies to the
 * probabilities. Without lse it is evaluation: where FP32 is split, products are (sn9_device.h), and bits differ. */
int32_t sn9_attention_forward(sn9_context*, void* out, float* lse, const void* qkv, const sn9_step* step,
                              float probability, int32_t layer, float scale, int64_t B, int64_t T, int64_t NH,
                              int64_t HS);

/* dqkv = gradient. dout, out (B, T, NH*HS); qkv, dqkv (B, T, 3*NH*HS); lse as kept by the forward pass. */
int32_t sn9_attention_backward(sn9_context*, void* dqkv, const void* dout, const void* out, const void* qkv,
                               const float* lse, const sn9_step* step, float probability, int32_t layer, float scale,
                               int64_t B, int64_t T, int64_t NH, int64_t HS);

/* losses[i] = -log softmax(in[i] * wte^T)[targets[i]] in nats, 0 where the target is negative. No logits are kept.
 * losses (N) f32; in (N, C); targets (N) i32. Only the weight's first
 * true_V rows are words: padding rows get no probability and no gradient, here and below. */
int32_t sn9_head_loss_forward(sn9_context*, float* losses, const void* in, const sn9_weight* wte,
                              const int32_t* targets, int64_t N, int64_t true_V);

/* As head_loss_forward, and the gradients of step->loss_scale times the sum of losses: din =, dwte +=. */
int32_t sn9_head_loss_backward(sn9_context*, float* losses, void* din, float* dwte, const void* in,
                               const sn9_weight* wte, const int32_t* targets, const sn9_step* step, int64_t N,
                               int64_t true_V);

/* logits = in[rows] * wte^T. logits (n, true_V) f32; rows (n) i32. */
int32_t sn9_head_logits(sn9_context*, float* logits, const void* in, const sn9_weight* wte, const int32_t* rows,
                        int64_t n, int64_t true_V);

/* means[b] = mean of the losses of sequence b over its targets that are not negative; 0 when there is none. (B) f64. */
int32_t sn9_sequence_mean(sn9_context*, double* means, const float* losses, const int32_t* targets, int64_t B,
                          int64_t T);

/* step->grad_norm = root of the sum of squares, step->finite = whether that is a number. */
int32_t sn9_grad_norm(sn9_context*, sn9_step* step, const float* grads, int64_t n);

/* One AdamW step over flat arenas (subnet.md B.2, golden README): gradients scaled by
 * min(1, grad_clip / (grad_norm + 1e-6)); the first decayed elements decay. copy, when not null,
 * gets the new parameters in the activation type. Nothing changes when step->finite is 0. */
int32_t sn9_adamw(sn9_context*, float* params, float* m, float* v, void* copy, const float* grads, const sn9_step* step,
                  int64_t decayed, int64_t n);

/* to = from, converted, to nearest even; both in device memory. Types among f32, bf16, f16, and (source only) f64. */
int32_t sn9_cast(sn9_context*, void* to, int32_t to_type, const void* from, int32_t from_type, int64_t n);

/* to = value. */
int32_t sn9_fill(sn9_context*, float* to, float value, int64_t n);

/* to += scale * from. */
int32_t sn9_scale_add(sn9_context*, float* to, const float* from, float scale, int64_t n);

/* *first (host) = index of the first element of host memory that is NaN or infinite, or -1. f32, bf16, f16 or f64. */
int32_t sn9_check_finite(sn9_context*, int64_t* first, const void* from, int32_t type, int64_t n);

/* out = a * b with this library's own kernels (backend 0) or oneDNN's (1, SN9_UNSUPPORTED where absent). a (M, K);
 * b (K, N); f32. For measuring and for tests. */
int32_t sn9_matmul(sn9_context*, float* out, const float* a, const float* b, int64_t M, int64_t K, int64_t N,
                   int32_t backend);

#ifdef __cplusplus
}
#endif
#endif
