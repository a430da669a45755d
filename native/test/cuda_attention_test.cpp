// cuda_attention_test: attention of the CUDA kernels against double-precision loops: every head width, sequences of 1,
// one past a tile and primes, dropout by the CPU engine's mask, heads with zero columns, outputs full of NaN
// beforehand; in f32 and bf16, in other orders, roundings and profiles. Bounds come from attention_loops.h.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "attention_loops.h"
#include "split.h"

namespace {

using namespace sn9::test::attention;
using sn9::test::Device;
using sn9::test::expect;
using sn9::test::expect_same_bits;
using sn9::test::failed;
using sn9::test::kPrecisions;
using sn9::test::Library;
using sn9::test::Noise;
using sn9::test::small;
using sn9::test::tally;
using sn9::test::unwanted;

Noise noise;

// The largest share of its bound that any element of a tensor used, by precision and tensor.
std::map<std::string, double> shares;

void expect_within(const Device& device, const char* what, const Floats& got, const Wanted& wanted) {
    tally().checks++;
    double& most = shares[std::string(device.arithmetic()) + " " + what];
    for (size_t i = 0; i < wanted.value.size(); i++) {
        double off = std::fabs(got[i] - wanted.value[i]);
        if (!(off <= wanted.bound[i])) {
            failed("%s: element %zu is %.9g, expected %.9g (off by %.3g, allowed %.3g)", what, i,
                   static_cast<double>(got[i]), wanted.value[i], off, wanted.bound[i]);
            return;
        }
        if (off > 0) most = std::max(most, off / wanted.bound[i]);
    }
}

void check(const Library& library, int32_t precision, const Case& c) {
    Device device(library, precision);
    start(device, "attention", c);
    if (unwanted()) return;
    Inputs inputs = noise_of(device, c, noise);
    Results got;
    if (device.split() ? !run_forward(got, device, c, inputs.qkv) : !run(got, device, c, inputs)) return;
    Doubles stored_out(got.out.begin(), got.out.end());  // the gradient's D comes from the out that was stored
    Reference wanted = reference(c, Exact(inputs), stored_out, operands_of(device));
    expect_within(device, "out", got.out, wanted.out);
    if (device.split()) return;  // trains as FP32_SIMT
    expect_within(device, "lse", got.lse, wanted.lse);
    expect_within(device, "dqkv", got.dqkv, wanted.dqkv);
    bool zero = true;
    for (const Floats* tensor : {&got.out, &got.dqkv})
        for (size_t i = 0; i < tensor->size(); i++)
            zero &= static_cast<int64_t>(i) % c.HS < c.true_HS || (*tensor)[i] == 0;
    expect(zero, "columns of heads that are 0 stay 0");
}

// The loops' own gradient, by central differences.
void loops_agree_with_differences(float probability) {
    Case c{2, 5, 2, 3, 3, probability};
    tally().current = "attention loops p=" + std::to_string(probability);
    if (unwanted()) return;
    Exact exact(Inputs{noise.floats(c.B * c.T * 3 * c.width()), noise.floats(c.B * c.T * c.width())});
    Doubles gradient = reference(c, exact, {}, Operands::f32).dqkv.value;
    auto loss = [&] {
        Doubles out = reference(c, exact, {}, Operands::f32).out.value;
        double sum = 0;
        for (size_t k = 0; k < out.size(); k++) sum += out[k] * exact.dout[k];
        return sum;
    };
    double worst = 0;
    for (size_t i = 0; i < exact.qkv.size(); i++) {
        const double h = 1e-5, at = exact.qkv[i];
        exact.qkv[i] = at + h;
        double up = loss();
        exact.qkv[i] = at - h;
        double slope = (up - loss()) / (2 * h);
        exact.qkv[i] = at;
        worst = std::max(worst, std::fabs(slope - gradient[i]));
    }
    expect(worst < 1e-8, "the gradient of the loops is that of central differences");
}

void refusals(const Library& library) {
    tally().current = "attention refusals";
    if (unwanted()) return;
    Device device(library);
    float* memory = device.allocate(2 * 3 * 144);
    auto forward = [&](float* out, float probability, float scale, int64_t T, int64_t HS) {
        return library.attention_forward(device, out, nullptr, memory, nullptr, probability, 0, scale, 1, T, 1, HS);
    };
    for (int64_t HS : {40, 144}) {
        expect(forward(memory, 0, 1, 2, HS) == SN9_UNSUPPORTED, "a width that is no multiple of 16 up to 128");
        expect(strstr(library.last_error(), "expected a multiple of 16 up to 128"),
               "the message says which widths are");
    }
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
    tally().current = "attention orders";
    if (!library.host() || small() || unwanted()) return;
    const char* const names[] = {"seed", "rounding", "cp_async", "profile"};
    const char* const settings[][4] = {{"1", "rn", "issue", "sm_80"},
                                       {"2", "rz", "wait", "sm_86"},
                                       {"3", "rz", "seeded", "sm_90"},
                                       {"4", "rz", "issue", "sm_120"}};
    for (int64_t HS : {48, 64, 112, 128}) {
        Results first;
        for (const auto& setting : settings) {
            for (int i = 0; i < 4; i++) library.set(names[i], setting[i]);
            noise = Noise();
            check(library, SN9_PRECISION_BF16, {1, 131, 1, HS, HS});
            check(library, SN9_PRECISION_BF16, {1, 131, 1, HS, HS, 0.1f});
            check(library, SN9_PRECISION_FP32_SPLIT, {1, 131, 1, HS, HS});
            Case c{2, 131, 1, HS, HS, 0.1f};
            Device device(library, SN9_PRECISION_FP32_SIMT);
            start(device, "attention in another order", c);
            noise = Noise();
            Results got;
            if (!run(got, device, c, noise_of(device, c, noise))) break;
            if (first.out.empty()) first = got;
            expect_same_bits("out", got.out, first.out);
            expect_same_bits("lse", got.lse, first.lse);
            expect_same_bits("dqkv", got.dqkv, first.dqkv);
        }
    }
    for (const char* name : names) library.set(name, "");
}

}  // namespace

void test_attention(const Library& library) {
    loops_agree_with_differences(0);
    loops_agree_with_differences(0.3f);
    refusals(library);
    for (int32_t precision : kPrecisions)
        for (float probability : {0.0f, 0.25f}) {
            if (precision == SN9_PRECISION_FP32_SPLIT && probability > 0) continue;  // evaluation only
            for (int64_t HS = 16; HS <= 128; HS += 16)
                for (int64_t T : {1, 2, 17, 61, 65, 131, 321}) {
                    if (small() ? T != 17 && T != 321 : T == 321) continue;  // 321: six tiles through a ring of two
                    int64_t true_HS = HS == 48 ? 40 : HS == 80 ? 76 : HS;
                    check(library, precision, {2, T, T < 61 ? 3 : 1, HS, true_HS, probability});
                }
            if (small()) continue;
            check(library, precision, {2, 128, 3, 64, 64, probability});  // whole tiles; dropout by fours
            check(library, precision, {1, 197, 2, 80, 76, probability});
            check(library, precision, {1, 196, 1, 128, 128, probability});
        }
    orders(library);
    for (const auto& [tensor, share] : shares)
        printf("attention: largest error / bound, %-14s %.3f\n", tensor.c_str(), share);
}
