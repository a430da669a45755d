// optimizer: the gradient norm and AdamW over one flat arena of n parameters, f32; copy, when there is one, of the
// activation type.
// grad_norm: bytes 4*n. adamw: bytes 28*n, with a bf16 copy 30*n, one pass; params, m, v updated in place, copy =.
// FLOPs: grad_norm 2*n in f64; adamw about 15*n. Memory bound.
// Launch: at most 1,024 (adamw 4,096) blocks of 256 threads that walk the arena by 16-byte vectors. grad_norm: a second
// kernel of one block adds the blocks' sums and writes the step block; the host reads nothing.
// Numerics: squares are summed in f64 by the order of threads and blocks, a function of n alone: deterministic.
// The clip scale is computed in f64, once per block. Nothing changes when step->finite is 0.
// workspace: grad_norm 8,192 bytes.
// Formulas: golden/gpt2-tiny/GOLDEN.md; decoupled decay as in Loshchilov and Hutter, "Decoupled weight decay", 2019.
#include "launch.cuh"
#include "rows.cuh"
#include "workspace.cuh"

namespace sn9 {

namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kNormBlocks = 1024;
constexpr int kAdamBlocks = 4096;

__global__ void __launch_bounds__(kThreads)
    sum_of_squares_kernel(double* partial, const float* __restrict__ x, int64_t n) {
    SN9_SHARED(double, scratch, kWarps);
    int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
    int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    double even = 0, odd = 0;
#pragma unroll 4
    for (int64_t i = first; i < n / 4; i += stride) {
        float4 v = load4(x + i * 4);
        even += static_cast<double>(v.x) * v.x + static_cast<double>(v.z) * v.z;
        odd += static_cast<double>(v.y) * v.y + static_cast<double>(v.w) * v.w;
    }
    int64_t rest = n / 4 * 4 + first;
    if (rest < n) even += static_cast<double>(x[rest]) * x[rest];
    double sum = block_sum<kWarps>(even + odd, scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(kThreads) grad_norm_kernel(sn9_step* step, const double* partial, int blocks) {
    SN9_SHARED(double, scratch, kWarps);
    double sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < blocks; i += kThreads) sum += partial[i];
    sum = block_sum<kWarps>(sum, scratch);
    if (threadIdx.x == 0) {
        double norm = sqrt(sum);
        step->grad_norm = norm;
        step->finite = norm - norm == 0 ? 1 : 0;  // NaN for an infinity, too
    }
}

// One step's scalars, as every element needs them.
struct AdamScalars {
    float scale, learning_rate, beta1, beta2, epsilon, correction1, correction2, keep;

    // One element. decays: whether it is among those that do.
    __device__ __forceinline__ void update(float& param, float& m, float& v, float grad, bool decays) const {
        float g = grad * scale;
        m = beta1 * m + (1.0f - beta1) * g;
        v = beta2 * v + (1.0f - beta2) * g * g;
        param =
            (decays ? param * keep : param) - learning_rate * (m * correction1) / (sqrtf(v * correction2) + epsilon);
    }
};

__device__ __forceinline__ AdamScalars adam_scalars(const sn9_step& step) {
    double norm = step.grad_norm + 1e-6, most = static_cast<double>(step.grad_clip);
    return {.scale = most > 0 && norm > most ? static_cast<float>(most / norm) : 1.0f,
            .learning_rate = step.learning_rate,
            .beta1 = step.beta1,
            .beta2 = step.beta2,
            .epsilon = step.epsilon,
            .correction1 = 1.0f / step.bias_correction1,
            .correction2 = 1.0f / step.bias_correction2,
            .keep = 1.0f - step.learning_rate * step.weight_decay};
}

// Four of an activation type.
__device__ __forceinline__ void store_four(float* to, const float (&from)[4]) {
    store_vector(to, from);
}
__device__ __forceinline__ void store_four(bf16* to, const float (&from)[4]) {
    *reinterpret_cast<uint2*>(to) = make_uint2(pack_bf16(from[0], from[1]), pack_bf16(from[2], from[3]));
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    adamw_kernel(float* params, float* m, float* v, T* copy, const float* __restrict__ grads,
                 const sn9_step* __restrict__ step, int64_t decayed, int64_t n) {
    SN9_SHARED(AdamScalars, shared, 1);
    if (!step->finite) return;
    if (threadIdx.x == 0) shared[0] = adam_scalars(*step);
    __syncthreads();
    const AdamScalars scalars = shared[0];
    int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
    int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    for (int64_t i = first * 4; i + 4 <= n; i += stride * 4) {
        float p4[4], m4[4], v4[4], g4[4];
        load_vector(p4, params + i);
        load_vector(m4, m + i);
        load_vector(v4, v + i);
        load_vector(g4, grads + i);
#pragma unroll
        for (int k = 0; k < 4; k++) scalars.update(p4[k], m4[k], v4[k], g4[k], i + k < decayed);
        store_vector(params + i, p4);
        store_vector(m + i, m4);
        store_vector(v + i, v4);
        if (copy) store_four(copy + i, p4);
    }
    int64_t rest = n / 4 * 4 + first;
    if (rest < n) {
        scalars.update(params[rest], m[rest], v[rest], grads[rest], rest < decayed);
        if (copy) copy[rest] = from_float<T>(params[rest]);
    }
}

int64_t blocks_for(int64_t n, int64_t most) {
    int64_t blocks = ceil_div(n, kThreads * 4);
    return blocks < most ? blocks : most;
}

}  // namespace

int64_t grad_norm_workspace_bytes() {
    return kNormBlocks * 8;
}

}  // namespace sn9

int32_t sn9_grad_norm(sn9_context* context, sn9_step* step, const float* grads, int64_t n) {
    SN9_OP_RANGE;
    SN9_EXPECT(n > 0 && step && sn9::aligned16(grads), "grad_norm: n %lld, no step, or unaligned gradients",
               static_cast<long long>(n));
    if (int32_t status = sn9::expect_workspace(context, sn9::grad_norm_workspace_bytes(), "grad_norm")) return status;
    int64_t blocks = sn9::blocks_for(n, sn9::kNormBlocks);
    double* partial = reinterpret_cast<double*>(context->workspace);
    if (int32_t status = SN9_LAUNCH(sn9::sum_of_squares_kernel, blocks, sn9::kThreads, 0, context, partial, grads, n))
        return status;
    return SN9_LAUNCH(sn9::grad_norm_kernel, 1, sn9::kThreads, 0, context, step, partial, static_cast<int>(blocks));
}

int32_t sn9_adamw(sn9_context* context, float* params, float* m, float* v, void* copy, const float* grads,
                  const sn9_step* step, int64_t decayed, int64_t n) {
    SN9_OP_RANGE;
    SN9_EXPECT(decayed >= 0 && decayed <= n && n > 0, "adamw: %lld of %lld parameters decay",
               static_cast<long long>(decayed), static_cast<long long>(n));
    SN9_EXPECT(step && sn9::all_aligned16(params, m, v, copy, grads), "adamw: no step, or unaligned arenas");
    return sn9::with_activation(context, [&](auto type) {
        using T = decltype(type);
        return SN9_LAUNCH(sn9::adamw_kernel<T>, sn9::blocks_for(n, sn9::kAdamBlocks), sn9::kThreads, 0, context, params,
                          m, v, static_cast<T*>(copy), grads, step, decayed, n);
    });
}
