// Probes of mma.sync: its fragments, and how it sums.
#include <cmath>

#include "probe_tiles.h"

namespace sn9::test {
namespace {

constexpr int kRows = 16, kColumns = 8;
constexpr size_t kLanes = 32, kWords = kLanes * 10;

uint32_t pair(float low, float high) {
    return to_bf16(low) | uint32_t{to_bf16(high)} << 16;
}

// The registers of every lane: PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type".
void pack(const Tile& tile, uint32_t* words) {
    for (int lane = 0; lane < 32; lane++, words += 10) {
        int group = lane / 4, within = lane % 4 * 2;
        auto a = [&](int row, int k) { return tile.a[static_cast<size_t>(row * kStep + k)]; };
        auto b = [&](int k) { return tile.b[static_cast<size_t>(group * kStep + k)]; };
        for (int i = 0; i < 4; i++) {
            int row = group + i / 2 * 8, column = within + i % 2;
            words[i] = bits_of(tile.c[static_cast<size_t>(row * kColumns + column)]);
            row = group + i % 2 * 8, column = within + i / 2 * 8;
            words[4 + i] = pair(a(row, column), a(row, column + 1));
        }
        for (int i = 0; i < 2; i++) words[8 + i] = pair(b(within + i * 8), b(within + i * 8 + 1));
    }
}

std::vector<std::vector<float>> run(Probes& probes, const char* name, const std::vector<Tile>& tiles) {
    std::vector<uint32_t> in(tiles.size() * kWords);
    for (size_t t = 0; t < tiles.size(); t++) pack(tiles[t], &in[t * kWords]);
    auto out = probes.run<float>(name, "mma_bf16_m16n8k16", in, tiles.size() * kLanes * 4);
    std::vector<std::vector<float>> results;
    if (!out) return results;
    for (size_t t = 0; t < tiles.size(); t++) {
        std::vector<float> d(kRows * kColumns);
        for (size_t lane = 0; lane < kLanes; lane++)
            for (size_t i = 0; i < 4; i++)
                d[(lane / 4 + i / 2 * 8) * kColumns + lane % 4 * 2 + i % 2] = (*out)[(t * kLanes + lane) * 4 + i];
        results.push_back(d);
    }
    return results;
}

Finding find(Probes& probes, const char* name) {
    return find_rounding([&](const Sums& sums) {
        std::vector<Tile> tiles((sums.size() + kRows - 1) / kRows, Tile(kRows, kColumns, kStep));
        for (size_t i = 0; i < sums.size(); i++) {
            Tile& tile = tiles[i / kRows];
            size_t row = i % kRows;
            std::copy(sums[i].p, sums[i].p + kStep, tile.a.begin() + static_cast<int64_t>(row) * kStep);
            std::fill(tile.b.begin(), tile.b.end(), 1.0f);
            std::fill_n(tile.c.begin() + static_cast<int64_t>(row) * kColumns, kColumns, sums[i].c);
        }
        std::vector<float> got;
        for (const auto& d : run(probes, name, tiles))
            for (size_t row = 0; row < kRows; row++) got.push_back(d[row * kColumns]);
        return got;
    });
}

}  // namespace

void probe_mma(Probes& probes) {
    if (!probes.wanted("mma_bf16_m16n8k16")) return;
    Finding finding = find(probes, "mma_bf16_m16n8k16");
    if (finding.extra_bits_with_c == -1 && finding.first_step == 0) return;
    check_tiles(
        probes, "mma_bf16_m16n8k16", Tile(kRows, kColumns, kStep),
        [&](const std::vector<Tile>& tiles) { return run(probes, "mma_bf16_m16n8k16", tiles); }, finding);
}

void probe_rounding(Probes& probes) {
    if (!probes.wanted("mma_rounding")) return;
    Finding finding = find(probes, "mma_rounding");
    if (finding.first_step == 0) return;
    // On a device any way of summing is a finding, as long as it is one of those that the bounds allow for.
    bool known = finding.rounding != Rounding::unknown && finding.extra_bits >= 0;
    std::string text = finding.text();
    if (probes.library().host() && text != expected_of_host().text()) {
        known = false;
        text += "; the host build plays " + expected_of_host().text();
    }
    probes.line("mma_rounding", known, "%s", text.c_str());
}

}  // namespace sn9::test
