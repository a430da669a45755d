// Probes of exact functions of one element, bit by bit, and the ulps of those that are not exact.
#include <algorithm>
#include <cmath>
#include <functional>

#include "probe.h"

namespace sn9::test {
namespace {

// The nearest value of a format with an 8- or 5-bit exponent and so many bits of fraction, ties to even: by searching
// the quotient in double precision, not by the bit tricks of the library.
uint16_t nearest(double v, int exponent_bits, int fraction_bits) {
    int bias = (1 << (exponent_bits - 1)) - 1;
    uint16_t sign = std::signbit(v) ? 0x8000 : 0;
    if (std::isnan(v)) return 0x7FFF;
    v = std::fabs(v);
    auto infinity = static_cast<uint16_t>(((1 << exponent_bits) - 1) << fraction_bits);
    if (std::isinf(v)) return static_cast<uint16_t>(sign | infinity);
    if (v == 0) return sign;
    int exponent = std::max(std::ilogb(v), 1 - bias);
    double units = std::nearbyint(std::ldexp(v, fraction_bits - exponent));  // of the last place, ties to even
    auto bits = static_cast<int64_t>(units) + (static_cast<int64_t>(exponent + bias - 1) << fraction_bits);
    return static_cast<uint16_t>(sign | (bits >= infinity ? infinity : bits));
}

double value(uint16_t bits, int exponent_bits, int fraction_bits) {
    int bias = (1 << (exponent_bits - 1)) - 1, all = (1 << exponent_bits) - 1;
    int exponent = bits >> fraction_bits & all, fraction = bits & ((1 << fraction_bits) - 1);
    double v;
    if (exponent == all)
        v = fraction ? NAN : INFINITY;
    else
        v = std::ldexp(fraction + (exponent ? 1 << fraction_bits : 0), std::max(exponent, 1) - bias - fraction_bits);
    return bits & 0x8000 ? -v : v;
}

std::vector<float> many_floats() {
    std::vector<float> made = corners();
    Noise noise;
    for (int i = 0; i < 20000; i++) made.push_back(static_cast<float>(std::exp2(60 * noise.next()) * noise.next()));
    return made;
}
std::vector<uint16_t> every_half() {
    std::vector<uint16_t> made;
    for (int i = 0; i < 65536; i++) made.push_back(static_cast<uint16_t>(i));
    return made;
}

void report(Probes& probes, const char* name, const Differences& differences) {
    probes.line(name, differences.none(), "%s, bit by bit", differences.text().c_str());
}

void narrow(Probes& probes, const char* name, int exponent_bits, int fraction_bits) {
    if (!probes.wanted(name)) return;
    std::vector<float> in = many_floats();
    auto out = probes.run<uint16_t>(name, name, in, in.size());
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < in.size(); i++)
        differences.expect_bits((*out)[i], nearest(in[i], exponent_bits, fraction_bits), i);
    report(probes, name, differences);
}

void widen(Probes& probes, const char* name, int exponent_bits, int fraction_bits) {
    if (!probes.wanted(name)) return;
    std::vector<uint16_t> in = every_half();
    auto out = probes.run<float>(name, name, in, in.size());
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < in.size(); i++)
        differences.expect_float((*out)[i], static_cast<float>(value(in[i], exponent_bits, fraction_bits)), i);
    report(probes, name, differences);
}

// Functions of several floats that round once.
void exact(Probes& probes, const char* name, size_t width, const std::function<float(const float*)>& wanted) {
    if (!probes.wanted(name)) return;
    std::vector<float> in, some = corners();
    size_t third = 0;
    for (float x : some)
        for (float y : some) {
            const float all[] = {x, y, some[third++ * 29 % some.size()], 0};
            in.insert(in.end(), all, all + width);
        }
    Noise noise;
    for (size_t i = 0; i < 20000 * width; i++)
        in.push_back(static_cast<float>(std::exp2(20 * noise.next()) * noise.next()));
    auto out = probes.run<float>(name, name, in, in.size() / width);
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < out->size(); i++) differences.expect_float((*out)[i], wanted(&in[i * width]), i);
    report(probes, name, differences);
}

void pack(Probes& probes) {
    if (!probes.wanted("pack_bf16")) return;
    std::vector<float> in = many_floats();
    auto out = probes.run<uint32_t>("pack_bf16", "pack_bf16", in, in.size() / 2);
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < out->size(); i++)
        differences.expect_bits((*out)[i], nearest(in[2 * i], 8, 7) | uint32_t{nearest(in[2 * i + 1], 8, 7)} << 16, i);
    report(probes, "pack_bf16", differences);
}

// A number as two bf16: nearest(x), and nearest of what is left.
void split(Probes& probes) {
    if (!probes.wanted("split_pair")) return;
    std::vector<float> in = many_floats();
    auto out = probes.run<uint32_t>("split_pair", "split_pair", in, in.size());
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < in.size(); i++) {
        uint16_t high = nearest(in[i], 8, 7), low = nearest(in[i] - value(high, 8, 7), 8, 7);
        differences.expect_bits((*out)[i / 2 * 2] >> i % 2 * 16 & 0xFFFF, high, i);
        differences.expect_bits((*out)[i / 2 * 2 + 1] >> i % 2 * 16 & 0xFFFF, low, i);
    }
    report(probes, "split_pair", differences);
}

void eight(Probes& probes) {
    if (!probes.wanted("bf16x8")) return;
    std::vector<uint16_t> in = every_half();
    auto out = probes.run<uint16_t>("bf16x8", "bf16x8", in, in.size());
    if (!out) return;
    Differences differences;
    for (size_t i = 0; i < in.size(); i++) {
        bool nan = std::isnan(value(in[i], 8, 7));
        differences.expect_bits((*out)[i], nan ? 0x7FFF : in[i], i);
    }
    report(probes, "bf16x8", differences);
}

// ---- functions with an error
// ------------------------------------------------------------------------------------------

struct Function {
    const char* name;
    double (*exact)(double);
    double low, high;  // of the grid
    double most_ulps;  // that docs/numerics.md counts on
    bool flushes;      // denormal results become 0
    double least;      // smaller results are counted in its units in the last place: around a zero, ulps mean nothing
    bool corners;      // defined for infinities and the like
};

double exp2_of(double v) {
    return std::exp2(v);
}
double gelu_of(double v) {
    return v / (1 + std::exp(-2 * 0.7978845608028654 * (v + 0.044715 * v * v * v)));
}
double gelu_derivative_of(double v) {
    double s = 1 / (1 + std::exp(-2 * 0.7978845608028654 * (v + 0.044715 * v * v * v)));
    return s + v * s * (1 - s) * 2 * 0.7978845608028654 * (1 + 3 * 0.044715 * v * v);
}

// Bounds: the CUDA programming guide's tables of mathematical functions (expf 2, logf 1, sqrtf 0, rsqrtf 2) and PTX ISA
// (ex2.approx 2) state distances from the correctly rounded result, which is 0.5 from the exact one. Of gelu: the
// exponential's argument, up to 17 in size, is off by 3 roundings. Of its derivative: 1 - s is off by 2^-24 and
// multiplied by up to 35, in units of 2^-23.
const Function kFunctions[] = {
    {"exp2_approx", exp2_of, -140, 128, 2.51, true, 0, true},
    {"expf", [](double v) { return std::exp(v); }, -104, 89, 2.51, false, 0, true},
    {"logf", [](double v) { return std::log(v); }, 0x1p-140, 0x1p120, 1.51, false, 0, true},
    {"sqrtf", [](double v) { return std::sqrt(v); }, 0x1p-140, 0x1p120, 0.5, false, 0, true},
    {"rsqrtf", [](double v) { return 1 / std::sqrt(v); }, 0x1p-140, 0x1p120, 2.51, false, 0, true},
    {"gelu", gelu_of, -5, 20, 64, false, 0, false},
    {"gelu_derivative", gelu_derivative_of, -5, 20, 24, false, 1, false},
};

std::vector<float> grid(const Function& function) {
    std::vector<float> made;
    constexpr int kPoints = 100000;
    bool powers = function.low > 0;  // then a grid of exponents
    double low = powers ? std::log2(function.low) : function.low,
           high = powers ? std::log2(function.high) : function.high;
    for (int i = 0; i <= kPoints; i++) {
        double v = low + (high - low) * i / kPoints;
        made.push_back(static_cast<float>(powers ? std::exp2(v) : v));
    }
    // Small arguments of both signs, where functions are all but constant, and around 1, where logf is 0.
    for (int i = 1; i <= 2000; i++)
        for (double v :
             {std::exp2(-i / 20.0), -std::exp2(-i / 20.0), 1 + std::exp2(-i / 80.0), 1 - std::exp2(-i / 80.0)})
            if (v >= function.low && v <= function.high) made.push_back(static_cast<float>(v));
    return made;
}

void ulps(Probes& probes, const Function& function) {
    if (!probes.wanted(function.name)) return;
    std::vector<float> in = grid(function), edges = corners();
    size_t points = in.size();
    if (function.corners) in.insert(in.end(), edges.begin(), edges.end());
    auto out = probes.run<float>(function.name, function.name, in, in.size());
    if (!out) return;
    double most = 0, sum = 0;
    size_t worst = 0;
    Differences differences;
    for (size_t i = 0; i < in.size(); i++) {
        double exact = function.exact(in[i]);
        float rounded = static_cast<float>(exact), got = (*out)[i];
        if (function.flushes && std::fabs(exact) < 0x1p-126) {
            // Just below the smallest normal number a result may be that number, or have gone to 0.
            differences.expect(got == 0 || (exact > 0.9999 * 0x1p-126 && got == 0x1p-126f), bits_of(got), 0, i);
            continue;
        }
        if (!std::isfinite(rounded) || rounded == 0) {
            bool same = std::isnan(rounded) ? std::isnan(got) : got == rounded;
            // One ulp below the overflow it is the largest number's neighbourhood.
            bool near = std::isfinite(exact) && exact < 1.000001 * 0x1p128 && got >= 0x1.fffff0p127f;
            differences.expect(same || near, bits_of(got), bits_of(rounded), i);
            continue;
        }
        // The units are those of the larger one: just below a power of two the exact value's are half as large.
        double larger =
            std::max({std::fabs(static_cast<double>(rounded)), std::fabs(static_cast<double>(got)), function.least});
        double last_place = std::ldexp(1.0, std::clamp(std::ilogb(larger), -126, 127) - 23);
        double off = std::fabs(got - exact) / last_place;
        bool fine = off <= function.most_ulps || (std::isinf(got) && exact > 0.999999 * 0x1p128);
        differences.expect(fine, bits_of(got), bits_of(rounded), i);
        if (std::isinf(got) || i >= points) continue;
        sum += off;
        if (off > most) most = off, worst = i;
    }
    probes.line(function.name, differences.none(), "max %.3f ulp at %.9g, mean %.4f, allowed %.2f; %s", most,
                static_cast<double>(in[worst]), sum / static_cast<double>(points), function.most_ulps,
                differences.text().c_str());
}

}  // namespace

void probe_elements(Probes& probes) {
    narrow(probes, "to_bf16", 8, 7);
    widen(probes, "from_bf16", 8, 7);
    narrow(probes, "to_f16", 5, 10);
    widen(probes, "from_f16", 5, 10);
    pack(probes);
    split(probes);
    eight(probes);
    exact(probes, "fdiv_rn", 2, [](const float* v) { return v[0] / v[1]; });
    exact(probes, "fmaf_rn", 4, [](const float* v) { return std::fmaf(v[0], v[1], v[2]); });
}

void probe_functions(Probes& probes) {
    for (const Function& function : kFunctions) ulps(probes, function);
}

}  // namespace sn9::test
