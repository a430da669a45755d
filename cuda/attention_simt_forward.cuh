// The forward pass of attention in f32 on the ordinary cores.
#pragma once

#include "attention_simt.cuh"

namespace sn9 {

namespace simt {

// Tile sizes by head width: shared memory stays under the 99 KB of sm_86 and sm_89.
template <int HS>
struct Forward {
    static constexpr int kQueries = 64, kKeys = HS <= 80 ? 64 : 32;
    static constexpr int kBytes = 4 * ((kQueries + 2 * kKeys) * (HS + kPad) + kQueries * (kKeys + kPad));
};

}  // namespace simt

// One tile of queries of one head. The shared tiles of keys and values are filled while the other is worked on.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(simt::kThreads, kDropping || HS == 128 ? 1 : 2)
    attention_forward_simt_kernel(float* out, float* lse, const float* qkv, AttentionProblem problem) {
    using namespace simt;
    constexpr int kQueries = Forward<HS>::kQueries, kKeys = Forward<HS>::kKeys;
    constexpr int kRows = kQueries / kSide, kColumns = kKeys / kSide;
    SN9_DYNAMIC_SHARED(float, shared, Forward<HS>::kBytes);
    float *queries = shared, *keys = queries + kQueries * (HS + kPad), *values = keys + kKeys * (HS + kPad);
    float* p = values + kKeys * (HS + kPad);

    AttentionBlock block(problem);
    AttentionMask<kDropping> mask(problem, block.head);
    int T = problem.T, q0 = (problem.tiles - 1 - block.tile) * kQueries;  // the longest rows first
    const float* q = qkv + block.in;
    const float *k = q + problem.out_width(), *v = k + problem.out_width();
    int last = min(q0 + kQueries, T) - 1;  // the last query, and the last key anyone here sees

    load_rows<kQueries, HS>(queries, q, problem.in_width, q0, T);
    load_rows<kKeys, HS>(keys, k, problem.in_width, 0, T);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    load_rows<kKeys, HS>(values, v, problem.in_width, 0, T);
    cp_async_commit();

    float sum[kRows][HS / kSide], top[kRows], total[kRows];
    clear(sum);
#pragma unroll
    for (int i = 0; i < kRows; i++) {
        top[i] = -INFINITY;
        total[i] = 0;
    }
    for (int k0 = 0; k0 <= last; k0 += kKeys) {
        float s[kRows][kColumns];
        multiply_rows<kRows, kColumns, HS>(s, queries, keys);
#pragma unroll
        for (int i = 0; i < kRows; i++) {
            int query = q0 + lane_y() * kRows + i;
            float highest = -INFINITY, added = 0;
#pragma unroll
            for (int j = 0; j < kColumns; j++) {
                s[i][j] = k0 + lane_x() + kSide * j <= query ? s[i][j] * problem.scale : -INFINITY;
                highest = fmaxf(highest, s[i][j]);
            }
#pragma unroll
            for (int step = 1; step < kSide; step *= 2)
                highest = fmaxf(highest, __shfl_xor_sync(0xFFFFFFFFu, highest, step));
            highest = fmaxf(highest, top[i]);
            float shrink = expf(top[i] - highest);
            top[i] = highest;
#pragma unroll
            for (int j = 0; j < kColumns; j++) {
                s[i][j] = expf(s[i][j] - highest);
                added += s[i][j];
            }
#pragma unroll
            for (int step = 1; step < kSide; step *= 2) added += __shfl_xor_sync(0xFFFFFFFFu, added, step);
            total[i] = total[i] * shrink + added;
#pragma unroll
            for (int c = 0; c < HS / kSide; c++) sum[i][c] *= shrink;
        }
        if (kDropping) drop(s, mask, q0, k0);
        store_tile<kRows, kColumns, kKeys>(p, s);
        cp_async_wait<0>();
        __syncthreads();  // p and the values are there, and nobody needs the keys
        load_rows<kKeys, HS>(keys, k, problem.in_width, k0 + kKeys, T);
        cp_async_commit();
        accumulate<kRows, kKeys, HS>(sum, p, values, q0 - k0);
        cp_async_wait<0>();
        __syncthreads();  // the next keys are there, and nobody needs p and the values
        load_rows<kKeys, HS>(values, v, problem.in_width, k0 + kKeys, T);
        cp_async_commit();
    }
    cp_async_wait<0>();

#pragma unroll
    for (int i = 0; i < kRows; i++) {
        int query = q0 + lane_y() * kRows + i;
        if (query >= T) continue;
        store_columns<HS>(out + block.out + query * problem.out_width(), sum[i], 1.0f / total[i]);
        if (lse && lane_x() == 0) lse[block.head * T + query] = top[i] + logf(total[i]);
    }
}

}  // namespace sn9
