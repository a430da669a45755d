// cublaslt: bf16 products by cuBLASLt, where the library is found at run time and a fixed table of devices names it.
// Only for training passes (sn9_training_pass): which of its kernels the library takes depends on all sizes of a
// product, so that a row's bits may depend on how many rows there are.
#pragma once

#include "common.cuh"
#include "gemm_operand.cuh"

namespace sn9 {

// out = op(a) * op(b) + add + bias, or (op(a) * op(b)) * gelu'(pre); (M, N), row-major and contiguous like all else,
// 16-byte aligned. f32 sums. M, N, K are multiples of 8, but M in NN and NT, and K in TN, which may be any.
struct LibraryProduct {
    const char* op;  // its name in messages
    Layout layout;
    int64_t M, N, K;
    const void *a, *b;  // bf16
    void* out;          // bf16 or f32
    bool out_f32;
    const void* add;   // (M, N) of out's type, or null; may be out
    const void* bias;  // (N) bf16, or null
    const void* pre;   // (M, N) bf16, or null; then there is neither add nor bias
};

// Opens the library where the table has it; what keeps it from being used is for describe to say, and no failure.
int32_t cublaslt_open(sn9_context* context);
int32_t cublaslt_close(sn9_context* context);

// Whether products of the context's present pass are asked of the library.
bool cublaslt_serves(const sn9_context* context);

// Writes the lines gemm=, where that is own gemm_reason=, and gemm_workspace_bytes= (sn9_context_describe).
void cublaslt_describe(const sn9_context* context, char* text, int64_t bytes);

// Finds out how the library does a product, once for its sizes; found: whether it can. Making a plan is refused inside
// a capture. multiply does a product for which a plan was found.
int32_t cublaslt_plan(const sn9_context* context, const LibraryProduct& product, bool* found);
int32_t cublaslt_multiply(const sn9_context* context, const LibraryProduct& product);

// The operations of linear.cu by the library. done: whether it was; else nothing has been launched.
int32_t cublaslt_linear_forward(sn9_context* context, void* out, void* pre, const void* in, const sn9_weight* w,
                                const float* bias, const void* residual, int32_t activation, int64_t N, bool* done);
int32_t cublaslt_linear_backward_input(const sn9_context* context, void* din, const void* dout, const sn9_weight* w,
                                       const void* pre, bool add, int64_t N, bool* done);
// dw alone: the sums of columns are not its.
int32_t cublaslt_linear_backward_weight(const sn9_context* context, float* dw, const void* in, const void* dout,
                                        int64_t N, int64_t C, int64_t OC, bool* done);

}  // namespace sn9
