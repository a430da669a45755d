// attention in f32 on the ordinary cores. A block of 16 x 16 threads holds a tile of QUERIES x KEYS scores, each thread
// QUERIES/16 neighbouring rows and every 16th key; operands lie in shared memory by rows of HS + 4 floats, so that 16
// rows read side by side touch each bank once. All products run over 16-byte loads; sums run in the order of keys (out,
// dq) or queries (dk, dv).
#pragma once

#include "attention.cuh"

namespace sn9 {

namespace simt {

constexpr int kSide = 16;
constexpr int kThreads = kSide * kSide;
constexpr int kPad = 4;

__device__ __forceinline__ int lane_x() {
    return static_cast<int>(threadIdx.x) % kSide;
}
__device__ __forceinline__ int lane_y() {
    return static_cast<int>(threadIdx.x) / kSide;
}

// Starts copying rows first .. first + ROWS - 1 of a head, width floats apart; rows from T on become 0.
template <int ROWS, int HS>
__device__ __forceinline__ void load_rows(float* tile, const float* from, int64_t width, int first, int T) {
    constexpr int kVectors = HS / 4;
    for (int i = static_cast<int>(threadIdx.x); i < ROWS * kVectors; i += kThreads) {
        int row = i / kVectors, column = i % kVectors * 4;
        bool valid = first + row < T;
        cp_async_16_zfill(tile + row * (HS + kPad) + column, from + (valid ? (first + row) * width : 0) + column,
                          valid);
    }
}

// The columns of a row of HS that a thread owns: pairs 32 apart, and one single where HS/16 is odd.
template <int HS>
__device__ __forceinline__ int column(int i) {
    constexpr int kOwned = HS / kSide;
    return i < kOwned / 2 * 2 ? i / 2 * 32 + lane_x() * 2 + i % 2 : kOwned / 2 * 32 + lane_x();
}

template <int HS>
__device__ __forceinline__ void load_columns(float (&out)[HS / kSide], const float* row) {
    constexpr int kOwned = HS / kSide;
#pragma unroll
    for (int i = 0; i < kOwned / 2; i++) {
        float2 pair = *reinterpret_cast<const float2*>(row + column<HS>(2 * i));
        out[2 * i] = pair.x;
        out[2 * i + 1] = pair.y;
    }
    if (kOwned % 2) out[kOwned - 1] = row[column<HS>(kOwned - 1)];
}

template <int HS>
__device__ __forceinline__ void store_columns(float* row, const float (&in)[HS / kSide], float factor) {
    constexpr int kOwned = HS / kSide;
#pragma unroll
    for (int i = 0; i < kOwned / 2; i++)
        *reinterpret_cast<float2*>(row + column<HS>(2 * i)) = make_float2(in[2 * i] * factor, in[2 * i + 1] * factor);
    if (kOwned % 2) row[column<HS>(kOwned - 1)] = in[kOwned - 1] * factor;
}

template <int ROWS, int COLUMNS>
__device__ __forceinline__ void clear(float (&sum)[ROWS][COLUMNS]) {
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) sum[i][j] = 0;
}

// sum[i][j] = row (y*ROWS + i) of a times row (x + 16*j) of b.
template <int ROWS, int COLUMNS, int HS>
__device__ __forceinline__ void multiply_rows(float (&sum)[ROWS][COLUMNS], const float* a, const float* b) {
    clear(sum);
    a += lane_y() * ROWS * (HS + kPad);
    b += lane_x() * (HS + kPad);
#pragma unroll 2
    for (int c = 0; c < HS; c += 4) {
        float4 left[ROWS], right[COLUMNS];
#pragma unroll
        for (int i = 0; i < ROWS; i++) left[i] = *reinterpret_cast<const float4*>(a + i * (HS + kPad) + c);
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) right[j] = *reinterpret_cast<const float4*>(b + j * kSide * (HS + kPad) + c);
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
            for (int j = 0; j < COLUMNS; j++) {
                sum[i][j] += left[i].x * right[j].x;
                sum[i][j] += left[i].y * right[j].y;
                sum[i][j] += left[i].z * right[j].z;
                sum[i][j] += left[i].w * right[j].w;
            }
    }
}

// sum[i][c] += over k: p[y*ROWS + i][k] * b[k][column c]. p has rows of KEYS + 4.
template <int ROWS, int KEYS, int HS>
__device__ __forceinline__ void accumulate(float (&sum)[ROWS][HS / kSide], const float* p, const float* b) {
    p += lane_y() * ROWS * (KEYS + kPad);
#pragma unroll 1
    for (int k = 0; k < KEYS; k += 4) {
        float left[ROWS][4];
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            float4 four = *reinterpret_cast<const float4*>(p + i * (KEYS + kPad) + k);
            left[i][0] = four.x;
            left[i][1] = four.y;
            left[i][2] = four.z;
            left[i][3] = four.w;
        }
#pragma unroll
        for (int n = 0; n < 4; n++) {
            float right[HS / kSide];
            load_columns<HS>(right, b + (k + n) * (HS + kPad));
#pragma unroll
            for (int i = 0; i < ROWS; i++)
#pragma unroll
                for (int c = 0; c < HS / kSide; c++) sum[i][c] += left[i][n] * right[c];
        }
    }
}

// sum[i][c] += over q: p[q][y*ROWS + i] * b[q][column c]. p has rows of KEYS + 4, of which a thread owns KEYS/16.
template <int QUERIES, int KEYS, int HS>
__device__ __forceinline__ void accumulate_transposed(float (&sum)[KEYS / kSide][HS / kSide], const float* p,
                                                      const float* b) {
    constexpr int kRows = KEYS / kSide;
    p += lane_y() * kRows;
#pragma unroll 2
    for (int q = 0; q < QUERIES; q++) {
        float left[kRows], right[HS / kSide];
#pragma unroll
        for (int i = 0; i < kRows; i += 2) {
            float2 pair = *reinterpret_cast<const float2*>(p + q * (KEYS + kPad) + i);
            left[i] = pair.x;
            left[i + 1] = pair.y;
        }
        load_columns<HS>(right, b + q * (HS + kPad));
#pragma unroll
        for (int i = 0; i < kRows; i++)
#pragma unroll
            for (int c = 0; c < HS / kSide; c++) sum[i][c] += left[i] * right[c];
    }
}

template <int ROWS, int COLUMNS, int KEYS>
__device__ __forceinline__ void store_tile(float* p, const float (&in)[ROWS][COLUMNS]) {
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) p[(lane_y() * ROWS + i) * (KEYS + kPad) + lane_x() + kSide * j] = in[i][j];
}

// Multiplies a tile of probabilities, or of their gradients, by the mask.
template <int ROWS, int COLUMNS, bool kDropping>
__device__ __forceinline__ void drop(float (&tile)[ROWS][COLUMNS], const AttentionMask<kDropping>& mask, int q0,
                                     int k0) {
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int j = 0; j < COLUMNS; j++)
            tile[i][j] *= mask.factor(q0 + lane_y() * ROWS + i, k0 + lane_x() + kSide * j);
}

// Tile sizes by head width: shared memory stays under the 99 KB of sm_86 and sm_89.
template <int HS>
struct Forward {
    static constexpr int kQueries = 64, kKeys = HS <= 80 ? 64 : 32;
    static constexpr int kBytes = 4 * ((kQueries + 2 * kKeys) * (HS + kPad) + kQueries * (kKeys + kPad));
};
template <int HS>
struct Backward {
    static constexpr int kQueries = HS <= 64 ? 64 : 32, kKeys = HS <= 96 ? 64 : 32;
    static constexpr int kBytes = 4 * (2 * (kQueries + kKeys) * (HS + kPad) + kQueries * (kKeys + kPad));
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
        accumulate<kRows, kKeys, HS>(sum, p, values);
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

// p = exp(s - lse), 0 above the diagonal; s becomes the gradient of the scores without scale: p * (mask * dp - D).
// Rows from T on are 0. p is masked last, as dv wants it.
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
            float p = valid && key <= query ? expf(s[i][j] * problem.scale - log_sum) : 0.0f;
            float factor = mask.factor(query, key);
            s[i][j] = p * factor;
            dp[i][j] = p * (dp[i][j] * factor - row_sum);
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
        accumulate_transposed<kQueries, kKeys, HS>(dv, p, douts);
        __syncthreads();
        load_rows<kQueries, HS>(douts, d_o, out_width, q0 + kQueries, T);
        store_tile<kRows, kColumns, kKeys>(p, ds);
        __syncthreads();
        accumulate_transposed<kQueries, kKeys, HS>(dk, p, queries);
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
        accumulate<kRows, kKeys, HS>(dq, p, keys);
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
