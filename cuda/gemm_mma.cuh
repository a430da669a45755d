// gemm_mma: the bf16 tile of a matrix product on tensor cores, sums as gemm_sums.cuh; included by gemm.cuh.
// Slices of 32 deep of both operands pass through a ring of 3 buffers in shared memory, filled by cp.async two slices
// ahead of ldmatrix and mma.sync.m16n8k16. Chunks of 16 bytes are permuted inside their slice so that the 8 rows of a
// matrix that ldmatrix reads lie in different banks.
// Numerics: f32 sums, 16 of k at a time in the order of k, whatever the tile's place; inside the 16 as the tensor core
// does it. Past the end of k a slice is filled with zeros.
// Source of the method: NVIDIA, CUTLASS, "Efficient GEMM in CUDA",
// https://github.com/NVIDIA/cutlass/blob/main/media/docs/cpp/efficient_gemm.md; fragments: PTX ISA, mma.m16n8k16.
#pragma once

#include "gemm_operand.cuh"
#include "gemm_sums.cuh"

namespace sn9 {

template <Layout kLayout>
struct MmaTile : MmaSums {
    typedef Operand<bf16> Left, Right;
    static constexpr int kDepth = 32, kBuffers = 3;
    static constexpr int kSlice = 128 * kDepth;  // elements of an operand's slice
    static constexpr int kSharedBytes = kBuffers * 2 * kSlice * static_cast<int>(sizeof(bf16));

    // Adds the products of k in [from, to). shared: kSharedBytes, free again on return.
    __device__ __forceinline__ void multiply(void* shared, const Operand<bf16>& a, const Operand<bf16>& b, int row0,
                                             int column0, int from, int to) {
        constexpr bool a_along_k = kLayout != Layout::TN, b_along_k = kLayout == Layout::NT;
        bf16* ring = static_cast<bf16*>(shared);
#pragma unroll
        for (int s = 0; s < kBuffers - 1; s++) {
            copy_slice<a_along_k>(ring + s * 2 * kSlice, a, row0, from + s * kDepth, to);
            copy_slice<b_along_k>(ring + (s * 2 + 1) * kSlice, b, column0, from + s * kDepth, to);
            cp_async_commit();
        }
        int buffer = 0;
        for (int k = from; k < to; k += kDepth) {
            cp_async_wait<kBuffers - 2>();
            // Everyone's copies of this slice are there, and everyone has read the buffer that is filled next.
            __syncthreads();
            int ahead = buffer == 0 ? kBuffers - 1 : buffer - 1;
            copy_slice<a_along_k>(ring + ahead * 2 * kSlice, a, row0, k + (kBuffers - 1) * kDepth, to);
            copy_slice<b_along_k>(ring + (ahead * 2 + 1) * kSlice, b, column0, k + (kBuffers - 1) * kDepth, to);
            cp_async_commit();
            multiply_slice<a_along_k, b_along_k>(ring + buffer * 2 * kSlice, ring + (buffer * 2 + 1) * kSlice);
            buffer = buffer == kBuffers - 1 ? 0 : buffer + 1;
        }
        cp_async_wait<0>();
        __syncthreads();
    }

  private:
    // Where a slice keeps element (i, k): as its memory does, in rows of 4 chunks along k or 16 along i.
    template <bool kAlongK>
    static __device__ __forceinline__ int place(int i, int k) {
        return kAlongK ? i * kDepth + ((k / 8) ^ (i / 2 % 4)) * 8 : k * 128 + ((i / 8) ^ (k % 8)) * 8;
    }

    // Starts the copies of a slice: 512 chunks of 16 bytes, four a thread; zeros past the end of k.
    template <bool kAlongK>
    static __device__ __forceinline__ void copy_slice(bf16* slice, const Operand<bf16>& m, int first, int k, int end) {
        int thread = static_cast<int>(threadIdx.x);
#pragma unroll
        for (int n = 0; n < kSlice / 8 / kThreads; n++) {
            int i = kAlongK ? thread / 4 + n * 32 : thread % 16 * 8;
            int own_k = kAlongK ? thread % 4 * 8 : thread / 16 + n * 8;
            cp_async_16_zfill(slice + place<kAlongK>(i, own_k),
                              m.template at<kAlongK>(m.template inside<kAlongK>(first + i), k + own_k),
                              k + own_k < end);
        }
    }

    template <bool kAAlongK, bool kBAlongK>
    __device__ __forceinline__ void multiply_slice(const bf16* a, const bf16* b) {
        // The four 8 x 8 matrices that ldmatrix brings: of A, rows first and then k; of B, k first and then columns.
        int within = lane() % 8, first_bit = lane() / 8 % 2 * 8, second_bit = lane() / 16 * 8;
#pragma unroll
        for (int k = 0; k < kDepth; k += 16) {
            uint32_t x[kDown][4], y[kAcross / 2][4];
#pragma unroll
            for (int i = 0; i < kDown; i++) {
                int row = warp_row() + i * 16 + first_bit;
                if (kAAlongK)
                    ldmatrix_x4(x[i], a + place<true>(row + within, k + second_bit));
                else
                    ldmatrix_x4_trans(x[i], a + place<false>(row, k + second_bit + within));
            }
#pragma unroll
            for (int j = 0; j < kAcross / 2; j++) {
                int column = warp_column() + j * 16 + second_bit;
                if (kBAlongK)
                    ldmatrix_x4(y[j], b + place<true>(column + within, k + first_bit));
                else
                    ldmatrix_x4_trans(y[j], b + place<false>(column, k + first_bit + within));
            }
#pragma unroll
            for (int i = 0; i < kDown; i++)
#pragma unroll
                for (int j = 0; j < kAcross; j++) {
                    const uint32_t fragment[2] = {y[j / 2][j % 2 * 2], y[j / 2][j % 2 * 2 + 1]};
                    mma_bf16_m16n8k16(sums[i][j], x[i], fragment);
                }
        }
    }
};

}  // namespace sn9
