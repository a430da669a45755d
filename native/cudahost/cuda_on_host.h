// cuda_on_host: the part of the CUDA language that cuda/*.cu use, for the host compiler. A fiber plays each CUDA
// thread of a block, one block after another; barriers, shuffles and matrix instructions are states of the scheduler
// (scheduler.cpp). The part of the CUDA runtime that they use is in cuda_runtime_on_host.h.
//
// Shared memory, fresh device memory and the lanes a shuffle may not read hold 0xFF bytes: NaN as f32, bf16 and f64.
// What would be undefined on a device is a fault here, with the kernel, the block and the thread in the message.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct uint3 {
    unsigned x, y, z;
};

// A grid or block size. Given what does not fit 32 bits it becomes 0, so that the launch is refused: nvcc's dim3 would
// silently cut it off.
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(int64_t x_ = 1, int64_t y_ = 1, int64_t z_ = 1) : x(fit(x_)), y(fit(y_)), z(fit(z_)) {}

  private:
    static constexpr unsigned fit(int64_t v) { return v < 0 || v > INT64_C(0xFFFFFFFF) ? 0 : static_cast<unsigned>(v); }
};

struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};
inline float2 make_float2(float x, float y) {
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}
inline int2 make_int2(int x, int y) {
    return {x, y};
}
inline int4 make_int4(int x, int y, int z, int w) {
    return {x, y, z, w};
}
inline uint2 make_uint2(unsigned x, unsigned y) {
    return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
    return {x, y, z, w};
}

// Hidden, so that kernels reach the scheduler's variables without a detour.
#pragma GCC visibility push(hidden)
namespace sn9::host {

// The running CUDA thread and its block; set by the scheduler before each step.
extern const uint3* thread_index;
extern uint3 block_index;
extern dim3 block_size, grid_size;

// The memory of one __shared__ array of the running block; tag tells arrays apart.
void* shared_array(const void* tag, const char* name, size_t bytes);
void* dynamic_shared(size_t most);  // faults where the launch gave more

// Warp exchanges. source: the lane to read, 0 to 31.
uint64_t shuffle(unsigned mask, uint64_t value, int source);
unsigned ballot(unsigned mask, bool predicate);

// Ends the running block, its launch and, as on a device, everything after it until the device is reset.
[[noreturn, gnu::format(printf, 1, 2)]] void fault(const char* format, ...);

// Stops unless memory is aligned to bytes (a power of two).
inline void check_aligned(const void* memory, size_t bytes, const char* what) {
    if (reinterpret_cast<uintptr_t>(memory) % bytes != 0)
        fault("%s at an address that is not a multiple of %zu: misaligned address %p", what, bytes, memory);
}

// result moved by up to two units in the last place, by seed and argument: hardware's fast functions are not exact.
float perturb(float result, float argument);

// PTX instructions, see cuda/ptx.cuh.
void mma_bf16_m16n8k16(float* d, const uint32_t* a, const uint32_t* b);
void ldmatrix(uint32_t* r, const void* shared, int matrices, bool transpose);
void cp_async_16(void* shared, const void* global, bool valid);
void cp_async_commit();
void cp_async_wait(int pending);

inline int lane() {
    return static_cast<int>((thread_index->x + block_size.x * (thread_index->y + block_size.y * thread_index->z)) % 32);
}
template <typename T>
T shuffle_any(unsigned mask, T value, int source) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
    uint64_t bits = 0;
    __builtin_memcpy(&bits, &value, sizeof value);
    bits = shuffle(mask, bits, source);
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace sn9::host
#pragma GCC visibility pop

#define threadIdx (*::sn9::host::thread_index)
#define blockIdx (::sn9::host::block_index)
#define blockDim (::sn9::host::block_size)
#define gridDim (::sn9::host::grid_size)
constexpr int warpSize = 32;

void __syncthreads();
int __syncthreads_or(int predicate);
void __syncwarp(unsigned mask = ~0u);
inline void __threadfence() {}
inline void __threadfence_block() {}
[[noreturn]] inline void __trap() {
    ::sn9::host::fault("__trap");
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
    return ::sn9::host::shuffle_any(mask, value, (source & (width - 1)) | (::sn9::host::lane() & ~(width - 1)));
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
    int lane = ::sn9::host::lane(), source = lane ^ lanes;
    return ::sn9::host::shuffle_any(mask, value, source > (lane | (width - 1)) ? lane : source);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    int lane = ::sn9::host::lane(), source = lane + static_cast<int>(delta);
    return ::sn9::host::shuffle_any(mask, value, source > (lane | (width - 1)) ? lane : source);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    int lane = ::sn9::host::lane(), source = lane - static_cast<int>(delta);
    return ::sn9::host::shuffle_any(mask, value, source < (lane & ~(width - 1)) ? lane : source);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    return ::sn9::host::ballot(mask, predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate) {
    return ::sn9::host::ballot(mask, predicate != 0) != 0;
}
inline int __all_sync(unsigned mask, int predicate) {
    return ::sn9::host::ballot(mask, predicate == 0) == 0;
}

template <typename T>
T __ldg(const T* memory) {
    ::sn9::host::check_aligned(memory, alignof(T), "load");
    return *memory;
}
template <typename T>
T __ldcs(const T* memory) {
    return __ldg(memory);
}
template <typename T>
void __stcs(T* memory, T value) {
    ::sn9::host::check_aligned(memory, alignof(T), "store");
    *memory = value;
}

// Whole numbers only: a sum of floating point by atomics would depend on the order of blocks.
inline int atomicAdd(int* memory, int value) {
    return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}
inline unsigned atomicAdd(unsigned* memory, unsigned value) {
    return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}
inline int atomicOr(int* memory, int value) {
    return __atomic_fetch_or(memory, value, __ATOMIC_RELAXED);
}
inline int atomicAnd(int* memory, int value) {
    return __atomic_fetch_and(memory, value, __ATOMIC_RELAXED);
}
inline int atomicExch(int* memory, int value) {
    return __atomic_exchange_n(memory, value, __ATOMIC_RELAXED);
}
float atomicAdd(float*, float) = delete;
double atomicAdd(double*, double) = delete;

using std::max;
using std::min;
inline unsigned __float_as_uint(float v) {
    return std::bit_cast<unsigned>(v);
}
inline int __float_as_int(float v) {
    return std::bit_cast<int>(v);
}
inline float __uint_as_float(unsigned v) {
    return std::bit_cast<float>(v);
}
inline float __int_as_float(int v) {
    return std::bit_cast<float>(v);
}
inline float __fmaf_rn(float a, float b, float c) {
    return fmaf(a, b, c);
}
// Never part of a fused multiply-add, as the device promises of these two.
inline float __fadd_rn(float a, float b) {
    return __builtin_assoc_barrier(a + b);
}
inline float __fmul_rn(float a, float b) {
    return __builtin_assoc_barrier(a * b);
}
inline float __fdiv_rn(float a, float b) {
    return a / b;
}
inline float __fsqrt_rn(float v) {
    return sqrtf(v);
}
inline float rsqrtf(float v) {
    return ::sn9::host::perturb(static_cast<float>(1.0 / sqrt(static_cast<double>(v))), v);
}
inline float __expf(float v) {
    return ::sn9::host::perturb(expf(v), v);
}
inline float __exp2f(float v) {
    return ::sn9::host::perturb(exp2f(v), v);
}
inline float __logf(float v) {
    return ::sn9::host::perturb(logf(v), v);
}
inline float __fdividef(float a, float b) {
    return ::sn9::host::perturb(a / b, a);
}
inline float __frcp_rn(float v) {
    return 1.0f / v;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
    return static_cast<unsigned>((static_cast<uint64_t>(a) * b) >> 32);
}
inline int __popc(unsigned v) {
    return std::popcount(v);
}
inline int __ffs(int v) {
    return __builtin_ffs(v);
}
inline int __clz(int v) {
    return std::countl_zero(static_cast<unsigned>(v));
}
inline unsigned __cvta_generic_to_shared(const void*) = delete;  // only cuda/ptx.cuh needs it, and not here
