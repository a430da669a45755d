// The gradient of attention in bf16 on tensor cores, in two passes.
#pragma once

#include "attention_mma_dropout.cuh"

namespace sn9 {

namespace mma {

// Tiles by head width, in rows of shared memory; what a block keeps is read through the second stage.
template <int HS, bool kDropping>
struct BackwardKeys {
    static constexpr int kKeys = 64, kQueries = HS <= (kDropping ? 64 : 96) ? 64 : 32;
    static constexpr bool kResident = HS <= (kDropping ? 48 : 64);  // as registers allow
    static constexpr int kThreads = kKeys / 16 * kWarp;
    static constexpr int kStage = 2 * kQueries, kKept = 2 * kKeys;
    static constexpr int kRows = kResident ? 2 * kStage : 2 * kStage + kKept;
    static constexpr int kKeptAt = kResident ? kStage : 2 * kStage;
    static constexpr int kTileBytes = kRows * (HS + kPad) * 2, kBytes = kTileBytes + 4 * kQueries * 4;
    static_assert(!kResident || kKept <= kStage, "keys and values pass through one stage");
};
template <int HS>
struct BackwardQueries {
    static constexpr int kQueries = 64, kKeys = HS <= 96 ? 64 : 32;
    static constexpr int kThreads = kQueries / 16 * kWarp;
    static constexpr int kStage = 2 * kKeys, kKept = 2 * kQueries;
    static constexpr int kRows = kStage + (kKept > kStage ? kKept : kStage);
    static constexpr int kBytes = kRows * (HS + kPad) * 2;
};

}  // namespace mma

// dk and dv of one tile of keys of one head, over all queries from them on. Rows of the products are keys.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(mma::BackwardKeys<HS, kDropping>::kThreads)
    attention_backward_keys_mma_kernel(bf16* dqkv, const bf16* dout, const bf16* qkv, const float* lse,
                                       const float* row_sums, AttentionProblem problem) {
    using namespace mma;
    using Tile = BackwardKeys<HS, kDropping>;
    constexpr int kKeys = Tile::kKeys, kQueries = Tile::kQueries, kColumns = kQueries / 8, kThreads = Tile::kThreads;
    SN9_DYNAMIC_SHARED(bf16, shared, Tile::kBytes);
    float* statistics = reinterpret_cast<float*>(shared + Tile::kTileBytes / 2);  // per stage: lse / ln 2, then D

    AttentionBlock block(problem);
    int T = problem.T, k0 = block.tile * kKeys;
    int64_t width = problem.in_width, out_width = problem.out_width();
    const bf16 *q = qkv + block.in, *d_o = dout + block.out;

    // The statistic of one query of a tile that this thread brings; from T on lse is infinite, so that p is 0.
    bool brings = threadIdx.x < 2 * kQueries, brings_lse = threadIdx.x < kQueries;
    auto bring = [&](int from) {
        int query = from + static_cast<int>(threadIdx.x) % kQueries;
        if (!brings || query >= T) return brings_lse ? INFINITY : 0.0f;
        return brings_lse ? lse[block.head * T + query] * kLog2e : row_sums[block.head * T + query];
    };

    bf16* kept_keys = shared + Tile::kKeptAt * (HS + kPad);
    load_rows<kKeys, kThreads, HS>(kept_keys, q + out_width, width, k0, T);
    load_rows<kKeys, kThreads, HS>(kept_keys + kKeys * (HS + kPad), q + 2 * out_width, width, k0, T);
    load_rows<kQueries, kThreads, HS>(shared, q, width, k0, T);
    load_rows<kQueries, kThreads, HS>(shared + kQueries * (HS + kPad), d_o, out_width, k0, T);
    cp_async_commit();
    if (brings) statistics[threadIdx.x] = bring(k0);
    cp_async_wait<0>();
    __syncthreads();
    int row = warp() * 16, first = k0 + row;  // of the warp in the tile, and in the sequence
    Rows<1, HS, Tile::kResident> keys(kept_keys, row), values(kept_keys + kKeys * (HS + kPad), row);

    float dk[1][HS / 8][4], dv[1][HS / 8][4], power = problem.scale * kLog2e;
    clear(dk);
    clear(dv);
    int stage = 0;
    for (int q0 = k0; q0 < T; q0 += kQueries, stage ^= 1) {
        cp_async_wait<0>();
        __syncthreads();  // this stage is there, and nobody needs the other
        bf16 *queries = shared + stage * Tile::kStage * (HS + kPad), *douts = queries + kQueries * (HS + kPad);
        const float *log_sums = statistics + stage * 2 * kQueries, *sums = log_sums + kQueries;
        float next_statistic = 0;
        if (q0 + kQueries < T) {
            bf16* next = shared + (stage ^ 1) * Tile::kStage * (HS + kPad);
            load_rows<kQueries, kThreads, HS>(next, q, width, q0 + kQueries, T);
            load_rows<kQueries, kThreads, HS>(next + kQueries * (HS + kPad), d_o, out_width, q0 + kQueries, T);
            cp_async_commit();
            next_statistic = bring(q0 + kQueries);
        }
        if (q0 + kQueries - 1 >= first) {  // some of the tile is not above the diagonal
            bool crossing = q0 < first + 15;
            float p[1][kColumns][4], ds[1][kColumns][4];
            uint32_t kept = 0;
            float kept_factor = 1;
            if constexpr (kDropping) {
                AttentionMask<true> mask(problem, block.head);  // in here, or its registers would be held throughout
                kept = kept_of_key_rows<kColumns>(mask, first, q0);
                kept_factor = mask.scale();
            }
            multiply_rows(p, keys, queries);
#pragma unroll
            for (int n = 0; n < kColumns; n++) {
                float2 log_sum = *reinterpret_cast<const float2*>(log_sums + n * 8 + lane() % 4 * 2);
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    float exponent = __fmaf_rn(p[0][n][e], power, -(e % 2 ? log_sum.y : log_sum.x));
                    p[0][n][e] = exp2_approx(exponent);
                }
            }
            multiply_rows(ds, values, douts);
#pragma unroll
            for (int n = 0; n < kColumns; n++) {
                float2 row_sum = *reinterpret_cast<const float2*>(sums + n * 8 + lane() % 4 * 2);
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    float factor = 1;
                    if constexpr (kDropping) factor = kept & 1u << (4 * n + e) ? kept_factor : 0.0f;
                    ds[0][n][e] = p[0][n][e] * (ds[0][n][e] * factor - (e % 2 ? row_sum.y : row_sum.x));
                    p[0][n][e] *= factor;
                }
            }
            if (crossing) {
#pragma unroll
                for (int n = 0; n < kColumns; n++)
#pragma unroll
                    for (int e = 0; e < 4; e++)
                        if (q0 + n * 8 + lane() % 4 * 2 + e % 2 < first + e / 2 * 8 + lane() / 4)
                            p[0][n][e] = ds[0][n][e] = 0;
            }
            const Packed packed_p(p), packed_ds(ds);
            if (crossing) {
                accumulate_crossing<HS, true>(dv, packed_p, douts, first - q0);
                accumulate_crossing<HS, true>(dk, packed_ds, queries, first - q0);
            } else {
                accumulate<HS>(dv, packed_p, douts);
                accumulate<HS>(dk, packed_ds, queries);
            }
        }
        if (brings) statistics[(stage ^ 1) * 2 * kQueries + static_cast<int>(threadIdx.x)] = next_statistic;
    }

    const float scale[1][2] = {{problem.scale, problem.scale}}, one[1][2] = {{1, 1}};
    __syncthreads();  // nobody needs the last stage
    bf16* to = dqkv + block.in + k0 * width + out_width;
    store_rows<HS>(to, width, T - k0, shared, dk, scale);
    store_rows<HS>(to + out_width, width, T - k0, shared, dv, one);
}

// dq of one tile of queries of one head, over all keys up to them. From width 80 on the compiler is asked for the two
// blocks per processor that it finds by itself below (0), where a third would spill.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(mma::BackwardQueries<HS>::kThreads, HS < 80 ? 0 : 2)
    attention_backward_queries_mma_kernel(bf16* dqkv, const bf16* dout, const bf16* qkv, const float* lse,
                                          const float* row_sums, AttentionProblem problem) {
    using namespace mma;
    using Tile = BackwardQueries<HS>;
    constexpr int kKeys = Tile::kKeys, kQueries = Tile::kQueries, kColumns = kKeys / 8, kThreads = Tile::kThreads;
    SN9_DYNAMIC_SHARED(bf16, shared, Tile::kBytes);

    AttentionBlock block(problem);
    int T = problem.T, q0 = (problem.tiles - 1 - block.tile) * kQueries, last = min(q0 + kQueries, T) - 1;
    int64_t width = problem.in_width, out_width = problem.out_width();
    const bf16* q = qkv + block.in;
    const bf16 *k = q + out_width, *v = k + out_width;

    bf16* kept_rows = shared + Tile::kStage * (HS + kPad);
    load_rows<kQueries, kThreads, HS>(kept_rows, q, width, q0, T);
    load_rows<kQueries, kThreads, HS>(kept_rows + kQueries * (HS + kPad), dout + block.out, out_width, q0, T);
    load_rows<kKeys, kThreads, HS>(shared, k, width, 0, T);
    load_rows<kKeys, kThreads, HS>(shared + kKeys * (HS + kPad), v, width, 0, T);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    int row = warp() * 16, first = q0 + row;  // of the warp in the tile, and in the sequence
    Rows<1, HS, true> queries(kept_rows, row), douts(kept_rows + kQueries * (HS + kPad), row);

    float log_sums[2], sums[2];  // lse / ln 2 and D; from T on lse is infinite, so that p is 0
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int query = first + half * 8 + lane() / 4;
        log_sums[half] = query < T ? lse[block.head * T + query] * kLog2e : INFINITY;
        sums[half] = query < T ? row_sums[block.head * T + query] : 0.0f;
    }
    float dq[1][HS / 8][4], power = problem.scale * kLog2e;
    clear(dq);
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
        if (k0 > first + 15) continue;  // above the diagonal for the whole warp

        float p[1][kColumns][4], ds[1][kColumns][4];
        uint32_t kept = 0;
        float kept_factor = 1;
        if constexpr (kDropping) {
            AttentionMask<true> mask(problem, block.head);
            kept = kept_of_query_rows<kColumns>(mask, first, k0);
            kept_factor = mask.scale();
        }
        multiply_rows(p, queries, keys);
        multiply_rows(ds, douts, values);
#pragma unroll
        for (int n = 0; n < kColumns; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                float exponent = __fmaf_rn(p[0][n][e], power, -log_sums[e / 2]);
                float probability = exp2_approx(exponent), factor = 1;
                if constexpr (kDropping) factor = kept >> (4 * n + e) & 1 ? kept_factor : 0.0f;
                ds[0][n][e] = probability * (ds[0][n][e] * factor - sums[e / 2]);
            }
        bool crossing = k0 + kKeys - 1 > first;  // the diagonal is in this tile
        if (crossing) {
#pragma unroll
            for (int n = 0; n < kColumns; n++)
#pragma unroll
                for (int e = 0; e < 4; e++)
                    if (k0 + n * 8 + lane() % 4 * 2 + e % 2 > first + e / 2 * 8 + lane() / 4) ds[0][n][e] = 0;
        }
        const Packed packed(ds);
        if (crossing)
            accumulate_crossing<HS, false>(dq, packed, keys, first - k0);
        else
            accumulate<HS>(dq, packed, keys);
    }

    const float scale[1][2] = {{problem.scale, problem.scale}};
    __syncthreads();  // nobody needs the last stage
    store_rows<HS>(dqkv + block.in + q0 * width, width, T - q0, shared, dq, scale);
}

}  // namespace sn9
