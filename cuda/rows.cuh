// rows: what the kernels that walk rows of activations share: registers of 16 bytes, columns that are padding, the
// choice of the activation type, and the checks of arguments.
#pragma once

#include <cstdint>

#include "common.cuh"
#include "context.cuh"
#include "expect.cuh"

namespace sn9 {

// A warp takes a row, and a block this many rows.
constexpr int kRowWarps = 8;
constexpr int kRowThreads = kRowWarps * kWarp;

// Columns a warp covers at once, 16 bytes per lane.
template <typename T>
constexpr int kWarpColumns = kWarp* kVector<T>;

// The floats of 16 loaded bytes.
template <typename T>
__device__ __forceinline__ void unpack(float (&to)[kVector<T>], uint4 raw) {
    const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if constexpr (kVector<T> == 4) {
            to[i] = __uint_as_float(words[i]);
        } else {
            to[2 * i] = __uint_as_float(words[i] << 16);
            to[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000u);
        }
    }
}

// The 16 bytes of as many floats.
template <typename T>
__device__ __forceinline__ uint4 pack(const float (&from)[kVector<T>]) {
    if constexpr (kVector<T> == 4)
        return make_uint4(__float_as_uint(from[0]), __float_as_uint(from[1]), __float_as_uint(from[2]),
                          __float_as_uint(from[3]));
    else
        return make_uint4(pack_bf16(from[0], from[1]), pack_bf16(from[2], from[3]), pack_bf16(from[4], from[5]),
                          pack_bf16(from[6], from[7]));
}

// As many floats of an f32 array as an activation vector has elements.
template <int kCount>
__device__ __forceinline__ void load_floats(float (&to)[kCount], const float* memory) {
#pragma unroll
    for (int i = 0; i < kCount; i += 4) {
        float4 v = load4(memory + i);
        to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
    }
}
template <int kCount>
__device__ __forceinline__ void store_floats(float* memory, const float (&from)[kCount]) {
#pragma unroll
    for (int i = 0; i < kCount; i += 4) store4(memory + i, make_float4(from[i], from[i + 1], from[i + 2], from[i + 3]));
}

// Calls function with a value of the context's activation type.
template <typename Function>
int32_t with_activation(const sn9_context* context, Function function) {
    return context->precision == SN9_PRECISION_BF16 ? function(bf16{}) : function(float{});
}

inline bool aligned16(const void* memory) {
    return reinterpret_cast<uintptr_t>(memory) % 16 == 0;
}
template <typename... Pointers>
bool all_aligned16(Pointers... pointers) {
    return (aligned16(pointers) && ...);
}

// Columns in memory are whole 16-byte vectors in every row, whatever the activation type.
inline int32_t expect_columns(const char* op, int64_t C, int64_t true_C) {
    SN9_EXPECT(C > 0 && C % kChannelPadding == 0 && C <= INT32_MAX && true_C > 0 && true_C <= C,
               "%s: C %lld (true %lld), expected a multiple of %lld in memory", op, static_cast<long long>(C),
               static_cast<long long>(true_C), static_cast<long long>(kChannelPadding));
    return SN9_OK;
}

}  // namespace sn9
