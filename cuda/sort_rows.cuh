// sort_rows: the rows of a batch by token, and by row where tokens are equal: a stable radix sort, 8 bits at a time,
// least significant first. N rows, tiles of 1,024; three launches per digit, two digits up to V = 65,535.
// bytes: 24*N per digit. Integers only: deterministic.
// Per digit: a block counts its tile's digits, a block sums the counts of all tiles (digit by digit, tile by tile) to
// the place of each, and a block moves its tile there. Inside a tile a warp has 4 times 32 neighbouring rows; the rank
// of a row among equal digits is the number of lower lanes that ballots show to hold the same digit.
// Source of the method: Satish, Harris and Garland, "Designing efficient sorting algorithms for manycore GPUs", 2009.
#pragma once

#include "common.cuh"
#include "launch.cuh"
#include "rows.cuh"

namespace sn9 {

struct alignas(8) TokenRow {
    uint32_t token;
    int32_t row;
};

namespace {

constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;
constexpr int kSortWarps = 8;
constexpr int kSortThreads = kSortWarps * kWarp;
constexpr int kSortRounds = 4;
constexpr int kTile = kSortThreads * kSortRounds;
constexpr int kScanThreads = 1024;
static_assert(kDigits == kSortThreads, "a thread per digit");

// Lanes of the warp that hold the same digit, of those that hold one.
__device__ __forceinline__ unsigned lanes_alike(unsigned digit, bool valid) {
    unsigned alike = __ballot_sync(kFullMask, valid);
#pragma unroll
    for (int bit = 0; bit < kDigitBits; bit++) {
        unsigned ones = __ballot_sync(kFullMask, static_cast<int>(digit >> bit & 1));
        alike &= digit >> bit & 1 ? ones : ~ones;
    }
    return alike;
}

// The block's tile in registers, and how often each warp has each digit: counts (kSortWarps, kDigits).
struct SortTile {
    TokenRow item[kSortRounds];
    unsigned digit[kSortRounds], alike[kSortRounds];
    bool valid[kSortRounds];

    // from: the batch after the digits before this one; null for the first, which reads the tokens themselves. What is
    // no word sorts behind all words, as V.
    __device__ __forceinline__ SortTile(int* counts, const int32_t* tokens, const TokenRow* from, int64_t N, uint32_t V,
                                        int shift) {
        int lane = static_cast<int>(threadIdx.x) % kWarp;
        int* mine = counts + static_cast<int>(threadIdx.x) / kWarp * kDigits;
        for (int i = lane; i < kDigits; i += kWarp) mine[i] = 0;
        __syncwarp();
        int64_t first = static_cast<int64_t>(blockIdx.x) * kTile + threadIdx.x / kWarp * (kWarp * kSortRounds) + lane;
#pragma unroll
        for (int k = 0; k < kSortRounds; k++) {
            int64_t i = first + k * kWarp;
            valid[k] = i < N;
            item[k] = {V, static_cast<int32_t>(i)};
            if (valid[k] && from) item[k] = from[i];
            if (valid[k] && !from && static_cast<uint32_t>(tokens[i]) < V) item[k].token = tokens[i];
            digit[k] = item[k].token >> shift & (kDigits - 1);
            alike[k] = lanes_alike(digit[k], valid[k]);
            if (valid[k] && __ffs(static_cast<int>(alike[k])) == lane + 1) mine[digit[k]] += __popc(alike[k]);
            __syncwarp();
        }
        __syncthreads();
    }
};

// counts[digit][tile] = how often the tile has the digit.
__global__ void __launch_bounds__(kSortThreads)
    sort_count_kernel(int* counts, const int32_t* __restrict__ tokens, const TokenRow* __restrict__ from, int64_t N,
                      uint32_t V, int shift) {
    SN9_SHARED(int, warp_counts, kSortWarps* kDigits);
    SortTile tile(warp_counts, tokens, from, N, V, shift);
    int sum = 0;
    for (int warp = 0; warp < kSortWarps; warp++) sum += warp_counts[warp * kDigits + static_cast<int>(threadIdx.x)];
    counts[static_cast<int64_t>(threadIdx.x) * gridDim.x + blockIdx.x] = sum;
}

// values[i] = sum of the values before i. One block; n is a multiple of 4.
__global__ void __launch_bounds__(kScanThreads) sort_scan_kernel(int* values, int n) {
    SN9_SHARED(int, warp_sums, kWarp);
    int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp, before = 0;
    for (int start = 0; start < n; start += kScanThreads * 4) {
        int i = start + static_cast<int>(threadIdx.x) * 4;
        int4 v = i < n ? load16<int4>(values + i) : make_int4(0, 0, 0, 0);
        int sum = v.x + v.y + v.z + v.w, upto = sum;
#pragma unroll
        for (int lanes = 1; lanes < kWarp; lanes *= 2) {
            int other = __shfl_up_sync(kFullMask, upto, static_cast<unsigned>(lanes));
            upto += lane >= lanes ? other : 0;
        }
        if (lane == kWarp - 1) warp_sums[warp] = upto;
        __syncthreads();
        int place = before + upto - sum;
        for (int w = 0; w < kWarp; w++) {
            place += w < warp ? warp_sums[w] : 0;
            before += warp_sums[w];
        }
        if (i < n) store16(values + i, make_int4(place, place + v.x, place + v.x + v.y, place + v.x + v.y + v.z));
        __syncthreads();
    }
}

// to = from (or the tokens) in the order of the digit. places: counts after the scan.
__global__ void __launch_bounds__(kSortThreads)
    sort_move_kernel(TokenRow* to, const int* __restrict__ places, const int32_t* __restrict__ tokens,
                     const TokenRow* __restrict__ from, int64_t N, uint32_t V, int shift) {
    SN9_SHARED(int, warp_counts, kSortWarps* kDigits);
    SortTile tile(warp_counts, tokens, from, N, V, shift);
    // From counts to the place of each warp's first row of each digit.
    int place = places[static_cast<int64_t>(threadIdx.x) * gridDim.x + blockIdx.x];
    for (int warp = 0; warp < kSortWarps; warp++) {
        int* at = warp_counts + warp * kDigits + static_cast<int>(threadIdx.x);
        int count = *at;
        *at = place;
        place += count;
    }
    __syncthreads();
    int lane = static_cast<int>(threadIdx.x) % kWarp;
    int* mine = warp_counts + static_cast<int>(threadIdx.x) / kWarp * kDigits;
#pragma unroll
    for (int k = 0; k < kSortRounds; k++) {
        int rank = __popc(tile.alike[k] & ((1u << lane) - 1));
        if (tile.valid[k]) to[mine[tile.digit[k]] + rank] = tile.item[k];
        __syncwarp();
        if (tile.valid[k] && rank == 0) mine[tile.digit[k]] += __popc(tile.alike[k]);
        __syncwarp();
    }
}

// Two arrays of rows, and the counts.
int64_t sort_workspace_bytes(int64_t N) {
    return round_up(N * 8, 16) * 2 + ceil_div(N, kTile) * kDigits * 4;
}

// *sorted = the N rows in the workspace, tokens outside of [0, V) as V and last.
int32_t sort_rows(const sn9_context* context, const TokenRow** sorted, const int32_t* tokens, int64_t N, int64_t V) {
    int64_t tiles = ceil_div(N, kTile), bytes = round_up(N * 8, 16);
    TokenRow* arrays[2] = {reinterpret_cast<TokenRow*>(context->workspace),
                           reinterpret_cast<TokenRow*>(context->workspace + bytes)};
    int* counts = reinterpret_cast<int*>(context->workspace + 2 * bytes);
    const TokenRow* from = nullptr;
    for (int shift = 0, pass = 0; shift == 0 || V >> shift; shift += kDigitBits, pass++) {
        TokenRow* to = arrays[pass % 2];
        if (int32_t status = SN9_LAUNCH(sort_count_kernel, tiles, kSortThreads, 0, context, counts, tokens, from, N,
                                        static_cast<uint32_t>(V), shift))
            return status;
        if (int32_t status =
                SN9_LAUNCH(sort_scan_kernel, 1, kScanThreads, 0, context, counts, static_cast<int>(tiles * kDigits)))
            return status;
        if (int32_t status = SN9_LAUNCH(sort_move_kernel, tiles, kSortThreads, 0, context, to, counts, tokens, from, N,
                                        static_cast<uint32_t>(V), shift))
            return status;
        from = to;
    }
    *sorted = from;
    return SN9_OK;
}

}  // namespace

}  // namespace sn9
