// gemm_mma: the bf16 tile of a matrix product on tensor cores, 128 x 128 f32 sums by 4 warps, 64 x 64 a warp; included
// by gemm.cuh.
// Slices of 32 deep of both operands pass through a ring of 3 buffers in shared memory, filled by cp.async two slices
// ahead of ldmatrix and mma.sync.m16n8k16. Chunks of 16 bytes are permuted inside their slice so that the 8 rows of a
// matrix that ldmatrix reads lie in different banks.
// Numerics: f32 sums, 16 of k at a time in the order of k, whatever the tile's place; inside the 16 as the tensor core
// does it. Past the end of k a slice is filled with zeros.
// Source of the method: NVIDIA, CUTLASS, "Efficient GEMM in CUDA",
// https://github.com/NVIDIA/cutlass/blob/main/media/docs/cpp/efficient_gemm.md; fragments: PTX ISA, mma.m16n8k16.
#pragma once

#include "gemm_operand.cuh"
#include "ptx.cuh"

namespace sn9 {

template <Layout kLayout>
struct MmaTile {
    typedef bf16 Element;
    static constexpr int kRows = 128, kColumns = 128, kDepth = 32, kThreads = 128, kBlocksPerSm = 2, kBuffers = 3;
    static constexpr int kSlice = 128 * kDepth;  // elements of an operand's slice
    static constexpr int kSharedBytes = kBuffers * 2 * kSlice * static_cast<int>(sizeof(bf16));

    // A warp's sums: 4 x 8 fragments of 16 x 8. A thread holds 8 rows by 16 columns of them, four neighbouring threads
    // share their rows, and the two warps side by side each hold half of the columns.
    static constexpr int kOwnRows = 8, kOwnColumns = 16, kLanesPerRow = 4, kColumnParts = 2;
    static constexpr int kDown = 4, kAcross = 8;
    float sums[kDown][kAcross][4];

    static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % 32; }
    static __device__ __forceinline__ int warp_row() { return static_cast<int>(threadIdx.x) / 64 * 64; }
    static __device__ __forceinline__ int warp_column() { return static_cast<int>(threadIdx.x) / 32 % 2 * 64; }
    static __device__ __forceinline__ int own_row(int i) { return warp_row() + i / 2 * 16 + i % 2 * 8 + lane() / 4; }
    static __device__ __forceinline__ int own_column() { return warp_column() + lane() % 4 * 2; }
    static __device__ constexpr int column_offset(int j) { return j / 2 * 8 + j % 2; }
    static __device__ __forceinline__ int column_part() { return static_cast<int>(threadIdx.x) / 32 % 2; }
    __device__ __forceinline__ float& at(int i, int j) { return sums[i / 2][j / 2][i % 2 * 2 + j % 2]; }

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < kDown; i++)
#pragma unroll
            for (int j = 0; j < kAcross; j++)
#pragma unroll
                for (int e = 0; e < 4; e++) sums[i][j][e] = 0.0f;
    }

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

    // Calls f(row, column, values) for runs of kRun neighbouring sums of a row; row and column count from the tile's.
    static constexpr int kRun = 8;
    template <typename Function>
    __device__ __forceinline__ void for_each_run(const Function& f) {
        int q = lane() % 4;
#pragma unroll
        for (int i = 0; i < kOwnRows; i++)
#pragma unroll
            for (int j = 0; j < kAcross; j += 4) {
                // Four threads hold two sums each of four fragments; afterwards each holds eight of one: a transpose.
                float run[kRun];
#pragma unroll
                for (int e = 0; e < kRun; e++) run[e] = sums[i / 2][j + e / 2][i % 2 * 2 + e % 2];
#pragma unroll
                for (int bit = 1; bit <= 2; bit *= 2)
#pragma unroll
                    for (int p = 0; p < 4; p++) {
                        if (p & bit) continue;
#pragma unroll
                        for (int e = 0; e < 2; e++) {
                            float &low = run[p * 2 + e], &high = run[(p | bit) * 2 + e];
                            float got = __shfl_xor_sync(0xffffffffu, q & bit ? low : high, bit);
                            low = q & bit ? got : low;
                            high = q & bit ? high : got;
                        }
                    }
                f(own_row(i), warp_column() + (j + q) * 8, run);
            }
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
