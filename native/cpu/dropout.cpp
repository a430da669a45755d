// dropout: out = residual + in * mask / (1 - p), the mask drawn by counter (random.h), so that the backward pass draws
// the same one again. n elements, f32, =. bytes: 12*n. Attention applies its own mask (attention.cpp).
#include "kernels.h"
#include "random.h"
#include "simd.h"

namespace sn9::SN9_ISA {

void dropout(const sn9_context& context, float* out, const float* in, const float* residual, const sn9_step& step,
             float probability, int32_t layer, int32_t site, int64_t N, int64_t C, int64_t true_C) {
    DropoutMask mask(step.seed, step.micro_step, layer, site, probability);
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t i = 0; i < N; i++) {
        uint64_t first = static_cast<uint64_t>(i * true_C);
        float factor[4];
        for (int64_t c = 0; c < C; c++) {
            uint64_t element = first + static_cast<uint64_t>(c);
            if (c == 0 || element % 4 == 0) mask.factors(element / 4, factor);
            int64_t at = i * C + c;
            float dropped = c < true_C ? in[at] * factor[element % 4] : 0.0f;
            out[at] = (residual ? residual[at] : 0.0f) + dropped;
        }
    }
}

}  // namespace sn9::SN9_ISA
