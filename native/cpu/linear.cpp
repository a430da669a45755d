// linear: out = activation(in * w + bias) + residual and its gradients; matmul for measuring.
// in (N, C), w (C, OC), bias (OC), out (N, OC), all f32. forward, backward_input: =; backward_weight: +=.
// bytes: 4 * (N*C + C*OC + N*OC); 2*N*C*OC FLOPs each way. Compute bound. Method and numerics: gemm.h.
#include "convert.h"
#include "gemm.h"
#include "kernels.h"

namespace sn9::SN9_ISA {

int64_t panel_columns() {
    return kColumns;
}

int64_t gemm_workspace_bytes(int64_t M, int64_t K, int64_t N) {
    return gemm_bytes(M, K, N);
}

void pack_weight(const sn9_context& context, float* packed, const void* source, int32_t type, int64_t rows,
                 int64_t cols, int32_t kind) {
    // As in * w needs it: K x N with N in panels; the embedding is used transposed.
    bool embedding = kind == SN9_EMBEDDING_WEIGHT;
    int64_t K = embedding ? cols : rows, N = embedding ? rows : cols;
    int64_t panels = ceil_div(N, kColumns);
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t p = 0; p < panels; p++) {
        int64_t columns = N - p * kColumns < kColumns ? N - p * kColumns : kColumns;
        float* to = packed + p * kColumns * K;
        if (type == SN9_F32 && reinterpret_cast<uintptr_t>(source) % alignof(float) == 0) {
            const float* from = static_cast<const float*>(source) + p * kColumns * (embedding ? cols : 1);
            pack_panel<kColumns>(to, {from, embedding ? cols : 1, embedding ? 1 : cols}, columns, K);
            continue;
        }
        for (int64_t k = 0; k < K; k++)
            for (int64_t c = 0; c < kColumns; c++) {
                int64_t n = p * kColumns + c;
                to[k * kColumns + c] =
                    c < columns ? element_as_float(source, type, embedding ? n * cols + k : k * cols + n) : 0.0f;
            }
    }
}

void linear_forward(const sn9_context& context, float* out, float* pre, const float* in, const sn9_weight& w,
                    const float* bias, const float* residual, int32_t activation, int64_t N) {
    Epilogue epilogue;
    epilogue.bias = bias;
    epilogue.pre = pre;
    epilogue.gelu = activation == SN9_GELU;
    epilogue.residual = residual;
    gemm(context, out, w.cols, {in, w.rows, 1}, {w.source, w.cols, 1}, static_cast<const float*>(w.packed), N, w.cols,
         w.rows, false, epilogue);
}

void linear_backward_input(const sn9_context& context, float* din, const float* dout, const sn9_weight& w,
                           const float* pre, int32_t activation, bool add, int64_t N) {
    Epilogue epilogue;
    epilogue.derivative_of = activation == SN9_GELU ? pre : nullptr;
    gemm(context, din, w.rows, {dout, w.cols, 1}, {w.source, 1, w.cols}, nullptr, N, w.rows, w.cols, add, epilogue);
}

void linear_backward_weight(const sn9_context& context, float* dw, float* db, const float* in, const float* dout,
                            int64_t N, int64_t C, int64_t OC) {
    gemm(context, dw, OC, {in, 1, C}, {dout, OC, 1}, nullptr, C, OC, N, true, {});
    if (!db) return;
    // Column sums in blocks of rows, so that the rounding error grows with the block, not with N.
    constexpr int64_t kBlock = 64, kVectors = 4;
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t c0 = 0; c0 < OC; c0 += kVectors * W) {
        int64_t columns = OC - c0 < kVectors * W ? OC - c0 : kVectors * W;
        vfloat total[kVectors] = {};
        for (int64_t i0 = 0; i0 < N; i0 += kBlock) {
            vfloat part[kVectors] = {};
            for (int64_t i = i0; i < N && i < i0 + kBlock; i++)
                for_each_vector(columns, [&](int64_t c, int64_t lanes) {
                    part[c / W] += load_some(dout + i * OC + c0 + c, lanes);
                });
            for (int64_t v = 0; v < kVectors; v++) total[v] += part[v];
        }
        for_each_vector(columns, [&](int64_t c, int64_t lanes) {
            store_some(db + c0 + c, load_some(db + c0 + c, lanes) + total[c / W], lanes);
        });
    }
}

void matmul(const sn9_context& context, float* out, const float* a, const float* b, int64_t M, int64_t K, int64_t N) {
    gemm(context, out, N, {a, K, 1}, {b, N, 1}, nullptr, M, N, K, false, {});
}

}  // namespace sn9::SN9_ISA
