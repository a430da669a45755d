// The gradient of attention in f32 on the ordinary cores, in two passes.
#pragma once

#include "attention_simt.cuh"

namespace sn9 {

namespace simt {

// Tile sizes by head width: shared memory stays under the 99 KB of sm_86 and sm_89.
template <int HS>
struct Backward {
    static constexpr int kQueries = HS <= 64 ? 64 : 32, kKeys = HS <= 96 ? 64 : 32;
    static constexpr int kBytes = 4 * (2 * (kQueries + kKeys) * (HS + kPad) + kQueries * (kKeys + kPad));
};

}  // namespace simt

// s becomes mask * p, p = exp(s - lse); dp the gradient of the scores without scale, p * (mask * dp - D). Both are 0
// above the diagonal and in rows from T on.
template <int ROWS, int COLUMNS, bool kDropping>
__device__ __forceinline__ void score_gradients(float (&s)[ROWS][COLUMNS], float (&dp)[ROWS][COLUMNS], const float* lse,
                                                const float* row_sums, const AttentionMask<kDropping>& mask,
                                                const AttentionProblem& problem, int q0, int k0) {
    using namespace simt;
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        int query = q0 + lane_y() * ROWS + i;
        bool valid = query < problem.T;
        float log_sum = valid ? lse[query] : 0, row_sum = valid ? row_sums[query] : 0;
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            int key = k0 + lane_x() + kSide * j;
            bool seen = valid && key <= query;
            float p = seen ? expf(s[i][j] * problem.scale - log_sum) : 0.0f;
            float factor = mask.factor(query, key);
            s[i][j] = p * factor;
            dp[i][j] = seen ? p * (dp[i][j] * factor - row_sum) : 0.0f;
        }
    }
}

// dk and dv of one tile of keys of one head, over all queries from them on.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(simt::kThreads, 1)
    attention_backward_keys_simt_kernel(float* dqkv, const float* dout, const float* qkv, const float* lse,
                                        const float* row_sums, AttentionProblem problem) {
    using namespace simt;
    constexpr int kQueries = Backward<HS>::kQueries, kKeys = Backward<HS>::kKeys;
    constexpr int kRows = kQueries / kSide, kColumns = kKeys / kSide;
    SN9_DYNAMIC_SHARED(float, shared, Backward<HS>::kBytes);
    float *keys = shared, *values = keys + kKeys * (HS + kPad), *queries = values + kKeys * (HS + kPad);
    float *douts = queries + kQueries * (HS + kPad), *p = douts + kQueries * (HS + kPad);

    AttentionBlock block(problem);
    AttentionMask<kDropping> mask(problem, block.head);
    int T = problem.T, k0 = block.tile * kKeys, first = k0 / kQueries * kQueries;
    int64_t width = problem.in_width, out_width = problem.out_width();
    const float *q = qkv + block.in, *d_o = dout + block.out;
    load_rows<kKeys, HS>(keys, q + out_width, width, k0, T);
    load_rows<kKeys, HS>(values, q + 2 * out_width, width, k0, T);
    load_rows<kQueries, HS>(queries, q, width, first, T);
    load_rows<kQueries, HS>(douts, d_o, out_width, first, T);
    cp_async_commit();

    float dk[kColumns][HS / kSide], dv[kColumns][HS / kSide];
    clear(dk);
    clear(dv);
    for (int q0 = first; q0 < T; q0 += kQueries) {
        cp_async_wait<0>();
        __syncthreads();
        float s[kRows][kColumns], ds[kRows][kColumns];
        multiply_rows<kRows, kColumns, HS>(s, queries, keys);
        multiply_rows<kRows, kColumns, HS>(ds, douts, values);
        score_gradients(s, ds, lse + block.head * T, row_sums + block.head * T, mask, problem, q0, k0);
        store_tile<kRows, kColumns, kKeys>(p, s);
        __syncthreads();
        accumulate_transposed<kQueries, kKeys, HS>(dv, p, douts, k0 - q0);
        __syncthreads();
        load_rows<kQueries, HS>(douts, d_o, out_width, q0 + kQueries, T);
        store_tile<kRows, kColumns, kKeys>(p, ds);
        __syncthreads();
        accumulate_transposed<kQueries, kKeys, HS>(dk, p, queries, k0 - q0);
        __syncthreads();
        load_rows<kQueries, HS>(queries, q, width, q0 + kQueries, T);
        cp_async_commit();
    }
    cp_async_wait<0>();

#pragma unroll
    for (int j = 0; j < kColumns; j++) {
        int key = k0 + lane_y() * kColumns + j;
        if (key >= T) continue;
        float* to = dqkv + block.in + key * width + out_width;
        store_columns<HS>(to, dk[j], problem.scale);
        store_columns<HS>(to + out_width, dv[j], 1.0f);
    }
}

// dq of one tile of queries of one head, over all keys up to them.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(simt::kThreads, 1)
    attention_backward_queries_simt_kernel(float* dqkv, const float* dout, const float* qkv, const float* lse,
                                           const float* row_sums, AttentionProblem problem) {
    using namespace simt;
    constexpr int kQueries = Backward<HS>::kQueries, kKeys = Backward<HS>::kKeys;
    constexpr int kRows = kQueries / kSide, kColumns = kKeys / kSide;
    SN9_DYNAMIC_SHARED(float, shared, Backward<HS>::kBytes);
    float *keys = shared, *values = keys + kKeys * (HS + kPad), *queries = values + kKeys * (HS + kPad);
    float *douts = queries + kQueries * (HS + kPad), *p = douts + kQueries * (HS + kPad);

    AttentionBlock block(problem);
    AttentionMask<kDropping> mask(problem, block.head);
    int T = problem.T, q0 = (problem.tiles - 1 - block.tile) * kQueries, last = min(q0 + kQueries, T) - 1;
    int64_t width = problem.in_width, out_width = problem.out_width();
    const float* q = qkv + block.in;
    load_rows<kQueries, HS>(queries, q, width, q0, T);
    load_rows<kQueries, HS>(douts, dout + block.out, out_width, q0, T);
    load_rows<kKeys, HS>(keys, q + out_width, width, 0, T);
    load_rows<kKeys, HS>(values, q + 2 * out_width, width, 0, T);
    cp_async_commit();

    float dq[kRows][HS / kSide];
    clear(dq);
    for (int k0 = 0; k0 <= last; k0 += kKeys) {
        cp_async_wait<0>();
        __syncthreads();
        float s[kRows][kColumns], ds[kRows][kColumns];
        multiply_rows<kRows, kColumns, HS>(s, queries, keys);
        multiply_rows<kRows, kColumns, HS>(ds, douts, values);
        score_gradients(s, ds, lse + block.head * T, row_sums + block.head * T, mask, problem, q0, k0);
        store_tile<kRows, kColumns, kKeys>(p, ds);
        __syncthreads();
        load_rows<kKeys, HS>(values, q + 2 * out_width, width, k0 + kKeys, T);
        accumulate<kRows, kKeys, HS>(dq, p, keys, q0 - k0);
        __syncthreads();
        load_rows<kKeys, HS>(keys, q + out_width, width, k0 + kKeys, T);
        cp_async_commit();
    }
    cp_async_wait<0>();

#pragma unroll
    for (int i = 0; i < kRows; i++) {
        int query = q0 + lane_y() * kRows + i;
        if (query < T) store_columns<HS>(dqkv + block.in + query * width, dq[i], problem.scale);
    }
}

}  // namespace sn9
