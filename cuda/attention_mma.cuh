// attention in bf16 on tensor cores (mma.sync m16n8k16, f32 sums): tiles, operands and products. A warp owns 16 or 32
// rows of its block's tile: of queries in the forward pass and for dq, of keys for dk and dv, where the products run
// transposed (k q^T), so that in all three a tile of probabilities leaves the first product in the registers that the
// second takes as its left operand. Tiles of the other side pass through two stages of shared memory, the next copied
// while one is worked on; rows are HS + 8 long, so that the eight rows of a matrix lie in different banks. Exponentials
// are powers of two.
#pragma once

#include "attention.cuh"

namespace sn9 {

namespace mma {

constexpr int kPad = 8;
constexpr float kLog2e = 1.44269504088896f;

__device__ __forceinline__ int lane() {
    return static_cast<int>(threadIdx.x) % kWarp;
}
__device__ __forceinline__ int warp() {
    return static_cast<int>(threadIdx.x) / kWarp;
}

// Starts copying rows first .. first + kRows - 1 of a head, width elements apart; rows from T on become 0.
template <int kRows, int kThreads, int HS>
__device__ __forceinline__ void load_rows(bf16* tile, const bf16* from, int64_t width, int first, int T) {
    constexpr int kVectors = HS / 8;
#pragma unroll 1  // its addresses would take the registers of the products
    for (int i = static_cast<int>(threadIdx.x); i < kRows * kVectors; i += kThreads) {
        int row = i / kVectors, column = i % kVectors * 8;
        bool valid = first + row < T;
        cp_async_16_zfill(tile + row * (HS + kPad) + column, from + (valid ? (first + row) * width : 0) + column,
                          valid);
    }
}

// Operands of mma from a tile of rows of HS. left: 16 rows x 16 columns. right_rows, right_columns: 16 of what the
// product's columns are by 16 of what it sums over, the former rows or columns of the tile; r[0..1] the first 8.
template <int HS>
__device__ __forceinline__ void left(uint32_t (&r)[4], const bf16* tile, int row, int column) {
    ldmatrix_x4(r, tile + (row + lane() % 16) * (HS + kPad) + column + lane() / 16 * 8);
}
template <int HS>
__device__ __forceinline__ void right_rows(uint32_t (&r)[4], const bf16* tile, int row, int column) {
    ldmatrix_x4(r, tile + (row + lane() / 16 * 8 + lane() % 8) * (HS + kPad) + column + lane() / 8 % 2 * 8);
}
template <int HS>
__device__ __forceinline__ void right_columns(uint32_t (&r)[4], const bf16* tile, int row, int column) {
    ldmatrix_x4_trans(r, tile + (row + lane() % 16) * (HS + kPad) + column + lane() / 16 * 8);
}

// The left operands of kTiles * 16 rows over all of HS: in registers, or read again each time.
template <int kTiles, int HS, bool kResident>
struct Rows {
    uint32_t r[kTiles][HS / 16][4];

    __device__ __forceinline__ Rows(const bf16* tile, int row) {
#pragma unroll
        for (int m = 0; m < kTiles; m++)
#pragma unroll
            for (int k = 0; k < HS / 16; k++) left<HS>(r[m][k], tile, row + m * 16, k * 16);
    }
    __device__ __forceinline__ void get(uint32_t (&a)[4], int m, int k) const {
#pragma unroll
        for (int i = 0; i < 4; i++) a[i] = r[m][k][i];
    }
};
template <int kTiles, int HS>
struct Rows<kTiles, HS, false> {
    const bf16* tile;
    int row;

    __device__ __forceinline__ Rows(const bf16* tile_, int row_) : tile(tile_), row(row_) {}
    __device__ __forceinline__ void get(uint32_t (&a)[4], int m, int k) const {
        left<HS>(a, tile, row + m * 16, k * 16);
    }
};

// sum = rows times the transpose of a tile of 8*kColumns rows.
template <int kTiles, int kColumns, int HS, bool kResident>
__device__ __forceinline__ void multiply_rows(float (&sum)[kTiles][kColumns][4],
                                              const Rows<kTiles, HS, kResident>& rows, const bf16* tile) {
#pragma unroll
    for (int m = 0; m < kTiles; m++)
#pragma unroll
        for (int n = 0; n < kColumns; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) sum[m][n][e] = 0;
#pragma unroll
    for (int k = 0; k < HS / 16; k++) {
        uint32_t a[kTiles][4];
#pragma unroll
        for (int m = 0; m < kTiles; m++) rows.get(a[m], m, k);
#pragma unroll
        for (int n = 0; n < kColumns; n += 2) {
            uint32_t b[4];
            right_rows<HS>(b, tile, n * 8, k * 16);
#pragma unroll
            for (int m = 0; m < kTiles; m++) {
                mma_bf16_m16n8k16(sum[m][n], a[m], b);
                mma_bf16_m16n8k16(sum[m][n + 1], a[m], b + 2);
            }
        }
    }
}

// sum += p times a tile of 8*kColumns rows; p, as a product left it, is rounded to bf16.
template <int HS, int kTiles, int kColumns>
__device__ __forceinline__ void accumulate(float (&sum)[kTiles][HS / 8][4], const float (&p)[kTiles][kColumns][4],
                                           const bf16* tile) {
#pragma unroll
    for (int k = 0; k < kColumns; k += 2) {
        uint32_t a[kTiles][4];
#pragma unroll
        for (int m = 0; m < kTiles; m++) {
            a[m][0] = pack_bf16(p[m][k][0], p[m][k][1]);
            a[m][1] = pack_bf16(p[m][k][2], p[m][k][3]);
            a[m][2] = pack_bf16(p[m][k + 1][0], p[m][k + 1][1]);
            a[m][3] = pack_bf16(p[m][k + 1][2], p[m][k + 1][3]);
        }
#pragma unroll
        for (int c = 0; c < HS / 8; c += 2) {
            uint32_t b[4];
            right_columns<HS>(b, tile, k * 8, c * 8);
#pragma unroll
            for (int m = 0; m < kTiles; m++) {
                mma_bf16_m16n8k16(sum[m][c], a[m], b);
                mma_bf16_m16n8k16(sum[m][c + 1], a[m], b + 2);
            }
        }
    }
}

template <int kTiles, int kColumns>
__device__ __forceinline__ void clear(float (&sum)[kTiles][kColumns][4]) {
#pragma unroll
    for (int m = 0; m < kTiles; m++)
#pragma unroll
        for (int n = 0; n < kColumns; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) sum[m][n][e] = 0;
}

// Writes the warp's rows of a block's result, times factor[m][e / 2], through shared memory in pieces of 16 bytes. to:
// the block's first row; rows: how many of the block's rows exist.
template <int HS, int kTiles>
__device__ __forceinline__ void store_rows(bf16* to, int64_t width, int rows, bf16* tile,
                                           const float (&sum)[kTiles][HS / 8][4], const float (&factor)[kTiles][2]) {
    int first = warp() * kTiles * 16;
#pragma unroll
    for (int m = 0; m < kTiles; m++)
#pragma unroll
        for (int c = 0; c < HS / 8; c++)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int row = first + m * 16 + half * 8 + lane() / 4;
                *reinterpret_cast<uint32_t*>(tile + row * (HS + kPad) + c * 8 + lane() % 4 * 2) =
                    pack_bf16(sum[m][c][2 * half] * factor[m][half], sum[m][c][2 * half + 1] * factor[m][half]);
            }
    __syncwarp();
    for (int i = lane(); i < kTiles * 16 * (HS / 8); i += kWarp) {
        int row = first + i / (HS / 8), column = i % (HS / 8) * 8;
        if (row < rows) store16(to + row * width + column, load16<uint4>(tile + row * (HS + kPad) + column));
    }
    __syncwarp();
}

}  // namespace mma

}  // namespace sn9
