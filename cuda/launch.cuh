// launch: kernel launches and shared memory, for nvcc and for the host build (native/cudahost).
//
//   SN9_SHARED(float, row, 32);                    a static __shared__ array of 32 floats, 16-byte aligned
//   SN9_DYNAMIC_SHARED(float, tile, bytes);        the launch's dynamic shared memory, of at most so many bytes
//   SN9_ALLOW_SHARED(kernel, bytes)                before a launch with more than 48 KB of it; a status
//   SN9_LAUNCH(kernel, grid, block, dynamic_shared_bytes, context, arguments...)   a status
//
// A kernel with a comma in its template arguments goes in parentheses: SN9_LAUNCH((kernel<float, 4>), ...).
#pragma once

#include <cstdint>
#include <tuple>
#include <utility>

#include "context.cuh"
#include "error.h"

#ifndef SN9_CUDA_HOST
#include <nvtx3/nvToolsExt.h>
#endif

#ifdef SN9_CUDA_HOST
#define SN9_SHARED(type, name, count) \
    static const char name##_tag = 0; \
    type(&name)[count] =              \
        *static_cast<type(*)[count]>(::sn9::host::shared_array(&name##_tag, #name, sizeof(type[count])))
#define SN9_DYNAMIC_SHARED(type, name, bytes) type* name = static_cast<type*>(::sn9::host::dynamic_shared(bytes))
#else
#define SN9_SHARED(type, name, count) __shared__ __align__(16) type name[count]
// The comment stays in the PTX, where scripts/check-cuda.sh reads it.
#define SN9_DYNAMIC_SHARED(type, name, bytes)                                                             \
    extern __shared__ __align__(16) unsigned char sn9_dynamic[];                                          \
    asm volatile("// sn9: at most %0 bytes of dynamic shared memory" ::"n"(static_cast<int64_t>(bytes))); \
    type* name = reinterpret_cast<type*>(sn9_dynamic)
#endif

#define SN9_LAUNCH(kernel, grid, block, shared, where, ...) \
    ::sn9::launch(#kernel, kernel, grid, block, shared, ::sn9::stream_of(where), ##__VA_ARGS__)
#define SN9_ALLOW_SHARED(kernel, bytes) ::sn9::allow_shared(#kernel, kernel, bytes)

namespace sn9 {

inline cudaStream_t stream_of(cudaStream_t stream) {
    return stream;
}
inline cudaStream_t stream_of(const sn9_context* context) {
    return context->stream;
}

// The status of a CUDA call, with what it was for in sn9_last_error().
inline int32_t check(cudaError_t error, const char* what) {
    if (error == cudaSuccess) return SN9_OK;
    return fail(error == cudaErrorMemoryAllocation ? SN9_OUT_OF_MEMORY : SN9_DEVICE_FAILED, "%s: %s (%s)", what,
                cudaGetErrorString(error), cudaGetErrorName(error));
}

// Puts one launch into the stream. It is complete, and its faults are known, once the stream is waited for.
template <typename... P, typename... A>
int32_t launch(const char* name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
               A&&... arguments) {
    static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel has parameters");
    auto values = std::tuple<P...>(static_cast<P>(arguments)...);
#ifdef SN9_CUDA_HOST
    static_assert((std::is_trivially_copyable_v<P> && ...), "parameters are copied as bytes");
    cudaError_t error = host::launch({name, reinterpret_cast<const void*>(kernel), grid, block, shared,
                                      [kernel, values] { std::apply(kernel, values); }},
                                     stream);
#else
    nvtxRangePushA(name);
    cudaError_t error = std::apply(
        [&](P&... value) {
            void* pointers[] = {const_cast<void*>(static_cast<const void*>(&value))..., nullptr};
            return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, pointers, shared, stream);
        },
        values);
    nvtxRangePop();
#endif
    return check(error, name);
}

template <typename... P>
int32_t allow_shared(const char* name, void (*kernel)(P...), size_t bytes) {
    return check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
                 name);
}

}  // namespace sn9
