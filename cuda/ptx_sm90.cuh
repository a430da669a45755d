// ptx_sm90: the inline PTX of sm_90a (wgmma, bulk tensor copies, barriers in memory), one wrapper per instruction, each
// with a software twin for the host build (native/cudahost/sm90.cpp). This code exists for exactly that architecture:
// what includes it stands in #if SN9_SM90A ... #else __trap(). Only the probes use it so far. A twin that agrees shows
// that two readings of the PTX ISA agree and no more: both are ours, and neither has met a device.
// Source: PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions", "cp.async.bulk.tensor" and
// "mbarrier" (https://docs.nvidia.com/cuda/parallel-thread-execution/).
#pragma once

#include <cstdint>

#include "ptx.cuh"

#ifdef SN9_CUDA_HOST
#include "cuda_sm90_on_host.h"
#define SN9_SM90A 1
#else
#include <cuda.h>
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define SN9_SM90A 1
#else
#define SN9_SM90A 0
#endif
#endif

namespace sn9 {

// How 16-byte chunks are permuted inside rows of so many bytes: three address bits above exchange those below. The
// numbers are the descriptor's.
enum class Swizzle : int { none = 0, bytes128 = 1, bytes64 = 2, bytes32 = 3 };

// Bytes of a row of the pattern; 16 for none, whose pieces are 8 rows of 16 bytes.
__host__ __device__ constexpr int swizzle_row(Swizzle swizzle) {
    return swizzle == Swizzle::none ? 16 : 256 >> static_cast<int>(swizzle);
}
constexpr int kSwizzleAlignment = 1024;  // after which every pattern starts anew

// Where the chunk at a byte offset lies; the offset counts from a multiple of kSwizzleAlignment.
__host__ __device__ constexpr int swizzled(Swizzle swizzle, int offset) {
    return offset ^ (offset >> 3 & (swizzle_row(swizzle) - 16));
}

// An operand of wgmma in shared memory, contiguous along k. stride: bytes from 8 rows to the next 8. leading: without
// swizzle, bytes from 8 chunks along k to the next 8; else without a meaning.
__host__ __device__ constexpr uint64_t wgmma_descriptor(uint32_t address, int leading, int stride, Swizzle swizzle) {
    return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | static_cast<uint64_t>(leading >> 4) << 16 |
           static_cast<uint64_t>(stride >> 4) << 32 | static_cast<uint64_t>(static_cast<int>(swizzle)) << 62;
}

#if SN9_SM90A

#ifdef SN9_CUDA_HOST
inline uint32_t shared_address(const void* shared) {
    return host::shared_address(shared);
}
#endif

// The first address in shared memory at which patterns of swizzles start, of memory with kSwizzleAlignment to spare.
__device__ __forceinline__ unsigned char* align_for_swizzle(unsigned char* shared) {
    return shared + (kSwizzleAlignment - shared_address(shared) % kSwizzleAlignment) % kSwizzleAlignment;
}

// Makes this thread's writes to shared memory seen by wgmma and bulk copies that come after a barrier.
__device__ __forceinline__ void fence_proxy_async() {
#ifdef SN9_CUDA_HOST
    host::fence_proxy_async();
#else
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// Before the first wgmma, and after the registers of its sums were touched.
__device__ __forceinline__ void wgmma_fence() {
#ifdef SN9_CUDA_HOST
    host::wgmma_fence();
#else
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}

// d += a * b^T by the 128 threads of a warpgroup, in the background: a 64x16, b 64x16 (the columns of the product as
// rows), bf16. With warp w, g = lane / 4, q = lane % 4: d[4j + 2h + e] = D[16w + g + 8h][8j + 2q + e].
__device__ __forceinline__ void wgmma_bf16_m64n64k16(float (&d)[32], uint64_t a, uint64_t b) {
#ifdef SN9_CUDA_HOST
    host::wgmma_bf16_m64n64k16(d, a, b);
#else
    asm volatile(
        "{.reg .pred p;\n\tsetp.ne.b32 p, %34, 0;\n\t"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
        "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, p, 1, 1, 0, 0;\n\t}"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
          "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
          "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
          "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "l"(a), "l"(b), "r"(1));
#endif
}
// Makes a group of the warpgroup's products since the last commit.
__device__ __forceinline__ void wgmma_commit() {
#ifdef SN9_CUDA_HOST
    host::wgmma_commit();
#else
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
// Waits until at most kPending of the youngest groups are under way.
template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
#ifdef SN9_CUDA_HOST
    host::wgmma_wait(kPending);
#else
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
}

// A barrier in shared memory for so many arrivals; bulk copies see it after the fence that is part of this.
__device__ __forceinline__ void mbarrier_init(uint64_t* barrier, uint32_t arrivals) {
#ifdef SN9_CUDA_HOST
    host::mbarrier_init(barrier, arrivals);
#else
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}
// Arrives, and makes the phase wait for so many bytes of bulk copies.
__device__ __forceinline__ void mbarrier_arrive_expect(uint64_t* barrier, uint32_t bytes) {
#ifdef SN9_CUDA_HOST
    host::mbarrier_arrive_expect(barrier, bytes);
#else
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
                 : "memory");
#endif
}
// Waits for the end of the phase whose number has this parity. A phase that does not end is a fault, not a hang.
__device__ __forceinline__ void mbarrier_wait(uint64_t* barrier, uint32_t parity) {
#ifdef SN9_CUDA_HOST
    host::mbarrier_wait(barrier, parity);
#else
    constexpr int kTries = 1 << 20;
    for (int i = 0; i < kTries; i++) {
        uint32_t done;
        asm volatile(
            "{.reg .pred p;\n\tmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n\tselp.b32 %0, 1, 0, p;\n\t}"
            : "=r"(done)
            : "r"(shared_address(barrier)), "r"(parity)
            : "memory");
        if (done) return;
    }
    __trap();
#endif
}

// Copies the map's box whose first element is (x, y), zeros where it lies outside of the tensor, and counts its bytes
// at the barrier. One thread calls it; shared is a multiple of 128.
__device__ __forceinline__ void copy_box_2d(void* shared, const CUtensorMap* map, int x, int y, uint64_t* barrier) {
#ifdef SN9_CUDA_HOST
    host::copy_box_2d(shared, map, x, y, barrier);
#else
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(
            shared_address(shared)),
        "l"(map), "r"(x), "r"(y), "r"(shared_address(barrier))
        : "memory");
#endif
}

#endif

}  // namespace sn9
