// random: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): four 32-bit words that
// are a pure function of a 128-bit counter and a 64-bit key, so that every engine draws the same dropout mask.
#pragma once

#include <cstdint>

namespace {

struct PhiloxWords {
    uint32_t word[4];
};

inline PhiloxWords philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t key) {
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
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

    DropoutMask(uint64_t key, uint32_t step, int32_t layer, int32_t site, float probability)
        : seed(key),
          micro_step(step),
          place(static_cast<uint32_t>(layer) << 8 | static_cast<uint32_t>(site)),
          threshold(static_cast<uint32_t>(static_cast<double>(probability) * 4294967296.0)),
          scale(1.0f / (1.0f - probability)) {}

    // Factors of the four elements 4 * quad .. 4 * quad + 3.
    void factors(uint64_t quad, float out[4]) const {
        PhiloxWords words =
            philox(static_cast<uint32_t>(quad), micro_step, place, static_cast<uint32_t>(quad >> 32), seed);
        for (int i = 0; i < 4; i++) out[i] = words.word[i] >= threshold ? scale : 0.0f;
    }

    // Multiplies `count` values, the elements from `first` on, by their factors.
    void apply(float* values, uint64_t first, int64_t count) const {
        float four[4];
        for (int64_t i = 0; i < count; i++) {
            uint64_t element = first + static_cast<uint64_t>(i);
            if (i == 0 || element % 4 == 0) factors(element / 4, four);
            values[i] *= four[element % 4];
        }
    }
};

}  // namespace
