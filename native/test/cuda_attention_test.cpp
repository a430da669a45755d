// cuda_attention_test: attention of the CUDA kernels against double-precision loops: every head width, sequences of 1,
// one past a tile and primes, dropout by the CPU engine's mask, heads with zero columns, outputs poisoned beforehand,
// the same bits for every B; in f32 and bf16.
// Tolerances follow the terms of each sum. Sums in f32, which a tensor core may truncate: 2^-24 times the sum of all
// absolute terms, those inside the gradients of the scores included, times 64 for its length and for the error of the
// scores. bf16 (unit 2^-8) beside that: one unit of the sum of absolute terms for rounding the probabilities, or the
// gradients of the scores, before they are multiplied, and one of the result for storing it.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../cpu/random.h"
#include "library.h"

namespace {

using sn9::test::Device;
using sn9::test::expect;
using sn9::test::expect_close;
using sn9::test::expect_same_bits;
using sn9::test::failed;
using sn9::test::Library;
using sn9::test::Noise;
using sn9::test::small;
using sn9::test::tally;
using Floats = std::vector<float>;
using Doubles = std::vector<double>;

Noise noise;

struct Case {
    int64_t B, T, NH, HS, true_HS;
    float probability;
};

struct Wanted {
    Doubles out, lse, dqkv;         // exact
    Doubles out_terms, dqkv_terms;  // sums of the absolute terms of the last product
    Doubles dqkv_all;               // and of all terms inside those
};

// Forward pass and gradient in double precision. stored_out: what D is computed from, or empty for the exact out.
Wanted attention_loops(const Case& c, const Doubles& qkv, const Doubles& dout, const Doubles& stored_out,
                       const sn9_step& step, int32_t layer, double scale) {
    int64_t B = c.B, T = c.T, NH = c.NH, HS = c.HS, A = NH * HS;
    Wanted w;
    w.out.assign(static_cast<size_t>(B * T * A), 0);
    w.out_terms = w.out;
    w.lse.assign(static_cast<size_t>(B * NH * T), 0);
    w.dqkv.assign(static_cast<size_t>(B * T * 3 * A), 0);
    w.dqkv_terms = w.dqkv_all = w.dqkv;
    DropoutMask mask(step.seed, step.micro_step, layer, SN9_DROPOUT_ATTENTION, c.probability);
    Doubles p(static_cast<size_t>(T));
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < NH; h++)
            for (int64_t t = 0; t < T; t++) {
                auto at = [&](int64_t row, int64_t part, int64_t i) {
                    return static_cast<size_t>(((b * T + row) * 3 + part) * A + h * HS + i);
                };
                size_t to = static_cast<size_t>((b * T + t) * A + h * HS);
                double top = -INFINITY, total = 0;
                for (int64_t s = 0; s <= t; s++) {
                    double score = 0;
                    for (int64_t i = 0; i < HS; i++) score += qkv[at(t, 0, i)] * qkv[at(s, 1, i)];
                    p[s] = score * scale;
                    top = std::max(top, p[s]);
                }
                for (int64_t s = 0; s <= t; s++) total += std::exp(p[s] - top);
                w.lse[(b * NH + h) * T + t] = top + std::log(total);
                Doubles factor(static_cast<size_t>(t + 1), 1), dp(factor.size(), 0), dp_terms(dp);
                double D = 0, D_terms = 0;
                for (int64_t s = 0; s <= t; s++) {
                    p[s] = std::exp(p[s] - top) / total;
                    if (c.probability > 0) {
                        uint64_t element = static_cast<uint64_t>(((b * NH + h) * T + t) * T + s);
                        float four[4];
                        mask.factors(element / 4, four);
                        factor[s] = four[element % 4];
                    }
                    for (int64_t i = 0; i < HS; i++) {
                        double v = qkv[at(s, 2, i)];
                        w.out[to + i] += p[s] * factor[s] * v;
                        w.out_terms[to + i] += p[s] * factor[s] * std::fabs(v);
                        dp[s] += dout[to + i] * v;
                        dp_terms[s] += std::fabs(dout[to + i] * v);
                    }
                }
                for (int64_t i = 0; i < HS; i++) {
                    double term = dout[to + i] * (stored_out.empty() ? w.out : stored_out)[to + i];
                    D += term;
                    D_terms += std::fabs(term);
                }
                for (int64_t s = 0; s <= t; s++) {
                    double ds = p[s] * (dp[s] * factor[s] - D) * scale;
                    double ds_terms = p[s] * (dp_terms[s] * factor[s] + D_terms) * scale;
                    for (int64_t i = 0; i < HS; i++) {
                        auto add = [&](size_t element, double left, double left_terms, double right) {
                            w.dqkv[element] += left * right;
                            w.dqkv_terms[element] += std::fabs(left * right);
                            w.dqkv_all[element] += left_terms * std::fabs(right);
                        };
                        double kept = p[s] * factor[s];
                        add(at(t, 0, i), ds, ds_terms, qkv[at(s, 1, i)]);
                        add(at(s, 1, i), ds, ds_terms, qkv[at(t, 0, i)]);
                        add(at(s, 2, i), kept, kept, dout[to + i]);
                    }
                }
            }
    return w;
}

// Noise in which the columns of a head from true_HS on are 0, with values of the device's activation type.
Floats heads_noise(const Device& device, const Case& c, int64_t rows) {
    Floats x = device.round(noise.floats(rows * c.NH * c.HS));
    for (size_t i = 0; i < x.size(); i++)
        if (static_cast<int64_t>(i) % c.HS >= c.true_HS) x[i] = 0;
    return x;
}
Doubles as_doubles(const Floats& x) {
    return Doubles(x.begin(), x.end());
}

// Fails unless |got - wanted| <= allowed everywhere.
void expect_within(const char* what, const Floats& got, const Doubles& wanted, const Doubles& allowed) {
    tally().checks++;
    for (size_t i = 0; i < wanted.size(); i++)
        if (!(std::fabs(got[i] - wanted[i]) <= allowed[i])) {
            failed("%s: element %zu is %.9g, expected %.9g within %.3g", what, i, static_cast<double>(got[i]),
                   wanted[i], allowed[i]);
            return;
        }
}
Doubles tolerances(const Device& device, const Doubles& wanted, const Doubles& terms, const Doubles& all_terms) {
    Doubles allowed(wanted.size());
    for (size_t i = 0; i < wanted.size(); i++)
        allowed[i] = all_terms[i] * 0x1p-18 + (device.bf16() ? (terms[i] + std::fabs(wanted[i])) * 0x1p-8 : 0) + 1e-9;
    return allowed;
}

struct Run {
    Floats out, lse, dqkv;
};

// Forward pass and gradient into outputs full of NaN, of c.B sequences.
bool run(Run& run, const Library& library, Device& device, const Case& c, const Floats& qkv, const Floats& dout,
         const sn9_step& step, int32_t layer, float scale) {
    int64_t rows = c.B * c.T, A = c.NH * c.HS;
    auto poisoned = [&](int64_t n) { return device.upload_activations(Floats(static_cast<size_t>(n), NAN)); };
    sn9_step* steps = c.probability > 0 ? device.upload(std::vector<sn9_step>{step}) : nullptr;
    void *in = device.upload_activations(qkv), *gradient = device.upload_activations(dout);
    void *out = poisoned(rows * A), *dqkv = poisoned(rows * 3 * A), *without_lse = poisoned(rows * A);
    float* lse = device.upload(Floats(static_cast<size_t>(c.B * c.NH * c.T), NAN));
    auto ok = [&](int32_t status) {
        if (status != SN9_OK) failed("status %d: %s", status, library.last_error());
        return status == SN9_OK;
    };
    if (!ok(library.context_reserve(device, c.B * c.NH * c.T * 4)) ||
        !ok(library.attention_forward(device, without_lse, nullptr, in, steps, c.probability, layer, scale, c.B, c.T,
                                      c.NH, c.HS)) ||
        !ok(library.attention_forward(device, out, lse, in, steps, c.probability, layer, scale, c.B, c.T, c.NH,
                                      c.HS)) ||
        !ok(library.attention_backward(device, dqkv, gradient, out, in, lse, steps, c.probability, layer, scale, c.B,
                                       c.T, c.NH, c.HS)))
        return false;
    run = {device.download_activations(out, rows * A), device.download(lse, c.B * c.NH * c.T),
           device.download_activations(dqkv, rows * 3 * A)};
    expect_same_bits("out without lse", device.download_activations(without_lse, rows * A), run.out);
    return true;
}

void attention(const Library& library, int32_t precision, const Case& c) {
    Device device(library, precision);
    tally().current = std::string("attention ") + (device.bf16() ? "bf16" : "f32") + " B=" + std::to_string(c.B) +
                      " T=" + std::to_string(c.T) + " NH=" + std::to_string(c.NH) + " HS=" + std::to_string(c.HS) +
                      " p=" + std::to_string(c.probability);
    const int32_t layer = 3;
    const float scale = 1.0f / std::sqrt(static_cast<float>(c.true_HS));
    int64_t A = c.NH * c.HS;
    sn9_step step{};
    step.seed = 0x1234567890ABCDEFu;
    step.micro_step = 7;
    Floats qkv = heads_noise(device, c, c.B * c.T * 3), dout = heads_noise(device, c, c.B * c.T);
    Run got;
    if (!run(got, library, device, c, qkv, dout, step, layer, scale)) return;

    auto loops = [&](const Doubles& stored_out) {
        return attention_loops(c, as_doubles(qkv), as_doubles(dout), stored_out, step, layer,
                               static_cast<double>(scale));
    };
    Wanted wanted = loops(as_doubles(got.out));  // the gradient's D comes from the out that was stored
    expect_within("out", got.out, wanted.out, tolerances(device, wanted.out, wanted.out_terms, wanted.out_terms));
    expect_close("lse", got.lse, wanted.lse, 1e-5);
    expect_within("dqkv", got.dqkv, wanted.dqkv, tolerances(device, wanted.dqkv, wanted.dqkv_terms, wanted.dqkv_all));
    bool zero = true;
    for (const Floats* tensor : {&got.out, &got.dqkv})
        for (size_t i = 0; i < tensor->size(); i++)
            zero &= static_cast<int64_t>(i) % c.HS < c.true_HS || (*tensor)[i] == 0;
    expect(zero, "columns of heads that are 0 stay 0");

    if (c.B < 2 || c.probability > 0) return;
    Case last = c;
    last.B = 1;
    int64_t first = (c.B - 1) * c.T;
    Run alone;
    if (!run(alone, library, device, last, Floats(qkv.begin() + first * 3 * A, qkv.end()),
             Floats(dout.begin() + first * A, dout.end()), step, layer, scale))
        return;
    expect_same_bits("out of the last sequence alone", alone.out, Floats(got.out.begin() + first * A, got.out.end()));
    expect_same_bits("dqkv of the last sequence alone", alone.dqkv,
                     Floats(got.dqkv.begin() + first * 3 * A, got.dqkv.end()));
}

// The loops' own gradient, by central differences.
void loops_agree_with_differences() {
    for (float probability : {0.0f, 0.3f}) {
        Case c{2, 5, 2, 3, 3, probability};
        tally().current = "attention loops p=" + std::to_string(probability);
        sn9_step step{};
        step.seed = 42;
        Doubles qkv = as_doubles(noise.floats(c.B * c.T * 3 * 6)), dout = as_doubles(noise.floats(c.B * c.T * 6));
        Doubles gradient = attention_loops(c, qkv, dout, {}, step, 0, 0.5).dqkv, wanted(gradient.size());
        auto loss = [&](const Doubles& x) {
            Doubles out = attention_loops(c, x, dout, {}, step, 0, 0.5).out;
            double sum = 0;
            for (size_t k = 0; k < out.size(); k++) sum += out[k] * dout[k];
            return sum;
        };
        for (size_t i = 0; i < qkv.size(); i++) {
            const double h = 1e-5;
            Doubles up = qkv, down = qkv;
            up[i] += h;
            down[i] -= h;
            wanted[i] = (loss(up) - loss(down)) / (2 * h);
        }
        expect_close("gradient", Floats(gradient.begin(), gradient.end()), wanted, 1e-6);
    }
}

void refusals(const Library& library) {
    tally().current = "attention refusals";
    Device device(library);
    float* memory = device.allocate(2 * 3 * 128);
    auto forward = [&](float* out, float probability, float scale, int64_t T, int64_t HS) {
        return library.attention_forward(device, out, nullptr, memory, nullptr, probability, 0, scale, 1, T, 1, HS);
    };
    expect(forward(memory, 0, 1, 2, 40) == SN9_UNSUPPORTED, "a width that is no multiple of 16");
    expect(forward(memory, 0, 1, 2, 112) == SN9_UNSUPPORTED, "a width of 112");
    expect(forward(nullptr, 0, 1, 2, 32) == SN9_BAD_ARGUMENT, "no output");
    expect(forward(memory + 1, 0, 1, 2, 32) == SN9_BAD_ARGUMENT, "an unaligned output");
    expect(forward(memory, 0.1f, 1, 2, 32) == SN9_BAD_ARGUMENT, "dropout without a step");
    expect(forward(memory, 0, 0, 2, 32) == SN9_BAD_ARGUMENT, "a scale of 0");
    expect(forward(memory, 0, 1, 0, 32) == SN9_BAD_ARGUMENT, "a sequence of 0");
    expect(forward(memory, 0, 1, INT64_C(1) << 33, 32) == SN9_BAD_ARGUMENT, "a sequence past 32 bits");
    auto backward = [&](const float* lse, int64_t T) {
        return library.attention_backward(device, memory, memory, memory, memory, lse, nullptr, 0, 0, 1, 1, T, 1, 32);
    };
    expect(backward(nullptr, 1) == SN9_BAD_ARGUMENT, "no lse for the gradient");
    expect(backward(memory, INT64_C(1) << 26) == SN9_BAD_ARGUMENT, "too small a workspace");
}

// Blocks, warps and background copies in other orders; both roundings of tensor cores; f32 gives the same bits.
void orders(const Library& library) {
    if (!library.host() || small()) return;
    const char* const names[] = {"SEED", "ROUNDING", "CP_ASYNC", "PROFILE"};
    const char* const settings[][4] = {
        {"1", "rn", "issue", "sm_80"}, {"2", "rz", "wait", "sm_86"}, {"3", "rz", "seeded", "sm_90"}};
    auto set = [&](int i, const char* value) {
        std::string name = names[i];
        for (char& letter : name) letter = static_cast<char>(tolower(letter));
        library.set(name.c_str(), value);
    };
    for (int64_t HS : {48, 64, 128}) {
        Run first;
        for (const auto& setting : settings) {
            for (int i = 0; i < 4; i++) set(i, setting[i]);
            noise = Noise();
            attention(library, SN9_PRECISION_BF16, {1, 130, 1, HS, HS, 0});
            attention(library, SN9_PRECISION_BF16, {1, 130, 1, HS, HS, 0.1f});
            Case c{2, 130, 1, HS, HS, 0.1f};
            Device device(library);
            tally().current = "attention f32 in another order";
            sn9_step step{};
            noise = Noise();
            Floats qkv = heads_noise(device, c, c.B * c.T * 3), dout = heads_noise(device, c, c.B * c.T);
            Run got;
            if (!run(got, library, device, c, qkv, dout, step, 0, 0.125f)) break;
            if (first.out.empty()) first = got;
            expect_same_bits("out", got.out, first.out);
            expect_same_bits("lse", got.lse, first.lse);
            expect_same_bits("dqkv", got.dqkv, first.dqkv);
        }
    }
    const char* const defaults[] = {"0", "rn", "seeded", "sm_80"};
    for (int i = 0; i < 4; i++) {
        const char* given = getenv((std::string("SN9_HOST_") + names[i]).c_str());
        set(i, given ? given : defaults[i]);
    }
}

}  // namespace

void test_attention(const Library& library) {
    loops_agree_with_differences();
    refusals(library);
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16})
        for (float probability : {0.0f, 0.25f}) {
            for (int64_t HS : {16, 32, 48, 64, 80, 96, 128})
                for (int64_t T : {1, 2, 17, 63, 65, 130, 321}) {
                    if (small() && T != 17 && T != 321) continue;  // 321: six tiles through the two stages of a ring
                    int64_t true_HS = HS == 48 ? 40 : HS == 80 ? 76 : HS;
                    attention(library, precision, {T > 300 ? 1 : 2, T, T < 64 ? 3 : 1, HS, true_HS, probability});
                }
            if (small()) continue;
            attention(library, precision, {2, 128, 3, 64, 64, probability});  // whole tiles; dropout by fours
            attention(library, precision, {1, 196, 1, 128, 128, probability});
        }
    orders(library);
}
