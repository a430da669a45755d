// kernels: what every instruction set implements. ops.cpp checks the arguments and calls the set of the context.
#pragma once

#include "context.h"

#define SN9_DECLARE_KERNELS(ISA)                                                                                       \
    namespace sn9::ISA {                                                                                               \
    /* Widths that shape the packed layouts: columns of a panel, rows of a register tile. */                           \
    int64_t panel_columns();                                                                                           \
    int64_t gemm_workspace_bytes(int64_t M, int64_t K, int64_t N);                                                     \
    int64_t attention_thread_bytes(int64_t T, int64_t HS, bool training);                                              \
    int64_t head_workspace_bytes(int64_t N, int64_t C, int64_t V, bool training);                                      \
    int64_t head_thread_bytes(int64_t C);                                                                              \
    int64_t layernorm_workspace_bytes(int64_t N, int64_t C);                                                           \
    void pack_weight(const sn9_context&, float* packed, const void* source, int32_t type, int64_t rows, int64_t cols,  \
                     int32_t kind);                                                                                    \
    void embed_forward(const sn9_context&, float* out, const int32_t* tokens, const sn9_weight& wte, const float* wpe, \
                       int64_t B, int64_t T, int64_t C);                                                               \
    void embed_backward(const sn9_context&, float* dwte, float* dwpe, const float* dout, const int32_t* tokens,        \
                        int64_t B, int64_t T, int64_t C);                                                              \
    void dropout(const sn9_context&, float* out, const float* in, const float* residual, const sn9_step&,              \
                 float probability, int32_t layer, int32_t site, int64_t N, int64_t C, int64_t true_C);                \
    void linear_forward(const sn9_context&, float* out, float* pre, const float* in, const sn9_weight& w,              \
                        const float* bias, const float* residual, int32_t activation, int64_t N);                      \
    void linear_backward_input(const sn9_context&, float* din, const float* dout, const sn9_weight& w,                 \
                               const float* pre, int32_t activation, bool add, int64_t N);                             \
    void linear_backward_weight(const sn9_context&, float* dw, float* db, const float* in, const float* dout,          \
                                int64_t N, int64_t C, int64_t OC);                                                     \
    void layernorm_forward(const sn9_context&, float* sum, float* out, float* mean, float* rstd, const float* a,       \
                           const float* b, const float* w, const float* bias, float epsilon, int64_t N, int64_t C,     \
                           int64_t true_C);                                                                            \
    void layernorm_recompute(const sn9_context&, float* out, const float* in, const float* mean, const float* rstd,    \
                             const float* w, const float* bias, int64_t N, int64_t C, int64_t true_C);                 \
    void layernorm_backward(const sn9_context&, float* din, float* dw, float* db, const float* dout, const float* in,  \
                            const float* mean, const float* rstd, const float* w, int64_t N, int64_t C,                \
                            int64_t true_C);                                                                           \
    void gelu_forward(const sn9_context&, float* out, const float* pre, int64_t n);                                    \
    void attention_forward(const sn9_context&, float* out, float* lse, const float* qkv, const sn9_step*,              \
                           float probability, int32_t layer, float scale, int64_t B, int64_t T, int64_t NH,            \
                           int64_t HS);                                                                                \
    void attention_backward(const sn9_context&, float* dqkv, const float* dout, const float* out, const float* qkv,    \
                            const float* lse, const sn9_step*, float probability, int32_t layer, float scale,          \
                            int64_t B, int64_t T, int64_t NH, int64_t HS);                                             \
    void head_loss_forward(const sn9_context&, float* losses, const float* in, const sn9_weight& wte,                  \
                           const int32_t* targets, int64_t N, int64_t true_V);                                         \
    void head_loss_backward(const sn9_context&, float* losses, float* din, float* dwte, const float* in,               \
                            const sn9_weight& wte, const int32_t* targets, float scale, int64_t N, int64_t true_V);    \
    void head_logits(const sn9_context&, float* logits, const float* in, const sn9_weight& wte, const int32_t* rows,   \
                     int64_t n, int64_t true_V);                                                                       \
    double sum_of_squares(const sn9_context&, const float* x, int64_t n);                                              \
    void adamw(const sn9_context&, float* params, float* m, float* v, float* copy, const float* grads,                 \
               const sn9_step&, int64_t decayed, int64_t n);                                                           \
    void cast(const sn9_context&, void* to, int32_t to_type, const void* from, int32_t from_type, int64_t n);          \
    void fill(const sn9_context&, float* to, float value, int64_t n);                                                  \
    void scale_add(const sn9_context&, float* to, const float* from, float scale, int64_t n);                          \
    int64_t first_not_finite(const sn9_context&, const void* from, int32_t type, int64_t n);                           \
    void matmul(const sn9_context&, float* out, const float* a, const float* b, int64_t M, int64_t K, int64_t N);      \
    }

SN9_DECLARE_KERNELS(portable)
SN9_DECLARE_KERNELS(avx2)
SN9_DECLARE_KERNELS(avx512)
