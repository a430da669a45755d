// tolerance: what a result may be off by, from the type of its elements and the length of its sums; and the checks that
// use it. One rounding to nearest is off by at most u of what it rounds, half a unit in the last place: 2^-24 for the
// 24 bits of f32, 2^-8 for the 8 of bf16, 2^-53 for the 53 of f64. The error is spread evenly, with a variance of u^2/3
// of the square.
//
// A sum of K terms of value V and squares Q^2 (the sum of theirs), in an order that their sizes do not decide: its
// partial sums have a mean square of at most M^2 = (V^2 + Q^2) / 2. For k of K terms the mean square is
// (k/K)^2 V^2 + k/K (1 - k/K) (Q^2 - V^2/K) K/(K-1); the mean over k goes from (V^2 + Q^2) / 2 at K = 1 down to
// V^2/3 + Q^2/6. So
//   n roundings to nearest      6 standard deviations: 6 u sqrt(n/3) M, and at most all of them at once: n u M;
//   a tensor core that truncates, every 8 products (sm_80; later ones every 16, with more bits): the sum loses up to
//                               2u of itself, u in the mean, always towards zero, and each of the 8 products up to u of
//                               it, with either sign: n = K/8, (n + 6 sqrt(n)) u M;
//   f32 as three products of bf16 (cuda/split.cuh)  three such chains, and terms that are off: an operand's low half is
//                               u = 2^-8 of it at most, the rest u^2/2, so that a term lacks low low' and two rests,
//                               u^2 sqrt(1/9 + 2/12) |term| in the root mean square: e_i = u^2 |term|;
//   terms off by e_i themselves 6 sqrt(sum of e_i^2 / 3) where the errors are independent, their sum where they are
//   not.
// n is the number of roundings that a term passes through: K in a chain, fewer where partial sums are added.
#pragma once

#include <algorithm>
#include <functional>

#include "library.h"

namespace sn9::test {

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;
typedef std::vector<int32_t> Ints;

constexpr double kF32 = 0x1p-24, kBf16 = 0x1p-8, kF64 = 0x1p-53;
constexpr double kDeviations = 6;
constexpr double kTruncatedTogether = 8;

// n roundings of partial sums whose mean square is at most square.
inline double roundings(double n, double square, double u = kF32) {
    return u * std::min(n, kDeviations * std::sqrt(n / 3)) * std::sqrt(square);
}

// Independent errors whose squares have this sum.
inline double independent(double squares) {
    return kDeviations * std::sqrt(squares / 3);
}

// Many sums of doubles, each with what its error depends on.
struct Sums {
    Doubles value, squares;  // of the terms
    Doubles errors, drift;   // of what the terms are off by: sum of squares of independent ones, sum of the others

    explicit Sums(int64_t n)
        : value(static_cast<size_t>(n)),
          squares(static_cast<size_t>(n)),
          errors(static_cast<size_t>(n)),
          drift(static_cast<size_t>(n)) {}

    void add(int64_t i, double term) {
        value[i] += term;
        squares[i] += term * term;
    }
    void add(int64_t i, double term, double error, double together = 0) {
        add(i, term);
        errors[i] += error * error;
        drift[i] += together;
    }
    double square(int64_t i) const { return (value[i] * value[i] + squares[i]) / 2; }
    // Of f32 sums in which a term passes n roundings to nearest.
    double bound(int64_t i, double n) const { return roundings(n, square(i)) + independent(errors[i]) + drift[i]; }
    // Of a matrix product over K: a chain in f32; on tensor cores one where mma rounds to nearest, else theirs.
    double product_bound(const Device& device, int64_t i, int64_t K) const {
        double chains = device.split() ? 3 : 1, own = errors[i];
        double n = chains * std::ceil(static_cast<double>(K) / kTruncatedTogether);
        double chain = roundings(chains * static_cast<double>(K), square(i));
        double truncated = (n + kDeviations * std::sqrt(n)) * kF32 * std::sqrt(square(i));
        if (device.split()) own += kBf16 * kBf16 * kBf16 * kBf16 * squares[i];
        bool truncates = (device.bf16() || device.split()) && device.library().truncates();
        return (truncates ? truncated : chain) + independent(own) + drift[i];
    }
    size_t size() const { return value.size(); }
};

// Results, and what each may be off by.
struct Wanted {
    Doubles value, bound;

    void add(double v, double b) {
        value.push_back(v);
        bound.push_back(b);
    }
    // Further ones were there before: += into a buffer that is not zero, with one rounding more.
    Wanted onto(const Floats& before) const {
        Wanted sum = *this;
        for (size_t i = 0; i < value.size(); i++) {
            sum.value[i] += before[i];
            sum.bound[i] += kF32 * (std::fabs(sum.value[i]) + bound[i]);
        }
        return sum;
    }
    // After the last rounding, to the activation type.
    Wanted stored(const Device& device) const {
        Wanted rounded = *this;
        if (device.bf16())
            for (size_t i = 0; i < value.size(); i++)
                rounded.bound[i] += kBf16 * (std::fabs(value[i]) + bound[i]) + 0x1p-134;
        return rounded;
    }
};

// All sums, each off by what bound(i) says.
template <typename Bound>
Wanted wanted_of(const Sums& sums, Bound bound) {
    Wanted wanted;
    for (size_t i = 0; i < sums.size(); i++) wanted.add(sums.value[i], bound(static_cast<int64_t>(i)));
    return wanted;
}
inline Wanted products(const Device& device, const Sums& sums, int64_t K) {
    return wanted_of(sums, [&](int64_t i) { return sums.product_bound(device, i, K); });
}

// Fails unless every result is within its bound; keeps the largest share of a bound that was used (print_shares).
template <typename T>
void expect_within(const Device& device, const char* what, const std::vector<T>& got, const Wanted& wanted) {
    tally().checks++;
    if (got.size() != wanted.value.size()) {
        failed("%s: %zu elements, expected %zu", what, got.size(), wanted.value.size());
        return;
    }
    double& most = tally().shares[tally().test + " " + device.arithmetic() + " " + what];
    size_t at = got.size();
    double worst = 1;
    for (size_t i = 0; i < got.size(); i++) {
        double off = std::fabs(static_cast<double>(got[i]) - wanted.value[i]);
        double share = off == 0 ? 0 : off / wanted.bound[i];
        if (!(share <= worst)) {
            worst = share;
            at = i;
            if (std::isnan(share)) break;
        }
        most = std::max(most, share);
    }
    if (at < got.size())
        failed("%s: element %zu is %.9g, expected %.9g (off by %.3g, allowed %.3g)", what, at,
               static_cast<double>(got[at]), wanted.value[at], std::fabs(got[at] - wanted.value[at]), wanted.bound[at]);
}

// The shares of their bounds that results used: well under 0.05 would be a bound that shows nothing.
inline void print_shares() {
    for (const auto& [name, share] : tally().shares) printf("largest error / bound: %-44s %.3f\n", name.c_str(), share);
}

// Fails unless gradient is that of f at x, by central differences. In doubles 1e-5 leaves about 1e-10 of truncation and
// 1e-11 of rounding, for functions and derivatives of size 1.
inline void expect_gradient(const char* what, const std::function<double(const Doubles&)>& f, Doubles x,
                            const Doubles& gradient) {
    constexpr double kStep = 1e-5, kAllowed = 1e-7;
    Wanted wanted;
    tally().checks++;
    for (size_t i = 0; i < x.size(); i++) {
        double at = x[i];
        x[i] = at + kStep;
        double above = f(x);
        x[i] = at - kStep;
        double slope = (above - f(x)) / (2 * kStep);
        x[i] = at;
        if (!(std::fabs(slope - gradient[i]) <= kAllowed * (1 + std::fabs(slope)))) {
            failed("%s: element %zu of the reference's gradient is %.12g, differences say %.12g", what, i, gradient[i],
                   slope);
            return;
        }
    }
}

inline Doubles doubles(const Floats& x) {
    return Doubles(x.begin(), x.end());
}

}  // namespace sn9::test
