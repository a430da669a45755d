// Probes of exchanges between the lanes of a warp, of ldmatrix and of cp.async.
#include <array>
#include <bit>
#include <random>

#include "probe.h"

namespace sn9::test {
namespace {

constexpr size_t kLanes = 32, kCases = 64;

std::vector<uint32_t> words(size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<uint32_t> made(n);
    for (uint32_t& v : made) v = random();
    return made;
}

void report(Probes& probes, const char* name, const Differences& differences) {
    probes.line(name, differences.none(), "%s, bit by bit", differences.text().c_str());
}

void shuffle(Probes& probes) {
    if (!probes.wanted("shuffle")) return;
    std::vector<uint32_t> in = words(kCases * kLanes * 2, 1);
    for (size_t i = 1; i < in.size(); i += 2) in[i] %= kLanes;
    auto out = probes.run<uint32_t>("shuffle", "shuffle", in, kCases * kLanes * 8);
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < kCases * kLanes; i++) {
        size_t lane = i % kLanes, warp = i - lane;
        auto of = [&](size_t source) { return in[(warp + source) * 2]; };
        const uint32_t wanted[] = {of(in[i * 2 + 1]),
                                   of(lane ^ 1),
                                   of(lane ^ 2),
                                   of(lane ^ 4),
                                   of(lane ^ 8),
                                   of(lane ^ 16),
                                   of(lane < 1 ? lane : lane - 1),
                                   of(lane < 16 ? lane : lane - 16)};
        for (size_t k = 0; k < 8; k++) differences.expect_bits((*out)[i * 8 + k], wanted[k], i * 8 + k);
    }
    report(probes, "shuffle", differences);
}

void ballot(Probes& probes) {
    if (!probes.wanted("ballot")) return;
    std::vector<uint32_t> in = words(kCases * kLanes, 2);
    for (size_t i = 0; i < in.size(); i++) {
        size_t warp = i / kLanes;
        if (warp == 0)
            in[i] = 0;
        else if (warp == 1)
            in[i] = 0x80000000u;
        else if (warp < 34)
            in[i] = i % kLanes == warp - 2;
        else if (in[i] & 1)
            in[i] = 0;
    }
    auto out = probes.run<uint32_t>("ballot", "ballot", in, in.size() * 4);
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < in.size(); i++) {
        uint32_t votes = 0;
        for (size_t l = 0; l < kLanes; l++) votes |= uint32_t{in[i / kLanes * kLanes + l] != 0} << l;
        const uint32_t wanted[] = {votes, votes != 0, static_cast<uint32_t>(std::popcount(votes)),
                                   votes ? static_cast<uint32_t>(std::countr_zero(votes)) + 1 : 0};
        for (size_t k = 0; k < 4; k++) differences.expect_bits((*out)[i * 4 + k], wanted[k], i * 4 + k);
    }
    report(probes, "ballot", differences);
}

// By halves within warps, then warp after warp: the order of common.cuh, whose bits every run repeats.
void sums(Probes& probes, const char* name, size_t threads) {
    if (!probes.wanted(name)) return;
    Noise noise;
    std::vector<float> in;
    for (size_t i = 0; i < kCases * threads; i++)
        in.push_back(static_cast<float>(std::exp2(24 * noise.next()) * noise.next()));
    for (size_t i = 0; i < threads; i++) in[i] = -0.0f;
    in[threads + 3] = INFINITY;
    in[2 * threads + 5] = NAN;
    auto out = probes.run<float>(name, name, in, in.size());
    if (!out) return;
    Differences differences;
    for (size_t block = 0; block < kCases; block++) {
        float sum = 0;
        for (size_t warp = 0; warp < threads / kLanes; warp++) {
            float lane[kLanes];
            for (size_t l = 0; l < kLanes; l++) lane[l] = in[block * threads + warp * kLanes + l];
            for (size_t half = kLanes / 2; half > 0; half /= 2)
                for (size_t l = 0; l < half; l++) lane[l] += lane[l + half];
            sum = warp ? sum + lane[0] : lane[0];
        }
        for (size_t t = 0; t < threads; t++)
            differences.expect_float((*out)[block * threads + t], sum, block * threads + t);
    }
    report(probes, name, differences);
}

void ldmatrix(Probes& probes, const char* name, size_t matrices, bool transpose) {
    if (!probes.wanted(name)) return;
    constexpr size_t kWords = 32 * 4 + kLanes;
    std::vector<uint32_t> in = words(kCases * kWords, 3);
    for (size_t c = 0; c < kCases; c++)
        for (size_t l = 0; l < kLanes; l++) {
            uint32_t& row = in[c * kWords + 128 + l];
            row = c == 0 ? static_cast<uint32_t>(l) : c == 1 ? 31 : row % 32;  // in order, one row for all, any
        }
    auto out = probes.run<uint32_t>(name, name, in, kCases * kLanes * 4);
    if (!out) return;
    Differences differences;
    for (size_t c = 0; c < kCases; c++) {
        const uint32_t* own = &in[c * kWords];
        auto element = [&](size_t matrix, size_t row, size_t column) {
            return own[own[128 + matrix * 8 + row] * 4 + column / 2] >> column % 2 * 16 & 0xFFFF;
        };
        for (size_t l = 0; l < kLanes; l++)
            for (size_t m = 0; m < 4; m++) {
                size_t g = l / 4, q = l % 4 * 2;
                uint32_t wanted = 0;
                if (m < matrices)
                    wanted = transpose ? element(m, q, g) | element(m, q + 1, g) << 16
                                       : element(m, g, q) | element(m, g, q + 1) << 16;
                size_t place = (c * kLanes + l) * 4 + m;
                differences.expect_bits((*out)[place], wanted, place);
            }
    }
    report(probes, name, differences);
}

// kinds: of cuda/probe.cu: zeros, a copy, zeros for an address far outside, a plain copy.
void zfill(Probes& probes, const char* name, std::initializer_list<uint32_t> kinds) {
    if (!probes.wanted(name)) return;
    constexpr size_t kWords = kLanes * 5;
    std::vector<uint32_t> in = words(kCases * kWords, 4);
    for (size_t c = 0; c < kCases; c++)
        for (size_t l = 0; l < kLanes; l++) {
            uint32_t& kind = in[c * kWords + kLanes * 4 + l];
            kind = kinds.begin()[kind % kinds.size()];
        }
    auto out = probes.run<uint32_t>(name, "cp_async_zfill", in, kCases * kLanes * 4);
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < out->size(); i++) {
        size_t c = i / (kLanes * 4), within = i % (kLanes * 4);
        bool copied = in[c * kWords + kLanes * 4 + within / 4] & 1;
        differences.expect_bits((*out)[i], copied ? in[c * kWords + within] : 0, i);
    }
    report(probes, name, differences);
}

void groups(Probes& probes) {
    if (!probes.wanted("cp_async_groups")) return;
    std::vector<uint32_t> in = words(kCases * 3 * kLanes * 4, 5);
    auto out = probes.run<uint32_t>("cp_async_groups", "cp_async_groups", in, in.size());
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < in.size(); i++) differences.expect_bits((*out)[i], in[i], i);
    report(probes, "cp_async_groups", differences);
}

}  // namespace

void probe_warps(Probes& probes) {
    shuffle(probes);
    ballot(probes);
    sums(probes, "warp_sum", kLanes);
    sums(probes, "block_sum", 8 * kLanes);
    ldmatrix(probes, "ldmatrix_x4", 4, false);
    ldmatrix(probes, "ldmatrix_x4_trans", 4, true);
    ldmatrix(probes, "ldmatrix_x2", 2, false);
    ldmatrix(probes, "ldmatrix_x2_trans", 2, true);
}

void probe_copies(Probes& probes) {
    zfill(probes, "cp_async_16", {3});
    zfill(probes, "cp_async_zfill", {0, 1, 3});
    groups(probes);
    zfill(probes, "cp_async_zfill_outside", {2, 1});
}

}  // namespace sn9::test
