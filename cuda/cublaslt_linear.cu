// cublaslt_linear: the products of linear by cuBLASLt, with what its epilogues do as ours do: the bias (in bf16, as the
// library wants it for a bf16 result), the residual as its matrix C, gelu' of pre in backward_input, += of dw in f32.
// GELU itself stays a kernel of its own, on pre as it was kept: the backward pass recomputes it and must find the same
// bits (gelu.cuh). What no epilogue does is left to linear.cu.
// bytes: as linear.cu, and OC*6 for the bias, and N*OC*2e more with GELU. FLOPs, bounds and limits: linear.cu.
// Numerics: cublaslt.cu; the bias is rounded to bf16, once more than in linear.cu.
#include "cublaslt.cuh"
#include "expect.cuh"
#include "launch.cuh"

namespace sn9 {
namespace {

int32_t by_library(const sn9_context* context, const LibraryProduct& product, bool* done) {
    if (int32_t failed = cublaslt_plan(context, product, done)) return failed;
    return *done ? cublaslt_multiply(context, product) : SN9_OK;
}

}  // namespace

int32_t cublaslt_linear_forward(sn9_context* context, void* out, void* pre, const void* in, const sn9_weight* w,
                                const float* bias, const void* residual, int32_t activation, int64_t N, bool* done) {
    int64_t C = w->rows, OC = w->cols;
    bool gelu = activation == SN9_GELU;
    *done = false;
    if (!cublaslt_serves(context) || gelu != (pre != nullptr) || (gelu && residual)) return SN9_OK;
    void* rounded = context->workspace;
    LibraryProduct product = {
        "linear_forward",         Layout::NN, N, OC, C, in, w->packed, gelu ? pre : out, false, residual,
        bias ? rounded : nullptr, nullptr};
    if (bias)
        if (int32_t failed = expect_workspace(context, 2 * OC, "linear_forward")) return failed;
    if (int32_t failed = cublaslt_plan(context, product, done)) return failed;
    if (!*done) return SN9_OK;
    if (bias)
        if (int32_t failed = sn9_cast(context, rounded, SN9_BF16, bias, SN9_F32, OC)) return failed;
    if (int32_t failed = cublaslt_multiply(context, product)) return failed;
    return gelu ? sn9_gelu_forward(context, out, pre, N * OC) : SN9_OK;
}

int32_t cublaslt_linear_backward_input(const sn9_context* context, void* din, const void* dout, const sn9_weight* w,
                                       const void* pre, bool add, int64_t N, bool* done) {
    int64_t C = w->rows, OC = w->cols;
    *done = false;
    if (!cublaslt_serves(context) || (pre && add)) return SN9_OK;
    LibraryProduct product = {"linear_backward_input", Layout::NT, N,  C, OC, dout, w->packed, din, false,
                              add ? din : nullptr,     nullptr,    pre};
    return by_library(context, product, done);
}

int32_t cublaslt_linear_backward_weight(const sn9_context* context, float* dw, const void* in, const void* dout,
                                        int64_t N, int64_t C, int64_t OC, bool* done) {
    *done = false;
    if (!cublaslt_serves(context)) return SN9_OK;
    LibraryProduct product = {"linear_backward_weight", Layout::TN, C, OC, N, in, dout, dw, true, dw, nullptr, nullptr};
    return by_library(context, product, done);
}

}  // namespace sn9
