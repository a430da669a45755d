// Dropout of tiles of probabilities in the registers of mma.
#pragma once

#include "attention_mma.cuh"

namespace sn9 {

namespace mma {

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

}  // namespace mma

}  // namespace sn9
