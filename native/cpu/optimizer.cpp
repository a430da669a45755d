// optimizer: the gradient norm and AdamW over one flat arena of n parameters.
// grad_norm: bytes 4*n. adamw: bytes 28*n, one pass; params, m, v updated in place, grads read.
// Numerics: squares are summed in double over fixed chunks, the chunks in order: deterministic.
// Formulas: golden/gpt2-tiny/GOLDEN.md; decoupled decay as in Loshchilov and Hutter, "Decoupled weight decay", 2019.
#include "kernels.h"
#include "simd.h"

namespace sn9::SN9_ISA {

namespace {
constexpr int64_t kChunk = 1 << 16;
constexpr int64_t kLanes = 8;
}  // namespace

double sum_of_squares(const sn9_context& context, const float* x, int64_t n) {
    int64_t chunks = ceil_div(n, kChunk);
    double* partial = reinterpret_cast<double*>(context.workspace);
    int64_t at_once = context.workspace_bytes / 8;
    double total = 0;
    for (int64_t first = 0; first < chunks; first += at_once) {
        int64_t count = chunks - first < at_once ? chunks - first : at_once;
#pragma omp parallel for num_threads(context.threads) schedule(static)
        for (int64_t chunk = 0; chunk < count; chunk++) {
            const float* p = x + (first + chunk) * kChunk;
            int64_t length = n - (first + chunk) * kChunk < kChunk ? n - (first + chunk) * kChunk : kChunk;
            double lane[kLanes] = {};
            int64_t i = 0;
            for (; i + kLanes <= length; i += kLanes)
                for (int64_t k = 0; k < kLanes; k++) lane[k] += static_cast<double>(p[i + k]) * p[i + k];
            for (; i < length; i++) lane[0] += static_cast<double>(p[i]) * p[i];
            double s = 0;
            for (int64_t k = 0; k < kLanes; k++) s += lane[k];
            partial[chunk] = s;
        }
        for (int64_t chunk = 0; chunk < count; chunk++) total += partial[chunk];
    }
    return total;
}

void adamw(const sn9_context& context, float* params, float* m, float* v, float* copy, const float* grads,
           const sn9_step& step, int64_t decayed, int64_t n) {
    double norm = step.grad_norm;
    float scale =
        step.grad_clip > 0 && norm + 1e-6 > step.grad_clip ? static_cast<float>(step.grad_clip / (norm + 1e-6)) : 1.0f;
    float lr = step.learning_rate, beta1 = step.beta1, beta2 = step.beta2, epsilon = step.epsilon;
    float correction1 = 1.0f / step.bias_correction1, correction2 = 1.0f / step.bias_correction2;
    float keep = 1.0f - lr * step.weight_decay;
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t i0 = 0; i0 < n; i0 += kChunk) {
        int64_t end = i0 + kChunk < n ? i0 + kChunk : n;
        for (int64_t i = i0; i < end; i++) {
            float g = grads[i] * scale;
            float p = i < decayed ? params[i] * keep : params[i];
            float m1 = beta1 * m[i] + (1.0f - beta1) * g;
            float v1 = beta2 * v[i] + (1.0f - beta2) * g * g;
            m[i] = m1;
            v[i] = v1;
            params[i] = p - lr * (m1 * correction1) / (__builtin_sqrtf(v1 * correction2) + epsilon);
        }
        if (copy) memcpy(copy + i0, params + i0, static_cast<size_t>(end - i0) * 4);
    }
}

}  // namespace sn9::SN9_ISA
