// attention in bf16 on tensor cores (mma.sync m16n8k16, f32 sums). A warp owns 16 or 32 rows of its block's tile: of
// queries in the forward pass and for dq, of keys for dk and dv, where the products run transposed (k q^T), so that in
// all three a tile of probabilities leaves the first product in the registers that the second takes as its left
// operand. Tiles of the other side pass through two stages of shared memory, the next copied while one is worked on;
// rows are HS + 8 long, so that the eight rows of a matrix lie in different banks. Exponentials are powers of two.
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

// Which of a thread's elements of a 16 x 8*kColumns tile of probabilities stay: bit 4n + e. query, key: of the tile's
// first row and column. Where T is a multiple of 4, so that four neighbouring keys share the words of one counter,
// neighbouring lanes draw for each other.
template <int kColumns>
__device__ __forceinline__ uint32_t kept_of_query_rows(const AttentionMask<true>& mask, int query, int key) {
    int g = lane() / 4, q = lane() % 4, odd = q % 2;
    uint32_t mine = 0;
    if (mask.quads()) {
#pragma unroll 2
        for (int n = 0; n < kColumns; n++)
            mine |= mask.kept_four(query + odd * 8 + g, key + n * 8 + q / 2 * 4) << 4 * n;
        uint32_t other = __shfl_xor_sync(kFullMask, mine, 1);
        uint32_t upper = (odd ? other : mine) >> 2 * odd, lower = (odd ? mine : other) >> 2 * odd;
        return (upper & 0x33333333u) | (lower & 0x33333333u) << 2;
    }
#pragma unroll 1
    for (int i = 0; i < 4 * kColumns; i++)
        mine |= mask.kept(query + i / 2 % 2 * 8 + g, key + i / 4 * 8 + q * 2 + i % 2) << i;
    return mine;
}

// The same for a transposed tile: its rows are keys.
template <int kColumns>
__device__ __forceinline__ uint32_t kept_of_key_rows(const AttentionMask<true>& mask, int key, int query) {
    int g = lane() / 4, q = lane() % 4, place = g % 4;
    uint32_t mine = 0;
    if (mask.quads()) {
#pragma unroll 1
        for (int n = 0; n < kColumns; n++)
            mine |= mask.kept_four(query + n * 8 + q * 2 + place % 2, key + place / 2 * 8 + g / 4 * 4) << 4 * n;
        uint32_t bits = 0;
#pragma unroll
        for (int e = 0; e < 4; e++) {
            uint32_t drawn = __shfl_sync(kFullMask, mine, (lane() & ~12) | e << 2);
            bits |= (drawn >> place & 0x11111111u) << e;
        }
        return bits;
    }
#pragma unroll 1
    for (int i = 0; i < 4 * kColumns; i++)
        mine |= mask.kept(query + i / 4 * 8 + q * 2 + i % 2, key + i / 2 % 2 * 8 + g) << i;
    return mine;
}

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

// One tile of queries of one head.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(mma::Forward<HS>::kThreads)
    attention_forward_mma_kernel(bf16* out, float* lse, const bf16* qkv, AttentionProblem problem) {
    using namespace mma;
    using Tile = Forward<HS>;
    constexpr int kTiles = Tile::kTiles, kKeys = Tile::kKeys, kColumns = kKeys / 8, kThreads = Tile::kThreads;
    SN9_DYNAMIC_SHARED(bf16, shared);

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
        if (k0 + kKeys - 1 > first) {
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
                        // The difference first: of scores of 1e30 the products' own rounding is past any exponent.
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
        accumulate<HS>(sum, s, values);
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

// dk and dv of one tile of keys of one head, over all queries from them on. Rows of the products are keys.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(mma::BackwardKeys<HS, kDropping>::kThreads)
    attention_backward_keys_mma_kernel(bf16* dqkv, const bf16* dout, const bf16* qkv, const float* lse,
                                       const float* row_sums, AttentionProblem problem) {
    using namespace mma;
    using Tile = BackwardKeys<HS, kDropping>;
    constexpr int kKeys = Tile::kKeys, kQueries = Tile::kQueries, kColumns = kQueries / 8, kThreads = Tile::kThreads;
    SN9_DYNAMIC_SHARED(bf16, shared);
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
                    int query = q0 + n * 8 + lane() % 4 * 2 + e % 2, key = first + e / 2 * 8 + lane() / 4;
                    float exponent = __fmaf_rn(p[0][n][e], power, -(e % 2 ? log_sum.y : log_sum.x));
                    p[0][n][e] = key <= query ? exp2_approx(exponent) : 0.0f;
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
            accumulate<HS>(dv, p, douts);
            accumulate<HS>(dk, ds, queries);
        }
        if (brings) statistics[(stage ^ 1) * 2 * kQueries + static_cast<int>(threadIdx.x)] = next_statistic;
    }

    const float scale[1][2] = {{problem.scale, problem.scale}}, one[1][2] = {{1, 1}};
    __syncthreads();  // nobody needs the last stage
    bf16* to = dqkv + block.in + k0 * width + out_width;
    store_rows<HS>(to, width, T - k0, shared, dk, scale);
    store_rows<HS>(to + out_width, width, T - k0, shared, dv, one);
}

// dq of one tile of queries of one head, over all keys up to them. Up to width 64 the compiler finds registers for
// three blocks per processor by itself (0); asked for them, or left alone beyond, it spills.
template <int HS, bool kDropping>
__global__ void __launch_bounds__(mma::BackwardQueries<HS>::kThreads, HS < 80 ? 0 : 2)
    attention_backward_queries_mma_kernel(bf16* dqkv, const bf16* dout, const bf16* qkv, const float* lse,
                                          const float* row_sums, AttentionProblem problem) {
    using namespace mma;
    using Tile = BackwardQueries<HS>;
    constexpr int kKeys = Tile::kKeys, kQueries = Tile::kQueries, kColumns = kKeys / 8, kThreads = Tile::kThreads;
    SN9_DYNAMIC_SHARED(bf16, shared);

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
                int query = first + e / 2 * 8 + lane() / 4, key = k0 + n * 8 + lane() % 4 * 2 + e % 2;
                float exponent = __fmaf_rn(p[0][n][e], power, -log_sums[e / 2]);
                float probability = key <= query ? exp2_approx(exponent) : 0.0f, factor = 1;
                if constexpr (kDropping) factor = kept >> (4 * n + e) & 1 ? kept_factor : 0.0f;
                ds[0][n][e] = probability * (ds[0][n][e] * factor - sums[e / 2]);
            }
        accumulate<HS>(dq, ds, keys);
    }

    const float scale[1][2] = {{problem.scale, problem.scale}};
    __syncthreads();  // nobody needs the last stage
    store_rows<HS>(dqkv + block.in + q0 * width, width, T - q0, shared, dq, scale);
}

}  // namespace sn9
