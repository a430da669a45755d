// ptx: the inline PTX of the library, one wrapper per instruction, each with a software twin for the host build
// (native/cudahost/scheduler.cpp). sm_80 and up. Source: PTX ISA, sections of the instructions named.
#pragma once

#include <cstdint>

#include "common.cuh"

namespace sn9 {

#ifndef SN9_CUDA_HOST
__device__ __forceinline__ uint32_t shared_address(const void* shared) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}
#endif

// d += a * b for the warp: a 16x16 row-major, b 16x8 column-major, bf16; d 16x8 f32. With g = lane / 4, q = lane % 4:
// a[0] = A[g][2q, 2q+1], a[1] = A[g+8][..], a[2] = A[g][2q+8, 2q+9], a[3] = A[g+8][2q+8, ..];
// b[0] = B[2q, 2q+1][g], b[1] = B[2q+8, 2q+9][g]; d[0], d[1] = D[g][2q, 2q+1]; d[2], d[3] = D[g+8][..].
__device__ __forceinline__ void mma_bf16_m16n8k16(float* d, const uint32_t* a, const uint32_t* b) {
#ifdef SN9_CUDA_HOST
    host::mma_bf16_m16n8k16(d, a, b);
#else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// Loads 8x8 matrices of 16-bit elements. Lane 8i + j gives the address of row j of matrix i (16 bytes, aligned);
// register i of a lane gets elements 2q and 2q + 1 of row g of matrix i, or with _trans rows 2q, 2q + 1 of column g.
__device__ __forceinline__ void ldmatrix_x4(uint32_t* r, const void* shared) {
#ifdef SN9_CUDA_HOST
    host::ldmatrix(r, shared, 4, false);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(shared))
                 : "memory");
#endif
}
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t* r, const void* shared) {
#ifdef SN9_CUDA_HOST
    host::ldmatrix(r, shared, 4, true);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(shared))
                 : "memory");
#endif
}
__device__ __forceinline__ void ldmatrix_x2(uint32_t* r, const void* shared) {
#ifdef SN9_CUDA_HOST
    host::ldmatrix(r, shared, 2, false);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(shared_address(shared))
                 : "memory");
#endif
}
__device__ __forceinline__ void ldmatrix_x2_trans(uint32_t* r, const void* shared) {
#ifdef SN9_CUDA_HOST
    host::ldmatrix(r, shared, 2, true);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(shared_address(shared))
                 : "memory");
#endif
}

// Copies 16 bytes from global to shared memory in the background, past L1; both addresses are multiples of 16. The
// bytes may arrive at any time until cp_async_wait; other threads see them after a barrier behind that.
__device__ __forceinline__ void cp_async_16(void* shared, const void* global) {
#ifdef SN9_CUDA_HOST
    host::cp_async_16(shared, global, true);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(shared)), "l"(global) : "memory");
#endif
}
// As cp_async_16, or 16 zero bytes where valid is false: global is not read then, and may lie outside its array.
__device__ __forceinline__ void cp_async_16_zfill(void* shared, const void* global, bool valid) {
#ifdef SN9_CUDA_HOST
    host::cp_async_16(shared, global, valid);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(valid ? 16 : 0)
                 : "memory");
#endif
}
// Makes a group of this thread's copies since the last commit.
__device__ __forceinline__ void cp_async_commit() {
#ifdef SN9_CUDA_HOST
    host::cp_async_commit();
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Waits until at most kPending of this thread's youngest groups are under way.
template <int kPending>
__device__ __forceinline__ void cp_async_wait() {
#ifdef SN9_CUDA_HOST
    host::cp_async_wait(kPending);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

// value, of which the compiler knows nothing: what follows from it is computed here, not kept from elsewhere.
__device__ __forceinline__ int opaque(int value) {
#ifndef SN9_CUDA_HOST
    asm volatile("" : "+r"(value));
#endif
    return value;
}

// 2^x, off by at most two units in the last place; results below 2^-126 become 0, and 2^-inf is 0.
__device__ __forceinline__ float exp2_approx(float x) {
#ifdef SN9_CUDA_HOST
    float power = exp2f(x);
    return power < 0x1p-126f ? 0.0f : host::perturb(power, x);
#else
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
    return power;
#endif
}

}  // namespace sn9
