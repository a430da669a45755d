// probe_elements: functions of one element for cuda/probe.cu, one thread each.
#pragma once

#include "common.cuh"
#include "gelu.cuh"
#include "probe.cuh"
#include "ptx.cuh"
#include "split.cuh"

namespace sn9 {
namespace {

constexpr int kElementThreads = 256;

template <typename In_, typename Out_>
struct Element {
    using In = In_;
    using Out = Out_;
};
struct Exp2Approx : Element<float, float> {
    static __device__ float of(float v) { return exp2_approx(v); }
};
struct Exp : Element<float, float> {
    static __device__ float of(float v) { return expf(v); }
};
struct Log : Element<float, float> {
    static __device__ float of(float v) { return logf(v); }
};
struct Sqrt : Element<float, float> {
    static __device__ float of(float v) { return sqrtf(v); }
};
struct Rsqrt : Element<float, float> {
    static __device__ float of(float v) { return rsqrtf(v); }
};
struct Gelu : Element<float, float> {
    static __device__ float of(float v) { return gelu(v); }
};
struct GeluDerivative : Element<float, float> {
    static __device__ float of(float v) { return gelu_derivative(v); }
};
struct Divide : Element<float2, float> {
    static __device__ float of(float2 v) { return __fdiv_rn(v.x, v.y); }
};
struct Fma : Element<float4, float> {
    static __device__ float of(float4 v) { return __fmaf_rn(v.x, v.y, v.z); }
};
struct ToBf16 : Element<float, uint16_t> {
    static __device__ uint16_t of(float v) { return from_float<bf16>(v).bits; }
};
struct FromBf16 : Element<uint16_t, float> {
    static __device__ float of(uint16_t v) { return to_float(bf16{v}); }
};
struct ToF16 : Element<float, uint16_t> {
    static __device__ uint16_t of(float v) { return from_float<f16>(v).bits; }
};
struct FromF16 : Element<uint16_t, float> {
    static __device__ float of(uint16_t v) { return to_float(f16{v}); }
};
struct PackBf16 : Element<float2, uint32_t> {
    static __device__ uint32_t of(float2 v) { return pack_bf16(v.x, v.y); }
};
struct SplitPair : Element<float2, uint2> {
    static __device__ uint2 of(float2 v) {
        uint2 halves;
        split_pair(halves.x, halves.y, v.x, v.y);
        return halves;
    }
};

template <typename Function>
__global__ void __launch_bounds__(kElementThreads)
    probe_elements_kernel(typename Function::Out* out, const typename Function::In* in, int64_t n) {
    int64_t i = static_cast<int64_t>(blockIdx.x) * kElementThreads + threadIdx.x;
    if (i < n) out[i] = Function::of(in[i]);
}

// Eight bf16 there and back.
__global__ void __launch_bounds__(kElementThreads) probe_bf16x8_kernel(bf16* out, const bf16* in, int64_t n) {
    int64_t i = static_cast<int64_t>(blockIdx.x) * kElementThreads + threadIdx.x;
    if (i >= n) return;
    float values[8];
    load8(values, in + i * 8);
    store8(out + i * 8, values);
}

template <typename Function>
constexpr Probe elements(const char* name) {
    using In = typename Function::In;
    using Out = typename Function::Out;
    return {name, sizeof(In), sizeof(Out), [](sn9_context* context, void* out, const void* in, int64_t n) {
                return SN9_LAUNCH(probe_elements_kernel<Function>, ceil_div(n, kElementThreads), kElementThreads, 0,
                                  context, static_cast<Out*>(out), static_cast<const In*>(in), n);
            }};
}

}  // namespace
}  // namespace sn9
