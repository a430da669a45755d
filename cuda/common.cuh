// common: element types, 16-byte accesses and reductions that every kernel file uses.
#pragma once

#include <cstdint>

#include "launch.cuh"

#ifndef SN9_CUDA_HOST
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace sn9 {

constexpr unsigned kFullMask = 0xFFFFFFFFu;
constexpr int kWarp = 32;

// Ceiling of a quotient, for grids and tiles.
__host__ __device__ constexpr int64_t ceil_div(int64_t value, int64_t divisor) {
    return (value + divisor - 1) / divisor;
}
__host__ __device__ constexpr int64_t round_up(int64_t value, int64_t multiple) {
    return ceil_div(value, multiple) * multiple;
}

// bf16: the upper 16 bits of an f32.
struct alignas(2) bf16 {
    uint16_t bits;
};
// f16: IEEE binary16; read and written by casts only.
struct alignas(2) f16 {
    uint16_t bits;
};

__device__ __forceinline__ float to_float(float v) {
    return v;
}
__device__ __forceinline__ float to_float(bf16 v) {
    return __uint_as_float(static_cast<uint32_t>(v.bits) << 16);
}

// Converts to nearest even; from_float<float> is the identity.
template <typename T>
__device__ T from_float(float v);
template <>
__device__ __forceinline__ float from_float<float>(float v) {
    return v;
}
template <>
__device__ __forceinline__ bf16 from_float<bf16>(float v) {
#ifdef SN9_CUDA_HOST
    uint32_t u = __float_as_uint(v);
    if ((u & 0x7FFFFFFFu) > 0x7F800000u) return {0x7FFF};  // as the device: one NaN
    return {static_cast<uint16_t>((u + 0x7FFFu + ((u >> 16) & 1u)) >> 16)};
#else
    return {__bfloat16_as_ushort(__float2bfloat16_rn(v))};
#endif
}

#ifdef SN9_CUDA_HOST
inline float to_float(f16 v) {
    uint32_t exponent = (v.bits >> 10) & 31u, fraction = v.bits & 1023u, sign = (v.bits & 0x8000u) << 16;
    if (exponent == 31) return __uint_as_float(sign | 0x7F800000u | (fraction << 13));
    if (exponent == 0) return __uint_as_float(sign | __float_as_uint(static_cast<float>(fraction) * 0x1p-24f));
    return __uint_as_float(sign | ((exponent + 112u) << 23) | (fraction << 13));
}
template <>
inline f16 from_float<f16>(float v) {
    uint32_t u = __float_as_uint(v), sign = (u >> 16) & 0x8000u;
    u &= 0x7FFFFFFFu;
    if (u > 0x7F800000u) return {0x7FFF};
    if (u >= 0x477FF000u) return {static_cast<uint16_t>(sign | 0x7C00u)};  // 65,520 and above
    if (u < 0x38800000u)  // below 2^-14: the sum's last place is 2^-24, and it rounds to nearest even
        return {static_cast<uint16_t>(sign | (__float_as_uint(__uint_as_float(u) + 0.5f) & 0xFFFFu))};
    u += 0xFFFu + ((u >> 13) & 1u);
    return {static_cast<uint16_t>(sign | ((u - 0x38000000u) >> 13))};
}
#else
__device__ __forceinline__ float to_float(f16 v) {
    return __half2float(__ushort_as_half(v.bits));
}
template <>
__device__ __forceinline__ f16 from_float<f16>(float v) {
    return {__half_as_ushort(__float2half_rn(v))};
}
#endif

// Two bf16 in a register, the first in the lower half, as mma and 4-byte stores take them.
__device__ __forceinline__ uint32_t pack_bf16(float first, float second) {
#ifdef SN9_CUDA_HOST
    return static_cast<uint32_t>(from_float<bf16>(first).bits) |
           (static_cast<uint32_t>(from_float<bf16>(second).bits) << 16);
#else
    // One instruction for both.
    __nv_bfloat162_raw pair = __floats2bfloat162_rn(first, second);
    return static_cast<uint32_t>(pair.x) | (static_cast<uint32_t>(pair.y) << 16);
#endif
}

// Elements of T in 16 bytes, and a register array of them as floats.
template <typename T>
constexpr int kVector = static_cast<int>(16 / sizeof(T));

// 16-byte accesses. The address must be a multiple of 16 (checked in the host build).
template <typename V>
__device__ __forceinline__ V load16(const void* memory) {
    static_assert(sizeof(V) == 16, "16 bytes");
#ifdef SN9_CUDA_HOST
    host::check_aligned(memory, 16, "16-byte load");
#endif
    return *static_cast<const V*>(memory);
}
template <typename V>
__device__ __forceinline__ void store16(void* memory, V value) {
    static_assert(sizeof(V) == 16, "16 bytes");
#ifdef SN9_CUDA_HOST
    host::check_aligned(memory, 16, "16-byte store");
#endif
    *static_cast<V*>(memory) = value;
}
__device__ __forceinline__ float4 load4(const float* memory) {
    return load16<float4>(memory);
}
__device__ __forceinline__ void store4(float* memory, float4 value) {
    store16(memory, value);
}

// load8, store8: eight bf16 as floats.
__device__ __forceinline__ void load8(float (&to)[8], const bf16* memory) {
    uint4 raw = load16<uint4>(memory);
    const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        to[2 * i] = __uint_as_float(words[i] << 16);
        to[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000u);
    }
}
__device__ __forceinline__ void store8(bf16* memory, const float (&from)[8]) {
    store16(memory, make_uint4(pack_bf16(from[0], from[1]), pack_bf16(from[2], from[3]), pack_bf16(from[4], from[5]),
                               pack_bf16(from[6], from[7])));
}

// load_vector, store_vector: 16 bytes of activations of either type, as kVector<T> floats.
__device__ __forceinline__ void load_vector(float (&to)[4], const float* memory) {
    float4 v = load4(memory);
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}
__device__ __forceinline__ void load_vector(float (&to)[8], const bf16* memory) {
    load8(to, memory);
}
__device__ __forceinline__ void store_vector(float* memory, const float (&from)[4]) {
    store4(memory, make_float4(from[0], from[1], from[2], from[3]));
}
__device__ __forceinline__ void store_vector(bf16* memory, const float (&from)[8]) {
    store8(memory, from);
}

// The sum over the warp, in every lane: by halves, so the order is fixed. All 32 lanes take part.
template <typename T>
__device__ __forceinline__ T warp_sum(T v) {
#pragma unroll
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) v += __shfl_xor_sync(kFullMask, v, lanes);
    return v;
}

// The sum over a block of kWarps whole warps (threads along x), in every thread. scratch: kWarps elements of shared
// memory, free again afterwards. Every thread of the block takes part.
template <int kWarps, typename T>
__device__ __forceinline__ T block_sum(T v, T* scratch) {
    static_assert(kWarps >= 1 && kWarps <= kWarp, "at most one value per lane");
    v = warp_sum(v);
    if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = v;
    __syncthreads();
    T sum = scratch[0];
#pragma unroll
    for (int warp = 1; warp < kWarps; warp++) sum += scratch[warp];
    __syncthreads();
    return sum;
}

}  // namespace sn9
