// The forward pass of attention in bf16 on tensor cores.
#pragma once

#include "attention_mma_dropout.cuh"

namespace sn9 {

namespace mma {

// Tiles by head width, in rows of shared memory; what a block keeps is read through the second stage.
template <int HS>
struct Forward {
    static constexpr int kQueries = 128, kKeys = 64, kTiles = HS <= 80 ? 2 : 1;
    static constexpr bool kResident = HS <= 48 || kTiles == 1;  // as registers allow
    static constexpr int kThreads = kQueries / (16 * kTiles) * kWarp;
    static constexpr int kStage = 2 * kKeys;
    static constexpr int kKeptAt = kResident ? kStage : 2 * kStage;
    static constexpr int kRows = kKeptAt + (kResident ? kStage : kQueries), kBytes = kRows * (HS + kPad) * 2;
    static_assert(!kResident || kQueries <= kStage, "the queries pass through one stage");
};

}  // namespace mma

// The compiler chooses how many blocks a processor holds (0), but at width 16 a fourth would spill.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(mma::Forward<HS>::kThreads, HS == 16 ? 3 : 0)
    attention_forward_mma_kernel(bf16* out, float* lse, const bf16* qkv, AttentionProblem problem) {
    using namespace mma;
    using Tile = Forward<HS>;
    constexpr int kTiles = Tile::kTiles, kKeys = Tile::kKeys, kColumns = kKeys / 8, kThreads = Tile::kThreads;
    SN9_DYNAMIC_SHARED(bf16, shared, Tile::kBytes);

    AttentionBlock block(problem);
    int T = problem.T, q0 = (problem.tiles - 1 - block.tile) * Tile::kQueries;  // the longest rows first
    int64_t width = problem.in_width;
    const bf16* q = qkv + block.in;
    const bf16 *k = q + problem.out_width(), *v = k + problem.out_width();
    bf16* kept_rows = shared + Tile::kKeptAt * (HS + kPad);
    int last = min(q0 + Tile::kQueries, T) - 1;  // the last query, and the last key anyone here sees

    load_rows<Tile::kQueries, kThreads, HS>(kept_rows, q, width, q0, T);
    load_rows<kKeys, kThreads, HS>(shared, k, width, 0, T);
    load_rows<kKeys, kThreads, HS>(shared + kKeys * (HS + kPad), v, width, 0, T);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    int row = warp() * kTiles * 16, first = q0 + row;  // of the warp in the tile, and in the sequence
    Rows<kTiles, HS, Tile::kResident> queries(kept_rows, row);

    float sum[kTiles][HS / 8][4], top[kTiles][2], total[kTiles][2], power = problem.scale * kLog2e;
    clear(sum);
#pragma unroll
    for (int m = 0; m < kTiles; m++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            top[m][half] = -INFINITY;
            total[m][half] = 0;
        }
    int stage = 0;
    for (int k0 = 0; k0 <= last; k0 += kKeys, stage ^= 1) {
        cp_async_wait<0>();
        __syncthreads();  // this stage is there, and nobody needs the other
        bf16 *keys = shared + stage * Tile::kStage * (HS + kPad), *values = keys + kKeys * (HS + kPad);
        if (k0 + kKeys <= last) {
            bf16* next = shared + (stage ^ 1) * Tile::kStage * (HS + kPad);
            load_rows<kKeys, kThreads, HS>(next, k, width, k0 + kKeys, T);
            load_rows<kKeys, kThreads, HS>(next + kKeys * (HS + kPad), v, width, k0 + kKeys, T);
            cp_async_commit();
        }
        if (k0 > first + kTiles * 16 - 1) continue;  // above the diagonal for the whole warp

        float s[kTiles][kColumns][4];
        multiply_rows(s, queries, keys);
        bool crossing = k0 + kKeys - 1 > first;  // the diagonal is in this tile
        if (crossing) {
#pragma unroll
            for (int m = 0; m < kTiles; m++)
#pragma unroll
                for (int n = 0; n < kColumns; n++)
#pragma unroll
                    for (int e = 0; e < 4; e++)
                        if (k0 + n * 8 + lane() % 4 * 2 + e % 2 > first + m * 16 + e / 2 * 8 + lane() / 4)
                            s[m][n][e] = -INFINITY;
        }
#pragma unroll
        for (int m = 0; m < kTiles; m++)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float highest = top[m][half];
#pragma unroll
                for (int n = 0; n < kColumns; n++)
                    highest = fmaxf(highest, fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
                highest = fmaxf(highest, __shfl_xor_sync(kFullMask, highest, 1));
                highest = fmaxf(highest, __shfl_xor_sync(kFullMask, highest, 2));
                float shrink = exp2_approx((top[m][half] - highest) * power), added = 0;
                top[m][half] = highest;
#pragma unroll
                for (int n = 0; n < kColumns; n++)
#pragma unroll
                    for (int e = 2 * half; e < 2 * half + 2; e++) {
                        s[m][n][e] = exp2_approx((s[m][n][e] - highest) * power);
                        added += s[m][n][e];
                    }
                total[m][half] = total[m][half] * shrink + added;  // of this thread's columns
#pragma unroll
                for (int c = 0; c < HS / 8; c++) {
                    sum[m][c][2 * half] *= shrink;
                    sum[m][c][2 * half + 1] *= shrink;
                }
            }
        if constexpr (kDropping) {
            AttentionMask<true> mask(problem, block.head);
#pragma unroll
            for (int m = 0; m < kTiles; m++) {
                uint32_t kept = kept_of_query_rows<kColumns>(mask, first + m * 16, k0);
#pragma unroll
                for (int n = 0; n < kColumns; n++)
#pragma unroll
                    for (int e = 0; e < 4; e++) s[m][n][e] *= kept >> (4 * n + e) & 1 ? mask.scale() : 0.0f;
            }
        }
        const Packed packed(s);
        if (crossing)
            accumulate_crossing<HS, false>(sum, packed, values, first - k0);
        else
            accumulate<HS>(sum, packed, values);
    }

    float factor[kTiles][2];
#pragma unroll
    for (int m = 0; m < kTiles; m++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float all = total[m][half];
            all += __shfl_xor_sync(kFullMask, all, 1);
            all += __shfl_xor_sync(kFullMask, all, 2);
            factor[m][half] = 1.0f / all;
            int query = first + m * 16 + half * 8 + lane() / 4;
            if (lse && query < T && lane() % 4 == 0)
                lse[block.head * T + query] = top[m][half] * problem.scale + logf(all);
        }
    __syncthreads();  // nobody needs the last stage
    store_rows<HS>(out + block.out + q0 * problem.out_width(), problem.out_width(), T - q0, shared, sum, factor);
}

}  // namespace sn9
