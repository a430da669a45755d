// Probes of sm_90a: a tile by wgmma in three layouts of shared memory, and boxes by tensor maps in four.
#include <cmath>

#include "probe_tiles.h"

namespace sn9::test {
namespace {

constexpr int kEdge = 64;

void wgmma(Probes& probes, const char* name, int depth) {
    if (!probes.wanted(name)) return;
    size_t operand = static_cast<size_t>(kEdge * depth / 2);  // words
    auto run = [&](const std::vector<Tile>& tiles) {
        std::vector<uint32_t> in;
        for (const Tile& tile : tiles) {
            for (const std::vector<float>* side : {&tile.a, &tile.b})
                for (size_t i = 0; i < side->size(); i += 2)
                    in.push_back(to_bf16((*side)[i]) | uint32_t{to_bf16((*side)[i + 1])} << 16);
            for (float v : tile.c) in.push_back(bits_of(v));
        }
        std::vector<std::vector<float>> results;
        if (in.size() != tiles.size() * (2 * operand + kEdge * kEdge)) return results;
        auto out = probes.run<float>(name, name, in, tiles.size() * kEdge * kEdge);
        if (!out) return results;
        for (size_t t = 0; t < tiles.size(); t++)
            results.emplace_back(out->begin() + static_cast<int64_t>(t) * kEdge * kEdge,
                                 out->begin() + static_cast<int64_t>(t + 1) * kEdge * kEdge);
        return results;
    };
    // How it sums, from rows of one value each of c; what lies past the first 16 of k is zero.
    bool answered = true;
    Finding finding = find_rounding([&](const Sums& sums) {
        std::vector<Tile> tiles((sums.size() + kEdge - 1) / kEdge, Tile(kEdge, kEdge, depth));
        for (size_t i = 0; i < sums.size(); i++) {
            Tile& tile = tiles[i / kEdge];
            int64_t row = static_cast<int64_t>(i % kEdge);
            std::copy(sums[i].p, sums[i].p + kStep, tile.a.begin() + row * depth);
            std::fill(tile.b.begin(), tile.b.end(), 1.0f);
            std::fill_n(tile.c.begin() + row * kEdge, kEdge, sums[i].c);
        }
        std::vector<float> got;
        for (const auto& d : run(tiles))
            for (size_t row = 0; row < kEdge; row++) got.push_back(d[row * kEdge]);
        answered = !got.empty();
        return got;
    });
    if (!answered) return;
    check_tiles(probes, name, Tile(kEdge, kEdge, depth), run, finding);
    if (depth == kStep) {
        std::string found = std::string(name) + "_rounding";
        bool same = !probes.library().host() || finding.text() == expected_of_host().text();
        probes.line(found, same && finding.rounding != Rounding::unknown, "%s", finding.text().c_str());
    }
}

constexpr int kTensorRows = 40, kTensorColumns = 72, kBoxRows = 32;
constexpr size_t kTensor = kTensorRows * kTensorColumns, kHead = 64, kCase = kHead + kTensor;  // bf16

// row_bytes: of the swizzle's pattern, 0 without one.
void copy_box(Probes& probes, const char* name, int row_bytes) {
    if (!probes.wanted(name)) return;
    int columns = row_bytes ? row_bytes / 2 : 64;
    const int corners[][2] = {{0, 0},  {8, 5},   {-3, -7}, {60, 30},  {72, 0},
                              {0, 40}, {-64, 2}, {1, 1},   {-100, 8}, {16, -40}};
    std::vector<uint16_t> in;
    for (auto& corner : corners) {
        uint16_t head[kHead] = {};
        memcpy(head, corner, sizeof corner);
        in.insert(in.end(), head, head + kHead);
        for (size_t i = 0; i < kTensor; i++) in.push_back(static_cast<uint16_t>(i * 31 + 1));
    }
    size_t box = static_cast<size_t>(kBoxRows * columns), cases = std::size(corners);
    auto out = probes.run<uint16_t>(name, name, in, cases * 2 * box);
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < cases * 2; i++) {
        int round = static_cast<int>(i % 2), x = corners[i / 2][0] + round * 8, y = corners[i / 2][1] - round * 3;
        for (int row = 0; row < kBoxRows; row++)
            for (int column = 0; column < columns; column++) {
                bool inside = y + row >= 0 && y + row < kTensorRows && x + column >= 0 && x + column < kTensorColumns;
                size_t from =
                    i / 2 * kCase + kHead + static_cast<size_t>(inside ? (y + row) * kTensorColumns + x + column : 0);
                // Rows lie one behind the other; every 128 bytes the pattern goes one chunk further.
                int chunk = column / 8;
                if (row_bytes) chunk ^= row * row_bytes / 128 % (row_bytes / 16);
                size_t place = i * box + static_cast<size_t>(row * columns + chunk * 8 + column % 8);
                differences.expect_bits((*out)[place], inside ? in[from] : 0, place);
            }
    }
    probes.line(name, differences.none(), "%s, bit by bit", differences.text().c_str());
}

}  // namespace

void probe_sm90(Probes& probes) {
    wgmma(probes, "wgmma_plain", 16);
    wgmma(probes, "wgmma_32b", 16);
    wgmma(probes, "wgmma_128b", 64);
    copy_box(probes, "copy_box_plain", 0);
    copy_box(probes, "copy_box_32b", 32);
    copy_box(probes, "copy_box_64b", 64);
    copy_box(probes, "copy_box_128b", 128);
}

}  // namespace sn9::test
