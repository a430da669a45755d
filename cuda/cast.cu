// cast: element types to one another; fill, scale_add, the mean of losses per sequence; check_finite searches host
// memory, before it is uploaded.
// cast, fill, means: =; scale_add: +=. bytes: cast n*(e_in + e_out); fill 4*n; scale_add 12*n; sequence_mean 8*N.
// Memory bound. Launch: elementwise 8 neighbouring elements (cast) or 16 bytes per thread; sequence_mean a warp per
// sequence.
// Numerics: casts go through f32 to nearest even, as in native/cpu. A mean is summed in f64, lanes first, in an order
// that depends on T alone.
// Limits: elements are aligned to their size; arrays that are not to 16 bytes are cast one element at a time.
#include "finite.h"
#include "launch.cuh"
#include "rows.cuh"

namespace sn9 {

namespace {

constexpr int kThreads = 256;
constexpr int kCastWidth = 8;

__device__ __forceinline__ float to_float(double v) {
    return static_cast<float>(v);
}

// Eight elements, moved as 16-byte pieces.
template <typename E>
struct alignas(16) Eight {
    E item[kCastWidth];
};
template <typename E>
__device__ __forceinline__ Eight<E> load_eight(const E* memory) {
    Eight<E> eight;
    uint4 raw[sizeof(eight) / 16];
#pragma unroll
    for (size_t i = 0; i < sizeof(eight) / 16; i++) raw[i] = load16<uint4>(reinterpret_cast<const uint4*>(memory) + i);
    memcpy(&eight, raw, sizeof eight);
    return eight;
}
template <typename E>
__device__ __forceinline__ void store_eight(E* memory, const Eight<E>& eight) {
    uint4 raw[sizeof(eight) / 16];
    memcpy(raw, &eight, sizeof eight);
#pragma unroll
    for (size_t i = 0; i < sizeof(eight) / 16; i++) store16(reinterpret_cast<uint4*>(memory) + i, raw[i]);
}

template <typename To, typename From>
__global__ void __launch_bounds__(kThreads)
    cast_kernel(To* to, const From* __restrict__ from, int64_t n, bool vectors) {
    int64_t i = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kCastWidth;
    if (vectors && i + kCastWidth <= n) {
        Eight<From> source = load_eight(from + i);
        Eight<To> result;
#pragma unroll
        for (int k = 0; k < kCastWidth; k++) result.item[k] = from_float<To>(to_float(source.item[k]));
        store_eight(to + i, result);
    } else {
        for (int k = 0; k < kCastWidth && i + k < n; k++) to[i + k] = from_float<To>(to_float(from[i + k]));
    }
}

__global__ void __launch_bounds__(kThreads) fill_kernel(float* to, float value, int64_t n) {
    int64_t i = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * 4;
    if (i + 4 <= n) {
        store4(to + i, make_float4(value, value, value, value));
    } else {
        for (; i < n; i++) to[i] = value;
    }
}

__global__ void __launch_bounds__(kThreads)
    scale_add_kernel(float* to, const float* __restrict__ from, float scale, int64_t n) {
    int64_t i = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * 4;
    if (i + 4 <= n) {
        float4 a = load4(to + i), b = load4(from + i);
        store4(to + i, make_float4(__fmaf_rn(scale, b.x, a.x), __fmaf_rn(scale, b.y, a.y), __fmaf_rn(scale, b.z, a.z),
                                   __fmaf_rn(scale, b.w, a.w)));
    } else {
        for (; i < n; i++) to[i] = __fmaf_rn(scale, from[i], to[i]);
    }
}

__global__ void __launch_bounds__(kRowThreads)
    sequence_mean_kernel(double* means, const float* __restrict__ losses, const int32_t* __restrict__ targets,
                         int64_t B, int64_t T) {
    int64_t b = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
    if (b >= B) return;
    double sum = 0;
    int count = 0;
    for (int64_t t = threadIdx.x % kWarp; t < T; t += kWarp) {
        bool counts = targets[b * T + t] >= 0;
        sum += counts ? static_cast<double>(losses[b * T + t]) : 0.0;
        count += counts;
    }
    sum = warp_sum(sum);
    count = warp_sum(count);
    if (threadIdx.x % kWarp == 0) means[b] = count ? sum / count : 0.0;
}

int64_t element_bytes(int32_t type) {
    switch (type) {
        case SN9_F32:
            return 4;
        case SN9_BF16:
        case SN9_F16:
            return 2;
        case SN9_F64:
            return 8;
        default:
            return 0;
    }
}

template <typename To, typename From>
int32_t cast(sn9_context* context, void* to, const void* from, int64_t n) {
    return SN9_LAUNCH((cast_kernel<To, From>), ceil_div(n, kThreads * kCastWidth), kThreads, 0, context,
                      static_cast<To*>(to), static_cast<const From*>(from), n, all_aligned16(to, from));
}

template <typename To>
int32_t cast_from(sn9_context* context, void* to, const void* from, int32_t from_type, int64_t n) {
    switch (from_type) {
        case SN9_F32:
            return cast<To, float>(context, to, from, n);
        case SN9_BF16:
            return cast<To, bf16>(context, to, from, n);
        case SN9_F16:
            return cast<To, f16>(context, to, from, n);
        default:
            return cast<To, double>(context, to, from, n);
    }
}

}  // namespace

}  // namespace sn9

int32_t sn9_cast(sn9_context* context, void* to, int32_t to_type, const void* from, int32_t from_type, int64_t n) {
    int64_t to_bytes = sn9::element_bytes(to_type), from_bytes = sn9::element_bytes(from_type);
    SN9_EXPECT(to_bytes && to_type != SN9_F64 && from_bytes, "cast: element type %d to %d", from_type, to_type);
    SN9_EXPECT(n >= 0 && reinterpret_cast<uintptr_t>(to) % static_cast<uintptr_t>(to_bytes) == 0 &&
                   reinterpret_cast<uintptr_t>(from) % static_cast<uintptr_t>(from_bytes) == 0,
               "cast: n %lld, or elements not aligned to their size", static_cast<long long>(n));
    if (n == 0) return SN9_OK;
    if (to_type == SN9_BF16) return sn9::cast_from<sn9::bf16>(context, to, from, from_type, n);
    if (to_type == SN9_F16) return sn9::cast_from<sn9::f16>(context, to, from, from_type, n);
    return sn9::cast_from<float>(context, to, from, from_type, n);
}

int32_t sn9_fill(sn9_context* context, float* to, float value, int64_t n) {
    SN9_EXPECT(n >= 0 && sn9::aligned16(to), "fill: n %lld, or unaligned memory", static_cast<long long>(n));
    if (n == 0) return SN9_OK;
    return SN9_LAUNCH(sn9::fill_kernel, sn9::ceil_div(n, sn9::kThreads * 4), sn9::kThreads, 0, context, to, value, n);
}

int32_t sn9_scale_add(sn9_context* context, float* to, const float* from, float scale, int64_t n) {
    SN9_EXPECT(n >= 0 && sn9::all_aligned16(to, from), "scale_add: n %lld, or unaligned memory",
               static_cast<long long>(n));
    if (n == 0) return SN9_OK;
    return SN9_LAUNCH(sn9::scale_add_kernel, sn9::ceil_div(n, sn9::kThreads * 4), sn9::kThreads, 0, context, to, from,
                      scale, n);
}

int32_t sn9_sequence_mean(sn9_context* context, double* means, const float* losses, const int32_t* targets, int64_t B,
                          int64_t T) {
    SN9_EXPECT(means && losses && targets && B > 0 && T > 0 && T <= INT32_MAX, "sequence_mean: B %lld, T %lld",
               static_cast<long long>(B), static_cast<long long>(T));
    return SN9_LAUNCH(sn9::sequence_mean_kernel, sn9::ceil_div(B, sn9::kRowWarps), sn9::kRowThreads, 0, context, means,
                      losses, targets, B, T);
}

int32_t sn9_check_finite(sn9_context*, int64_t* first, const void* from, int32_t type, int64_t n) {
    SN9_EXPECT(sn9::element_bytes(type) && n >= 0, "check_finite: element type %d, n %lld", type,
               static_cast<long long>(n));
    *first = find_not_finite(from, type, 0, n);
    return SN9_OK;
}
