// probe_tiles: what the probes of matrix instructions share: operands as plain matrices, and how a device sums.
#pragma once

#include <functional>
#include <vector>

#include "probe.h"

namespace sn9::test {

constexpr int kStep = 16;  // k of one instruction

// One sum: c and the values of a; b is 1.
struct Sum {
    float c;
    float p[kStep];
};
using Sums = std::vector<Sum>;
// Runs an instruction on sums; empty where there is no answer, which was printed.
using RunSums = std::function<std::vector<float>(const Sums&)>;

enum class Rounding { nearest, zero, up, down, away, unknown };

// What was found out about an instruction's sums.
struct Finding {
    Rounding rounding = Rounding::unknown;
    int extra_bits = -1;         // below the last place of the largest addend that an addend keeps; kExact for all
    int extra_bits_with_c = -1;  // where the largest is the accumulator
    int products_per_step = 0;   // summed at once, in the order of k; 0 where it is another order
    uint32_t first_step = 0;     // the products summed with the first, as bits
    bool keeps_subnormal_operands = false, keeps_subnormal_sums = false;
    std::string text() const;
};
constexpr int kExact = 60;

Finding find_rounding(const RunSums& run);

// What the finding says that c + sum a[k] b[k] comes to.
float predict(const Finding& finding, float c, const float* a, const float* b);

// Matrices of one instruction, plain: a (rows, k), b (columns, k), c (rows, columns), row-major; bf16 as floats.
struct Tile {
    int rows, columns, k;
    std::vector<float> a, b, c;
    Tile(int rows_, int columns_, int k_);
    double exact(int i, int j) const;
    double magnitude(int i, int j) const;  // |c| + sum |a b|
};
// run: the result (rows, columns) of each; empty where there is none.
using RunTiles = std::function<std::vector<std::vector<float>>(const std::vector<Tile>&)>;

// The three checks: whole numbers exactly, infinities and NaN by kind, random values within numerics.md's bound; and
// how many of these have the bits that the finding predicts.
void check_tiles(Probes& probes, const char* name, const Tile& shape, const RunTiles& run, const Finding& finding);

// The host build's sums, from its environment; nothing is known of a device.
Finding expected_of_host();

}  // namespace sn9::test
