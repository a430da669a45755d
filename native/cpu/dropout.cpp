// dropout: out = residual + in * mask / (1 - p), the mask drawn by counter (random.h), so that the backward pass draws
// the same one again. n elements, f32, =. bytes: 12*n. Attention applies its own mask (attention.cpp).
#include "kernels.h"
#include "random.h"
#include "simd.h"

namespace sn9::SN9_ISA {

void dropout(const sn9_context& context, float* out, const float* in, const float* residual, const sn9_step& step,
             float probability, int32_t layer, int32_t site, int64_t n) {
    DropoutMask mask(step.seed, step.micro_step, layer, site, probability);
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t quad = 0; quad < ceil_div(n, 4); quad++) {
        float factor[4];
        mask.factors(static_cast<uint64_t>(quad), factor);
        for (int64_t i = quad * 4; i < n && i < quad * 4 + 4; i++)
            out[i] = (residual ? residual[i] : 0.0f) + in[i] * factor[i & 3];
    }
}

}  // namespace sn9::SN9_ISA
