// attention in f32 on the ordinary cores: tiles and products. A block of 16 x 16 threads holds a tile of QUERIES x KEYS
// scores, each thread QUERIES/16 neighbouring rows and every 16th key; operands lie in shared memory by rows of HS + 4
// floats, so that 16 rows read side by side touch each bank once. All products run over 16-byte loads; sums run in the
// order of keys (out, dq) or queries (dk, dv).
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

// sum[i][c] += over k: p[y*ROWS + i][k] * b[k][column c]. p has rows of KEYS + 4. kCrossing: row r of the tile takes
// the k up to diagonal + r only. The others are left out, not added as zeros: zero times a NaN of theirs is one.
template <bool kCrossing, int ROWS, int KEYS, int HS>
__device__ __forceinline__ void add_products(float (&sum)[ROWS][HS / kSide], const float* p, const float* b,
                                             int diagonal) {
    diagonal += lane_y() * ROWS;
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
                for (int c = 0; c < HS / kSide; c++)
                    if (!kCrossing || k + n <= diagonal + i) sum[i][c] += left[i][n] * right[c];
        }
    }
}

// The same, of which row r takes the k up to diagonal + r.
template <int ROWS, int KEYS, int HS>
__device__ __forceinline__ void accumulate(float (&sum)[ROWS][HS / kSide], const float* p, const float* b,
                                           int diagonal) {
    if (diagonal >= KEYS - 1)
        add_products<false, ROWS, KEYS, HS>(sum, p, b, 0);
    else
        add_products<true, ROWS, KEYS, HS>(sum, p, b, diagonal);
}

// sum[i][c] += over q: p[q][y*ROWS + i] * b[q][column c]. p has rows of KEYS + 4, of which a thread owns KEYS/16.
// kCrossing: row r takes the q from diagonal + r on only.
template <bool kCrossing, int QUERIES, int KEYS, int HS>
__device__ __forceinline__ void add_products_transposed(float (&sum)[KEYS / kSide][HS / kSide], const float* p,
                                                        const float* b, int diagonal) {
    constexpr int kRows = KEYS / kSide;
    diagonal += lane_y() * kRows;
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
            for (int c = 0; c < HS / kSide; c++)
                if (!kCrossing || q >= diagonal + i) sum[i][c] += left[i] * right[c];
    }
}

// The same, of which row r takes the q from diagonal + r on.
template <int QUERIES, int KEYS, int HS>
__device__ __forceinline__ void accumulate_transposed(float (&sum)[KEYS / kSide][HS / kSide], const float* p,
                                                      const float* b, int diagonal) {
    if (diagonal + KEYS - 1 <= 0)
        add_products_transposed<false, QUERIES, KEYS, HS>(sum, p, b, 0);
    else
        add_products_transposed<true, QUERIES, KEYS, HS>(sum, p, b, diagonal);
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

}  // namespace simt

}  // namespace sn9
