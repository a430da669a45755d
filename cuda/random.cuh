// random: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): four 32-bit words that
// are a pure function of a 128-bit counter and a 64-bit key. The same words as native/cpu/random.h draws, so that every
// engine drops the same elements.
#pragma once

#include <cstdint>

#include "launch.cuh"

namespace sn9 {

struct PhiloxWords {
    uint32_t word[4];
};

__device__ __forceinline__ PhiloxWords philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t key) {
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        uint64_t a = static_cast<uint64_t>(0xD2511F53u) * c0, b = static_cast<uint64_t>(0xCD9E8D57u) * c2;
        uint32_t n0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0, n2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
        c1 = static_cast<uint32_t>(b);
        c3 = static_cast<uint32_t>(a);
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}

// A dropout mask: element e is kept when its word is at or above probability * 2^32, and scaled by 1 / (1 - p).
struct DropoutMask {
    uint64_t seed;
    uint32_t micro_step, place, threshold;
    float scale;

    // Scaling a float by 2^32 is exact: no double is needed for the threshold that the CPU computes in one.
    __device__ __forceinline__ DropoutMask(uint64_t key, uint32_t step, int32_t layer, int32_t site, float probability)
        : seed(key),
          micro_step(step),
          place(static_cast<uint32_t>(layer) << 8 | static_cast<uint32_t>(site)),
          threshold(static_cast<uint32_t>(probability * 4294967296.0f)),
          scale(1.0f / (1.0f - probability)) {}

    // Factors of the four elements 4 * quad .. 4 * quad + 3.
    __device__ __forceinline__ void factors(uint64_t quad, float* out) const {
        PhiloxWords words =
            philox(static_cast<uint32_t>(quad), micro_step, place, static_cast<uint32_t>(quad >> 32), seed);
#pragma unroll
        for (int i = 0; i < 4; i++) out[i] = words.word[i] >= threshold ? scale : 0.0f;
    }
};

}  // namespace sn9
