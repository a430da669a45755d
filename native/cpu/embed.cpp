// embed: out = wte[tokens] + wpe[t] and its gradient.  out, dout (N, C); wte (V, C); wpe (P, C).
// forward: =; backward: dwte +=, dwpe +=, each element summed in the order of rows: deterministic.
// bytes: forward 12*N*C; backward 16*N*C. Memory bound. Backward splits channels over threads, so no two threads meet.
#include "kernels.h"
#include "simd.h"

namespace sn9::SN9_ISA {

void embed_forward(const sn9_context& context, float* out, const int32_t* tokens, const sn9_weight& wte,
                   const float* wpe, int64_t B, int64_t T, int64_t C) {
    int64_t panel = panel_columns();
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t i = 0; i < B * T; i++) {
        float* to = out + i * C;
        const float* position = wpe + i % T * C;
        int64_t token = tokens[i];
        if (wte.packed) {  // panels of V: the token is one column of its panel
            const float* from = static_cast<const float*>(wte.packed) + token / panel * panel * C + token % panel;
            for (int64_t c = 0; c < C; c++) to[c] = from[c * panel] + position[c];
        } else {
            const float* from = wte.source + token * C;
            for (int64_t c = 0; c < C; c++) to[c] = from[c] + position[c];
        }
    }
}

void embed_backward(const sn9_context& context, float* dwte, float* dwpe, const float* dout, const int32_t* tokens,
                    int64_t B, int64_t T, int64_t C) {
    constexpr int64_t kChannels = 64;
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t c0 = 0; c0 < C; c0 += kChannels) {
        int64_t end = c0 + kChannels < C ? c0 + kChannels : C;
        for (int64_t i = 0; i < B * T; i++) {
            float *word = dwte + tokens[i] * C, *position = dwpe + i % T * C;
            const float* from = dout + i * C;
            for (int64_t c = c0; c < end; c++) {
                word[c] += from[c];
                position[c] += from[c];
            }
        }
    }
}

}  // namespace sn9::SN9_ISA
