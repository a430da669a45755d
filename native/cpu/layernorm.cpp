// layernorm: out = (x - mean) * rstd * w + bias per row, x = a + b; gradients; gelu beside it, elementwise as well.
// x, out (N, C); mean, rstd (N); w, bias (C). forward: =; backward: din +=, dw +=, db +=.
// bytes: forward 8*N*C + 8*N (12 with b); backward 16*N*C + 8*N. Memory bound. One thread per row.
// Numerics: variance from the centred values (two passes over a row in cache). dw and db: blocks of 32 rows summed in
// order, then the blocks in order: deterministic at any number of threads.
#include "kernels.h"
#include "simd.h"

namespace sn9::SN9_ISA {

namespace {
constexpr int64_t kBlock = 32;

// One row: out = (x - mean) * rstd * w + bias, 0 from true_C on.
inline void normalise(float* out, const float* x, float mean, float rstd, const float* w, const float* bias, int64_t C,
                      int64_t true_C) {
    for_each_vector(true_C, [&](int64_t c, int64_t lanes) {
        vfloat n = (load_some(x + c, lanes) - mean) * rstd;
        store_some(out + c, n * load_some(w + c, lanes) + load_some(bias + c, lanes), lanes);
    });
    for (int64_t c = true_C; c < C; c++) out[c] = 0;
}

}  // namespace

int64_t layernorm_workspace_bytes(int64_t N, int64_t C) {
    return ceil_div(N, kBlock) * 2 * C * 4;
}

void layernorm_forward(const sn9_context& context, float* total, float* out, float* mean, float* rstd, const float* a,
                       const float* b, const float* w, const float* bias, float epsilon, int64_t N, int64_t C,
                       int64_t true_C) {
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t i = 0; i < N; i++) {
        const float* x = a + i * C;
        if (b) {
            for_each_vector(C, [&](int64_t c, int64_t lanes) {
                store_some(total + i * C + c, load_some(x + c, lanes) + load_some(b + i * C + c, lanes), lanes);
            });
            x = total + i * C;
        }
        vfloat s = vfloat{};
        for_each_vector(true_C, [&](int64_t c, int64_t lanes) { s += load_some(x + c, lanes); });
        float m = sum(s) / static_cast<float>(true_C);
        vfloat squares = vfloat{};
        for_each_vector(true_C, [&](int64_t c, int64_t lanes) {
            if (lanes == W) {
                vfloat d = load(x + c) - m;
                squares += d * d;
            } else {
                float d[W] = {};
                for (int64_t k = 0; k < lanes; k++) d[k] = x[c + k] - m;
                squares += load(d) * load(d);
            }
        });
        float r = 1.0f / sqrtf(sum(squares) / static_cast<float>(true_C) + epsilon);
        mean[i] = m;
        rstd[i] = r;
        normalise(out + i * C, x, m, r, w, bias, C, true_C);
    }
}

void layernorm_recompute(const sn9_context& context, float* out, const float* in, const float* mean, const float* rstd,
                         const float* w, const float* bias, int64_t N, int64_t C, int64_t true_C) {
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t i = 0; i < N; i++) normalise(out + i * C, in + i * C, mean[i], rstd[i], w, bias, C, true_C);
}

void layernorm_backward(const sn9_context& context, float* din, float* dw, float* db, const float* dout,
                        const float* in, const float* mean, const float* rstd, const float* w, int64_t N, int64_t C,
                        int64_t true_C) {
    float* partial = reinterpret_cast<float*>(context.workspace);  // (blocks, 2, C)
    int64_t blocks = ceil_div(N, kBlock);
#pragma omp parallel num_threads(context.threads)
    {
#pragma omp for schedule(static)
        for (int64_t block = 0; block < blocks; block++) {
            float *dw_part = partial + block * 2 * C, *db_part = dw_part + C;
            memset(dw_part, 0, static_cast<size_t>(2 * C) * 4);
            for (int64_t i = block * kBlock; i < N && i < (block + 1) * kBlock; i++) {
                const float *g = dout + i * C, *x = in + i * C;
                float m = mean[i], r = rstd[i];
                // din = r * (gw - mean(gw) - n * mean(gw * n)), n = (x - m) r, gw = g * w.
                vfloat sum_g = vfloat{}, sum_gn = vfloat{};
                for_each_vector(true_C, [&](int64_t c, int64_t lanes) {
                    vfloat gw = load_some(g + c, lanes) * load_some(w + c, lanes);
                    vfloat n = (load_some(x + c, lanes) - m) * r;
                    sum_g += gw;
                    sum_gn += gw * n;
                });
                float mean_g = sum(sum_g) / static_cast<float>(true_C),
                      mean_gn = sum(sum_gn) / static_cast<float>(true_C);
                for_each_vector(true_C, [&](int64_t c, int64_t lanes) {
                    vfloat dy = load_some(g + c, lanes);
                    vfloat n = (load_some(x + c, lanes) - m) * r;
                    vfloat d = r * (dy * load_some(w + c, lanes) - mean_g - n * mean_gn);
                    store_some(din + i * C + c, load_some(din + i * C + c, lanes) + d, lanes);
                    store_some(dw_part + c, load_some(dw_part + c, lanes) + dy * n, lanes);
                    store_some(db_part + c, load_some(db_part + c, lanes) + dy, lanes);
                });
            }
        }
#pragma omp for schedule(static)
        for (int64_t c = 0; c < true_C; c++) {
            float dw_sum = 0, db_sum = 0;
            for (int64_t block = 0; block < blocks; block++) {
                dw_sum += partial[block * 2 * C + c];
                db_sum += partial[block * 2 * C + C + c];
            }
            dw[c] += dw_sum;
            db[c] += db_sum;
        }
    }
}

void gelu_forward(const sn9_context& context, float* out, const float* pre, int64_t n) {
    constexpr int64_t kChunk = 4096;
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t i0 = 0; i0 < n; i0 += kChunk)
        for_each_vector(n - i0 < kChunk ? n - i0 : kChunk, [&](int64_t i, int64_t lanes) {
            store_some(out + i0 + i, gelu(load_some(pre + i0 + i, lanes)), lanes);
        });
}

}  // namespace sn9::SN9_ISA
