// The forward pass of attention in f32 on tensor cores (bf16x3, split.cuh), for evaluation: no lse, no dropout. A warp
// owns 16 queries. The queries, and each tile of keys and values, are split once per block on their way from registers
// to shared memory: 6 instructions per two numbers of 64 rows, beside 96 * HS / 64 mma of each of the block's warps; a
// warp that split what it reads would do that eight times over. The next tile waits in registers while one is worked
// on. Numerics: scores and sums 16 of HS or of the keys at a time, low high', high low', high high'; expf; a total adds
// the probabilities themselves, their product with the values takes their halves.
#pragma once

#include "attention_mma.cuh"
#include "split.cuh"

namespace sn9 {

namespace mma {

// Tiles by head width: shared memory stays under the 99 KB of sm_86 and sm_89.
template <int HS>
struct SplitForward {
    static constexpr int kQueries = HS <= 112 ? 128 : 64, kKeys = 32, kThreads = kQueries / 16 * kWarp;
    static constexpr int kBlocksPerSm = HS <= 64 ? 2 : 1;
    // Rows of shared memory: high halves of keys and of values, their low ones, high and low ones of queries.
    static constexpr int kTile = 2 * kKeys, kRows = 2 * (kTile + kQueries), kBytes = kRows * (HS + kPad) * 2;
    static constexpr int kVectors = kTile * HS / 4 / kThreads;  // of a thread, in a tile
};

// The halves of four neighbouring numbers of a row; the low ones lie `rows` further down.
template <int HS>
__device__ __forceinline__ void store_halves(bf16* tile, int rows, int row, int column, float4 v) {
    uint2 high, low;
    split_pair(high.x, low.x, v.x, v.y);
    split_pair(high.y, low.y, v.z, v.w);
    bf16* to = tile + row * (HS + kPad) + column;
    *reinterpret_cast<uint2*>(to) = high;
    *reinterpret_cast<uint2*>(to + rows * (HS + kPad)) = low;
}

// sum[0..1] += a times the two right operands b, each of them given by its halves.
__device__ __forceinline__ void add_split(float (&first)[4], float (&second)[4], const uint32_t (&a_high)[4],
                                          const uint32_t (&a_low)[4], const uint32_t (&b_high)[4],
                                          const uint32_t (&b_low)[4]) {
    mma_bf16_m16n8k16(first, a_low, b_high);
    mma_bf16_m16n8k16(second, a_low, b_high + 2);
    mma_bf16_m16n8k16(first, a_high, b_low);
    mma_bf16_m16n8k16(second, a_high, b_low + 2);
    mma_bf16_m16n8k16(first, a_high, b_high);
    mma_bf16_m16n8k16(second, a_high, b_high + 2);
}

}  // namespace mma

template <int HS>
__global__ void __launch_bounds__(mma::SplitForward<HS>::kThreads, mma::SplitForward<HS>::kBlocksPerSm)
    attention_forward_split_kernel(float* out, const float* qkv, AttentionProblem problem) {
    using namespace mma;
    using Tile = SplitForward<HS>;
    constexpr int kKeys = Tile::kKeys, kColumns = kKeys / 8, kThreads = Tile::kThreads, kRow = HS / 4;
    SN9_DYNAMIC_SHARED(bf16, tile, Tile::kBytes);
    bf16 *tile_low = tile + Tile::kTile * (HS + kPad), *queries = tile + 2 * Tile::kTile * (HS + kPad);
    bf16* queries_low = queries + Tile::kQueries * (HS + kPad);

    AttentionBlock block(problem);
    int T = problem.T, q0 = (problem.tiles - 1 - block.tile) * Tile::kQueries;  // the longest rows first
    int thread = static_cast<int>(threadIdx.x), row = warp() * 16, first = q0 + row;
    int last = min(q0 + Tile::kQueries, T) - 1;  // the last query, and the last key anyone here sees
    const float* q = qkv + block.in;

    float4 next[Tile::kVectors];  // of the tile: rows of keys, then of values
    auto load = [&](int k0) {
#pragma unroll
        for (int n = 0; n < Tile::kVectors; n++) {
            int i = thread + n * kThreads, key = k0 + i / kRow % kKeys;
            const float* from = q + (1 + i / kRow / kKeys) * problem.out_width() + key * problem.in_width;
            next[n] = key < T ? load4(from + i % kRow * 4) : make_float4(0, 0, 0, 0);
        }
    };
    load(0);
#pragma unroll 1
    for (int i = thread; i < Tile::kQueries * kRow; i += kThreads) {
        int query = q0 + i / kRow;
        float4 v = query < T ? load4(q + query * problem.in_width + i % kRow * 4) : make_float4(0, 0, 0, 0);
        store_halves<HS>(queries, Tile::kQueries, i / kRow, i % kRow * 4, v);
    }

    float sum[1][HS / 8][4], top[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    clear(sum);
    for (int k0 = 0; k0 <= last; k0 += kKeys) {
        __syncthreads();  // nobody needs the last tile
#pragma unroll
        for (int n = 0; n < Tile::kVectors; n++) {
            int i = thread + n * kThreads;
            store_halves<HS>(tile, Tile::kTile, i / kRow, i % kRow * 4, next[n]);
        }
        __syncthreads();
        if (k0 + kKeys <= last) load(k0 + kKeys);
        if (k0 > first + 15) continue;  // above the diagonal for the whole warp

        float s[1][kColumns][4];
        clear(s);
#pragma unroll
        for (int k = 0; k < HS; k += 16) {
            uint32_t a_high[4], a_low[4];
            left<HS>(a_high, queries, row, k);
            left<HS>(a_low, queries_low, row, k);
#pragma unroll
            for (int n = 0; n < kColumns; n += 2) {
                uint32_t b_high[4], b_low[4];
                right_rows<HS>(b_high, tile, n * 8, k);
                right_rows<HS>(b_low, tile_low, n * 8, k);
                add_split(s[0][n], s[0][n + 1], a_high, a_low, b_high, b_low);
            }
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int query = first + half * 8 + lane() / 4;
            float highest = top[half], added = 0;
#pragma unroll
            for (int n = 0; n < kColumns; n++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    int key = k0 + n * 8 + lane() % 4 * 2 + e % 2;
                    s[0][n][e] = key <= query ? s[0][n][e] * problem.scale : -INFINITY;
                    highest = fmaxf(highest, s[0][n][e]);
                }
            highest = fmaxf(highest, __shfl_xor_sync(kFullMask, highest, 1));
            highest = fmaxf(highest, __shfl_xor_sync(kFullMask, highest, 2));
            float shrink = expf(top[half] - highest);
            top[half] = highest;
#pragma unroll
            for (int n = 0; n < kColumns; n++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    s[0][n][e] = expf(s[0][n][e] - highest);
                    added += s[0][n][e];
                }
            total[half] = total[half] * shrink + added;  // of this thread's columns
#pragma unroll
            for (int c = 0; c < HS / 8; c++) {
                sum[0][c][2 * half] *= shrink;
                sum[0][c][2 * half + 1] *= shrink;
            }
        }
#pragma unroll
        for (int k = 0; k < kKeys; k += 16) {
            int beyond = k0 + k - first;  // of the diagonal: these keys are before, on, or past it
            if (beyond > 0) continue;
            uint32_t p_high[4], p_low[4];
#pragma unroll
            for (int r = 0; r < 4; r++) {
                const float* pair = s[0][k / 8 + r / 2] + r % 2 * 2;
                split_pair(p_high[r], p_low[r], pair[0], pair[1]);
            }
#pragma unroll
            for (int c = 0; c < HS / 8; c += 2) {
                uint32_t b_high[4], b_low[4];
                right_columns<HS>(b_high, tile, kKeys + k, c * 8);
                right_columns<HS>(b_low, tile_low, kKeys + k, c * 8);
                if (beyond == 0) {
                    take_out_infinite(sum[0][c], p_high, b_high);
                    take_out_infinite(sum[0][c], p_high, b_low);
                    take_out_infinite(sum[0][c + 1], p_high, b_high + 2);
                    take_out_infinite(sum[0][c + 1], p_high, b_low + 2);
                }
                add_split(sum[0][c], sum[0][c + 1], p_high, p_low, b_high, b_low);
            }
        }
    }

#pragma unroll
    for (int half = 0; half < 2; half++) {
        float all = total[half];
        all += __shfl_xor_sync(kFullMask, all, 1);
        all += __shfl_xor_sync(kFullMask, all, 2);
        float factor = 1.0f / all;
        int query = first + half * 8 + lane() / 4;
        if (query >= T) continue;
        float* to = out + block.out + query * problem.out_width() + lane() % 4 * 2;
#pragma unroll
        for (int c = 0; c < HS / 8; c++)
            *reinterpret_cast<float2*>(to + c * 8) =
                make_float2(sum[0][c][2 * half] * factor, sum[0][c][2 * half + 1] * factor);
    }
}

}  // namespace sn9
