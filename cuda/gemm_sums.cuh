// gemm_sums: a block's 128 x 128 f32 sums in fragments of mma.sync.m16n8k16, 4 warps, 64 x 64 a warp; what the tiles
// of gemm_mma.cuh and gemm_split.cuh share.
#pragma once

#include "ptx.cuh"

namespace sn9 {

struct MmaSums {
    static constexpr int kRows = 128, kColumns = 128, kThreads = 128, kBlocksPerSm = 2;

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
};

}  // namespace sn9
