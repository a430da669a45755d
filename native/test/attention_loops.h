// attention_loops: attention and its gradient by double-precision loops, and what the device's results may be off by.
// Errors of f32 arithmetic follow the terms of each sum:
//   a chain of n additions to nearest: u times the root mean square of its partial sums, times 6 standard deviations of
//     n errors that are spread evenly (or all n of them together, where that is less); u = 2^-24. The partial sums of
//     terms in an order that has nothing to do with their size have a mean square of at most (sum^2 + squares) / 2;
//   a tensor core that truncates after every 8 products: n / 8 errors of up to 2u, one way, and the spread of them;
//   independent errors of the terms themselves: 6 standard deviations of their sum.
// The inputs of the tests are noise, so that an error that all terms of a sum share counts like independent ones.
// A product of split operands (cuda/split.cuh) is three such chains, and lacks 2^-16 of a term (tolerance.h).
// The errors of scores and of dout v^T make relative errors of probabilities, and these, with one rounding to bf16
// (2^-8) where a tensor core takes them as an operand, are the terms' own errors in the sums after them.
#pragma once

#include <algorithm>

#include "../cpu/random.h"
#include "attention_case.h"

namespace sn9::test::attention {

constexpr double kF32 = 0x1p-24, kBf16 = 0x1p-8;
constexpr double kDeviations = 6;

// The tensors of Inputs, exact.
struct Exact {
    Doubles qkv, dout;
    explicit Exact(const Inputs& inputs)
        : qkv(inputs.qkv.begin(), inputs.qkv.end()), dout(inputs.dout.begin(), inputs.dout.end()) {}
};

// Exact values, and what a result of the device may be off by.
struct Wanted {
    Doubles value, bound;
    explicit Wanted(int64_t n = 0) : value(static_cast<size_t>(n)), bound(value) {}
};

// What products are made of.
enum class Operands { f32, split, bf16 };
inline Operands operands_of(const Device& device) {
    return device.bf16() ? Operands::bf16 : device.split() ? Operands::split : Operands::f32;
}

// One sum: its terms, their squares, and the squares of independent errors of its terms.
struct Sum {
    double value = 0, squares = 0, errors = 0;
    void add(double term, double relative_error = 0, double error = 0) {
        value += term;
        squares += term * term;
        error += std::fabs(term) * relative_error;
        errors += error * error;
    }
    double independent() const { return kDeviations * std::sqrt(errors / 3); }
    double size() const { return std::sqrt((value * value + squares) / 2); }
    // n roundings to nearest.
    double chain(double n) const { return kF32 * std::min(n, kDeviations * std::sqrt(n / 3)) * size() + independent(); }
    // A product over n terms, on tensor cores or by fused multiply-adds.
    double product(double n, bool tensor_cores) const {
        double steps = std::ceil(n / 8);
        return std::max(tensor_cores ? kF32 * (steps + kDeviations * std::sqrt(steps)) * size() + independent() : 0,
                        chain(n));
    }
};

struct Reference {
    Wanted out, lse, dqkv;

    // out and dqkv after their last rounding, to the activation type.
    void store(bool bf16) {
        for (Wanted* tensor : {&out, &dqkv})
            for (size_t i = 0; i < tensor->value.size(); i++) {
                double unit = bf16 ? kBf16 : kF32;
                tensor->bound[i] += unit * (std::fabs(tensor->value[i]) + tensor->bound[i]) + 0x1p-120;
            }
    }
};

// One head of one sequence: its rows of q, k, v and dout.
class Head {
  public:
    Head(const Case& c, const Exact& inputs, int64_t b, int64_t h, Operands operands)
        : c_(c),
          in_(inputs),
          b_(b),
          h_(h),
          tensor_cores_(operands != Operands::f32),
          chains_(operands == Operands::split ? 3 : 1),
          unit_(operands == Operands::bf16 ? kBf16 : 0),
          lacking_(operands == Operands::split ? kBf16 * kBf16 : 0) {}

    // Everything of this head. stored_out: the out that the gradient is given, or empty for the exact one.
    void run(Reference& to, const Doubles& stored_out) {
        auto size = static_cast<size_t>(c_.T * c_.T);
        p_.assign(size, 0), p_error_ = ds_ = ds_error_ = p_;
        factor_.assign(size, 1);
        common_.assign(static_cast<size_t>(c_.T), 0);
        draw();
        for (int64_t t = 0; t < c_.T; t++) {
            probabilities(to, t);
            gradients_of_scores(to, stored_out, t);
        }
        for (int64_t t = 0; t < c_.T; t++)
            for (int64_t i = 0; i < c_.HS; i++) gradients(to, t, i);
    }

  private:
    size_t at(int64_t row, int64_t part, int64_t i) const {
        return static_cast<size_t>(((b_ * c_.T + row) * 3 + part) * c_.width() + h_ * c_.HS + i);
    }
    size_t out_at(int64_t row, int64_t i) const {
        return static_cast<size_t>((b_ * c_.T + row) * c_.width() + h_ * c_.HS + i);
    }
    size_t pair(int64_t t, int64_t s) const { return static_cast<size_t>(t * c_.T + s); }
    double q(int64_t row, int64_t i) const { return in_.qkv[at(row, 0, i)]; }
    double k(int64_t row, int64_t i) const { return in_.qkv[at(row, 1, i)]; }
    double v(int64_t row, int64_t i) const { return in_.qkv[at(row, 2, i)]; }
    double dout(int64_t row, int64_t i) const { return in_.dout[out_at(row, i)]; }

    // The mask of dropout, by the CPU engine's generator.
    void draw() {
        if (c_.probability <= 0) return;
        DropoutMask mask(c_.step().seed, c_.step().micro_step, kLayer, SN9_DROPOUT_ATTENTION, c_.probability);
        for (int64_t t = 0; t < c_.T; t++)
            for (int64_t s = 0; s <= t; s++) {
                auto element = static_cast<uint64_t>((((b_ + c_.before) * c_.NH + h_) * c_.T + t) * c_.T + s);
                float four[4];
                mask.factors(element / 4, four);
                factor_[pair(t, s)] = four[element % 4];
            }
    }

    // Row t of p, lse and out. An exponential is off by two units in the last place; its argument by the score's own
    // error and by the roundings of what it is made of.
    void probabilities(Reference& to, int64_t t) {
        double scale = static_cast<double>(c_.scale()), top = -INFINITY;
        Doubles scores(static_cast<size_t>(t + 1)), errors(scores);
        for (int64_t s = 0; s <= t; s++) {
            Sum score;
            for (int64_t i = 0; i < c_.HS; i++) score.add(q(t, i) * k(s, i), lacking_);
            scores[s] = score.value * scale;
            errors[s] = score.product(chains_ * static_cast<double>(c_.HS), tensor_cores_) * scale;
            top = std::max(top, scores[s]);
        }
        Sum total;
        for (int64_t s = 0; s <= t; s++) {
            errors[s] += 4 * kF32 * (1 + std::fabs(scores[s]) + std::fabs(top));
            total.add(std::exp(scores[s] - top), errors[s]);
        }
        // A tile multiplies the sums so far: two roundings and an exponential for every 32 keys.
        double tiles = static_cast<double>(t / 32), keys = static_cast<double>(t + 1);
        double shrinking = 6 * kF32 * std::sqrt(tiles);
        double total_error = total.chain(keys) / total.value + shrinking;
        size_t row = static_cast<size_t>(((b_ * c_.NH) + h_) * c_.T + t);
        to.lse.value[row] = top + std::log(total.value);
        common_[t] = total_error + 4 * kF32 * (std::fabs(top) + std::log(total.value) + 1);
        to.lse.bound[row] = common_[t];
        for (int64_t s = 0; s <= t; s++) {
            p_[pair(t, s)] = std::exp(scores[s] - top) / total.value;
            p_error_[pair(t, s)] = errors[s];
        }
        for (int64_t i = 0; i < c_.HS; i++) {
            Sum out;
            for (int64_t s = 0; s <= t; s++)
                out.add(p_[pair(t, s)] * factor_[pair(t, s)] * v(s, i), p_error_[pair(t, s)] + unit_ + lacking_);
            to.out.value[out_at(t, i)] = out.value;
            to.out.bound[out_at(t, i)] = out.product(chains_ * keys, tensor_cores_) +
                                         std::fabs(out.value) * (total_error + shrinking + 2 * kF32);
        }
    }

    // Row t of ds without scale.
    void gradients_of_scores(const Reference& to, const Doubles& stored_out, int64_t t) {
        Sum D;
        for (int64_t i = 0; i < c_.HS; i++) {
            double out = stored_out.empty() ? to.out.value[out_at(t, i)] : stored_out[out_at(t, i)];
            D.add(dout(t, i) * out);
        }
        auto width = static_cast<double>(c_.HS);
        for (int64_t s = 0; s <= t; s++) {
            Sum dp;
            for (int64_t i = 0; i < c_.HS; i++) dp.add(dout(t, i) * v(s, i));
            size_t ts = pair(t, s);
            double inner = dp.value * factor_[ts] - D.value;
            ds_[ts] = p_[ts] * inner;
            ds_error_[ts] = p_[ts] * (dp.product(width, tensor_cores_) * factor_[ts] + D.chain(width) +
                                      2 * kF32 * (std::fabs(dp.value * factor_[ts]) + std::fabs(D.value))) +
                            std::fabs(ds_[ts]) * (p_error_[ts] + common_[t] + unit_);
        }
    }

    // dq, dk and dv of row t, column i.
    void gradients(Reference& to, int64_t t, int64_t i) const {
        double scale = static_cast<double>(c_.scale());
        Sum dq, dk, dv;
        for (int64_t s = 0; s <= t; s++)
            dq.add(ds_[pair(t, s)] * k(s, i), 0, ds_error_[pair(t, s)] * std::fabs(k(s, i)));
        for (int64_t s = t; s < c_.T; s++) {
            size_t st = pair(s, t);
            dk.add(ds_[st] * q(s, i), 0, ds_error_[st] * std::fabs(q(s, i)));
            dv.add(p_[st] * factor_[st] * dout(s, i), p_error_[st] + common_[s] + unit_);
        }
        auto set = [&](int64_t part, const Sum& sum, int64_t terms, double times) {
            to.dqkv.value[at(t, part, i)] = sum.value * times;
            to.dqkv.bound[at(t, part, i)] =
                (sum.product(static_cast<double>(terms), tensor_cores_) + 2 * kF32 * std::fabs(sum.value)) * times;
        };
        set(0, dq, t + 1, scale);
        set(1, dk, c_.T - t, scale);
        set(2, dv, c_.T - t, 1);
    }

    const Case& c_;
    const Exact& in_;
    int64_t b_, h_;
    bool tensor_cores_;
    double chains_;               // additions per term of a forward product
    double unit_;                 // of rounding an operand of a tensor core
    double lacking_;              // of a term of a forward product
    Doubles p_, factor_, ds_;     // (T, T)
    Doubles p_error_, ds_error_;  // relative, but for the error of lse; absolute
    Doubles common_;              // (T): of lse, and so of all p of a row
};

// Forward pass and gradient. stored_out: the out that the gradient is given, or empty for the exact one.
inline Reference reference(const Case& c, const Exact& inputs, const Doubles& stored_out, Operands operands) {
    int64_t size = c.B * c.T * c.width();
    Reference made{Wanted(size), Wanted(c.B * c.NH * c.T), Wanted(3 * size)};
    for (int64_t b = 0; b < c.B; b++)
        for (int64_t h = 0; h < c.NH; h++) Head(c, inputs, b, h, operands).run(made, stored_out);
    made.store(operands == Operands::bf16);
    return made;
}

}  // namespace sn9::test::attention
