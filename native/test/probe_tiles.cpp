// How a matrix instruction sums: found by sums that come out differently under each hypothesis, and checked on tiles.
#include "probe_tiles.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sn9::test {
namespace {

const char* const kRoundings[] = {"rn", "rz", "ru", "rd", "away", "unknown"};

// 2 + 1.5 and 2 + 0.5 units in the last place, made of addends that no alignment cuts off.
Rounding classify(const std::vector<float>& got) {
    const float low[] = {0x1.000002p1f, -0x1.000002p1f, 2, -2};
    const float high[] = {0x1.000004p1f, -0x1.000004p1f, 0x1.000002p1f, -0x1.000002p1f};
    unsigned raised = 0;
    for (size_t i = 0; i < 4; i++) {
        if (got[i] != low[i] && got[i] != high[i]) return Rounding::unknown;
        raised |= unsigned{got[i] == high[i]} << i;
    }
    switch (raised) {
        case 0b0011:
            return Rounding::nearest;
        case 0b0000:
            return Rounding::zero;
        case 0b0101:
            return Rounding::up;
        case 0b1010:
            return Rounding::down;
        case 0b1111:
            return Rounding::away;
        default:
            return Rounding::unknown;
    }
}

int leading_kept(const float* results) {
    int kept = 0;
    while (kept < kExact && results[kept] != 0) kept++;
    return kept == kExact ? kExact : kept - 1;
}

// sum of units, times 2^place, to 24 bits.
float round_units(int64_t sum, int place, Rounding rounding) {
    bool negative = sum < 0;
    uint64_t magnitude = static_cast<uint64_t>(negative ? -sum : sum), lost = 0;
    int shift = 0;
    while (magnitude >> shift >> 24) shift++;
    shift = std::max(shift, -149 - place);
    if (shift > 0 && shift < 64) {
        lost = magnitude & ((uint64_t{1} << shift) - 1);
        magnitude >>= shift;
        uint64_t half = uint64_t{1} << (shift - 1);
        bool up = rounding == Rounding::nearest ? lost > half || (lost == half && (magnitude & 1))
                  : rounding == Rounding::up    ? lost && !negative
                  : rounding == Rounding::down  ? lost && negative
                                                : rounding == Rounding::away && lost;
        magnitude += up;
        place += shift;
    }
    double v = std::ldexp(static_cast<double>(magnitude), place);
    return static_cast<float>(negative ? -v : v);
}

}  // namespace

std::string Finding::text() const {
    char text[200];
    snprintf(text, sizeof text,
             "sums %s, extra_bits %d (with c %d), products_per_step %d (first %04x), subnormal operands %s, sums %s",
             kRoundings[static_cast<int>(rounding)], extra_bits, extra_bits_with_c, products_per_step, first_step,
             keeps_subnormal_operands ? "kept" : "flushed", keeps_subnormal_sums ? "kept" : "flushed");
    return text;
}

Finding find_rounding(const RunSums& run) {
    Sums sums;
    auto add = [&](float c, std::initializer_list<std::pair<int, float>> products) {
        Sum sum{c, {}};
        for (auto [k, v] : products) sum.p[k] = v;
        sums.push_back(sum);
    };
    add(0x1.000006p0f, {{0, 1}});
    add(-0x1.000006p0f, {{0, -1}});
    add(0x1.000002p0f, {{0, 1}});
    add(-0x1.000002p0f, {{0, -1}});
    size_t extra = sums.size();
    for (int e = 0; e < kExact; e++) add(0, {{0, 1}, {1, std::ldexp(1.0f, -23 - e)}, {2, -1}});
    for (int e = 0; e < kExact; e++) add(1, {{0, std::ldexp(1.0f, -23 - e)}, {1, -1}});
    size_t steps = sums.size();
    // -1 of c and the 1 of product i meet in i's step; what is added to -1 before or in that step is lost.
    for (int i = 0; i < kStep; i++)
        for (int j = 0; j < kStep; j++) {
            add(-1, {{i, 1}});
            if (j != i) sums.back().p[j] = 0x1p-100f;
        }
    size_t small = sums.size();
    add(0, {{0, 0x1p-130f}});
    add(0, {{0, 0x1p-127f}, {1, 0x1p-127f}});  // both operands subnormal, their sum is not
    add(0x1p-140f, {});
    std::vector<float> got = run(sums);
    Finding finding;
    if (got.empty()) return finding;

    finding.rounding = classify(got);
    finding.extra_bits = leading_kept(&got[extra]);
    finding.extra_bits_with_c = leading_kept(&got[extra + kExact]);
    auto lost = [&](int i, int j) { return got[steps + static_cast<size_t>(i * kStep + j)] == 0; };
    for (int j = 0; j < kStep; j++) finding.first_step |= uint32_t{j == 0 || lost(0, j)} << j;
    int step = std::popcount(finding.first_step);
    bool regular = kStep % step == 0;
    for (int i = 0; i < kStep; i++)
        for (int j = 0; j < kStep; j++)
            if (i != j && lost(i, j) != (j < (i / step + 1) * step)) regular = false;
    finding.products_per_step = regular ? step : 0;
    finding.keeps_subnormal_operands = got[small + 1] == 0x1p-126f;
    finding.keeps_subnormal_sums = got[small + 2] == 0x1p-140f;
    return finding;
}

float predict(const Finding& finding, float c, const float* a, const float* b) {
    for (int k = 0; k < kStep; k += finding.products_per_step) {
        double addends[kStep + 1];
        int count = 0, largest = -126;
        addends[count++] = c;
        for (int s = 0; s < finding.products_per_step; s++)
            addends[count++] = static_cast<double>(a[k + s]) * static_cast<double>(b[k + s]);
        if (finding.products_per_step == 1) {  // one product and the accumulator, as a fused multiply-add
            c = std::fmaf(a[k], b[k], c);
            continue;
        }
        for (int i = 0; i < count; i++)
            if (addends[i] != 0) largest = std::max(largest, std::ilogb(addends[i]));
        int place = largest - 23 - finding.extra_bits;
        int64_t sum = 0;
        for (int i = 0; i < count; i++) sum += static_cast<int64_t>(std::ldexp(addends[i], -place));
        c = round_units(sum, place, finding.rounding);
    }
    return c;
}

Tile::Tile(int rows_, int columns_, int k_) : rows(rows_), columns(columns_), k(k_) {
    a.resize(static_cast<size_t>(rows * k));
    b.resize(static_cast<size_t>(columns * k));
    c.resize(static_cast<size_t>(rows * columns));
}
double Tile::exact(int i, int j) const {
    double sum = c[static_cast<size_t>(i * columns + j)];
    for (int s = 0; s < k; s++)
        sum += static_cast<double>(a[static_cast<size_t>(i * k + s)]) * b[static_cast<size_t>(j * k + s)];
    return sum;
}
double Tile::magnitude(int i, int j) const {
    double sum = std::fabs(c[static_cast<size_t>(i * columns + j)]);
    for (int s = 0; s < k; s++)
        sum += std::fabs(static_cast<double>(a[static_cast<size_t>(i * k + s)]) * b[static_cast<size_t>(j * k + s)]);
    return sum;
}

void check_tiles(Probes& probes, const char* name, const Tile& shape, const RunTiles& run, const Finding& finding) {
    constexpr int kWhole = 4, kKinds = 4, kRandom = 8;
    Noise noise;
    std::vector<Tile> tiles(kWhole + kKinds + kRandom, shape);
    for (size_t t = 0; t < tiles.size(); t++) {
        bool whole = t < kWhole + kKinds;
        auto fill = [&](std::vector<float>& values, double scale) {
            for (float& v : values)
                v = whole ? static_cast<float>(std::floor(noise.next() * scale))
                          : from_bf16(to_bf16(static_cast<float>(noise.next() * std::exp2(6 * noise.next()))));
        };
        fill(tiles[t].a, 8);
        fill(tiles[t].b, 8);
        fill(tiles[t].c, 1000);
        if (t < kWhole || !whole) continue;
        // Each of a third of the rows gets something that is no number.
        const float kinds[] = {INFINITY, -INFINITY, NAN};
        for (int i = 0; i < shape.rows; i += 3)
            tiles[t].a[static_cast<size_t>(i * shape.k + (i * 5 + static_cast<int>(t)) % shape.k)] = kinds[i / 3 % 3];
        tiles[t].c[static_cast<size_t>(shape.columns + 1)] = -INFINITY;
    }
    std::vector<std::vector<float>> got = run(tiles);
    if (got.empty()) return;

    // Two units in the last place of the largest partial sum for each step of the sum: 2^-19 of the magnitudes a k16.
    double allowed = 0x1p-19 * shape.k / kStep;
    Differences differences;
    int64_t predicted = 0, random = 0;
    double worst = 0;
    for (size_t t = 0; t < tiles.size(); t++)
        for (int i = 0; i < shape.rows; i++)
            for (int j = 0; j < shape.columns; j++) {
                size_t place = static_cast<size_t>(i * shape.columns + j);
                double exact = tiles[t].exact(i, j);
                float value = got[t][place], rounded = static_cast<float>(exact);
                if (t < kWhole + kKinds) {
                    bool same = std::isnan(exact) ? std::isnan(value) : value == rounded;
                    differences.expect(same, bits_of(value), bits_of(rounded), t * got[t].size() + place);
                    continue;
                }
                double off = std::fabs(value - exact) / tiles[t].magnitude(i, j);
                differences.expect(off <= allowed, bits_of(value), bits_of(rounded), t * got[t].size() + place);
                if (!(off <= worst) && !std::isnan(worst)) worst = off;
                random++;
                if (finding.products_per_step == 0 || finding.extra_bits < 0 || finding.extra_bits > 20) continue;
                float model = tiles[t].c[place];
                for (int k = 0; k < shape.k; k += kStep)
                    model = predict(finding, model, &tiles[t].a[static_cast<size_t>(i * shape.k + k)],
                                    &tiles[t].b[static_cast<size_t>(j * shape.k + k)]);
                predicted += bits_of(model) == bits_of(value);
            }
    bool known = !probes.library().host() || predicted == random;
    probes.line(name, differences.none() && known,
                "%s; random sums off by %.3g of their magnitudes, allowed %.3g; %lld of %lld have the predicted bits",
                differences.text().c_str(), worst, allowed, static_cast<long long>(predicted),
                static_cast<long long>(random));
}

Finding expected_of_host() {
    const char *profile = getenv("SN9_HOST_PROFILE"), *rounding = getenv("SN9_HOST_ROUNDING");
    std::string name = profile ? profile : "sm_80";
    bool old = name == "sm_80" || name == "sm_86" || name == "sm_89";
    Finding expected;
    expected.rounding = rounding && !strcmp(rounding, "rz") ? Rounding::zero : Rounding::nearest;
    bool truncates = expected.rounding == Rounding::zero;
    expected.extra_bits = expected.extra_bits_with_c = !truncates ? 0 : old ? 1 : 2;
    expected.products_per_step = !truncates ? 1 : old ? 8 : 16;
    expected.first_step = (1u << expected.products_per_step) - 1;
    expected.keeps_subnormal_operands = expected.keeps_subnormal_sums = true;
    return expected;
}

}  // namespace sn9::test
