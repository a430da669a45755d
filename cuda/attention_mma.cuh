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

// A tile of probabilities, or of their gradients, as left operands: what a product left, rounded to bf16.
template <int kTiles, int kColumns>
struct Packed {
    uint32_t r[kTiles][kColumns / 2][4];

    __device__ __forceinline__ explicit Packed(const float (&p)[kTiles][kColumns][4]) {
#pragma unroll
        for (int m = 0; m < kTiles; m++)
#pragma unroll
            for (int n = 0; n < kColumns; n++)
#pragma unroll
                for (int half = 0; half < 2; half++)
                    r[m][n / 2][n % 2 * 2 + half] = pack_bf16(p[m][n][2 * half], p[m][n][2 * half + 1]);
    }
};

// sum += p times a tile of 8*kColumns rows.
template <int HS, int kTiles, int kColumns>
__device__ __forceinline__ void accumulate(float (&sum)[kTiles][HS / 8][4], const Packed<kTiles, kColumns>& p,
                                           const bf16* tile) {
#pragma unroll
    for (int k = 0; k < kColumns; k += 2) {
#pragma unroll
        for (int c = 0; c < HS / 8; c += 2) {
            uint32_t b[4];
            right_columns<HS>(b, tile, k * 8, c * 8);
#pragma unroll
            for (int m = 0; m < kTiles; m++) {
                mma_bf16_m16n8k16(sum[m][c], p.r[m][k / 2], b);
                mma_bf16_m16n8k16(sum[m][c + 1], p.r[m][k / 2], b + 2);
            }
        }
    }
}

// For a product of 16 x 16 probabilities on the diagonal, of which those on one side are 0: zero times a NaN or an
// infinity is NaN, so a value of b that is not finite would reach rows that must not see it. Takes such values out of
// b, and makes NaN of the sums that do see one: those where the product of a with a one for each is not 0. (Where a has
// gradients of scores, b has the keys or queries of these scores, and no sum of NaN is 0.)
__device__ __forceinline__ void take_out_infinite(float (&sum)[4], const uint32_t* a, uint32_t* b) {
    constexpr uint32_t kOnes = 0x3F803F80u;  // two bf16
    uint32_t hits[2];                        // bits 0 and 16: the halves whose exponent is all ones
#pragma unroll
    for (int i = 0; i < 2; i++) hits[i] = ((b[i] & 0x7F807F80u) + 0x00800080u) >> 15 & 0x00010001u;
    if (!__any_sync(kFullMask, hits[0] | hits[1])) return;
    const uint32_t ones[2] = {hits[0] * (kOnes & 0xFFFFu), hits[1] * (kOnes & 0xFFFFu)};
    float counts[4] = {0, 0, 0, 0};
    mma_bf16_m16n8k16(counts, a, ones);
#pragma unroll
    for (int e = 0; e < 4; e++) sum[e] = counts[e] != 0 ? NAN : sum[e];
#pragma unroll
    for (int i = 0; i < 2; i++) b[i] &= ~(hits[i] * 0xFFFFu);
}

// accumulate for a tile that the diagonal crosses, at column `diagonal` of p in p's first row, a multiple of 16: 16 x
// 16 probabilities on the far side of it are left out, above it or, kAfter, below.
template <int HS, bool kAfter, int kTiles, int kColumns>
__device__ __forceinline__ void accumulate_crossing(float (&sum)[kTiles][HS / 8][4], const Packed<kTiles, kColumns>& p,
                                                    const bf16* tile, int diagonal) {
#pragma unroll
    for (int k = 0; k < kColumns; k += 2)
#pragma unroll
        for (int m = 0; m < kTiles; m++) {
            int beyond = k * 8 - (diagonal + m * 16);
            if (kAfter ? beyond < 0 : beyond > 0) continue;
#pragma unroll
            for (int c = 0; c < HS / 8; c += 2) {
                uint32_t b[4];
                right_columns<HS>(b, tile, k * 8, c * 8);
                if (beyond == 0) {
                    take_out_infinite(sum[m][c], p.r[m][k / 2], b);
                    take_out_infinite(sum[m][c + 1], p.r[m][k / 2], b + 2);
                }
                mma_bf16_m16n8k16(sum[m][c], p.r[m][k / 2], b);
                mma_bf16_m16n8k16(sum[m][c + 1], p.r[m][k / 2], b + 2);
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
