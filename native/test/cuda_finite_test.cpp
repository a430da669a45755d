// finite: what is no number spoils every result that depends on it and no other, in every operation but attention's
// (cuda_attention_test.cpp), so that a loss is finite on every path or on none: NaN, infinities, weights of 1e30, and
// numbers below the normal ones, which count in full.
#include "rows.h"

using namespace sn9::test;

namespace {

constexpr float kInfinity = __builtin_inff();
constexpr float kBad[] = {kNan, kInfinity, -kInfinity};

// Fails unless exactly the results that depend on the planted value are no numbers, and the others have the bits they
// have without it.
template <typename Depends>
void expect_spoiled(const char* what, const Floats& got, const Floats& without, Depends depends) {
    tally().checks++;
    for (size_t i = 0; i < got.size(); i++) {
        if (depends(static_cast<int64_t>(i)) ? !std::isfinite(got[i]) : !memcmp(&got[i], &without[i], 4)) continue;
        failed("%s: element %zu is %g, and %g without the planted value", what, i, static_cast<double>(got[i]),
               static_cast<double>(without[i]));
        return;
    }
}

Floats with(Floats values, int64_t at, float planted) {
    values[static_cast<size_t>(at)] = planted;
    return values;
}

void linear(Device& device) {
    start(device, "finite linear");
    const Library& library = device.library();
    const int64_t N = 131, C = 80, OC = 144, row = 129, c = 77, o = 131;
    Noise noise;
    Floats in = noise.floats(N * C), w = noise.floats(C * OC), dout = noise.floats(N * OC), dw_before(C * OC);
    auto out = [&](const Floats& x, const Floats& weights, int32_t activation) {
        sn9_weight weight = prepare(device, weights, C, OC, SN9_LINEAR_WEIGHT);
        void* to = device.upload_activations(nans(N * OC));
        device.check(library.linear_forward(device, to, nullptr, device.upload_activations(x), &weight, nullptr,
                                            nullptr, activation, N),
                     "linear_forward");
        return device.download_activations(to, N * OC);
    };
    auto din = [&](const Floats& g) {
        sn9_weight weight = prepare(device, w, C, OC, SN9_LINEAR_WEIGHT);
        void* to = device.upload_activations(nans(N * C));
        device.check(library.linear_backward_input(device, to, device.upload_activations(g), &weight, nullptr,
                                                   SN9_NO_ACTIVATION, 0, N),
                     "linear_backward_input");
        return device.download_activations(to, N * C);
    };
    auto dw = [&](const Floats& x, const Floats& g) {
        float *to = device.upload(dw_before), *db = device.upload(Floats(OC));
        device.check(library.linear_backward_weight(device, to, db, device.upload_activations(x),
                                                    device.upload_activations(g), N, C, OC),
                     "linear_backward_weight");
        Floats both = device.download(to, C * OC), sums = device.download(db, OC);
        both.insert(both.end(), sums.begin(), sums.end());
        return both;
    };
    Floats clean = out(in, w, SN9_NO_ACTIVATION), clean_din = din(dout), clean_dw = dw(in, dout);
    for (float bad : kBad) {
        expect_spoiled("out of in", out(with(in, row * C + c, bad), w, SN9_NO_ACTIVATION), clean,
                       [&](int64_t i) { return i / OC == row; });
        expect_spoiled("out of w", out(in, with(w, c * OC + o, bad), SN9_NO_ACTIVATION), clean,
                       [&](int64_t i) { return i % OC == o; });
        Floats spoiled = with(dout, row * OC + o, bad);
        expect_spoiled("din of dout", din(spoiled), clean_din, [&](int64_t i) { return i / C == row; });
        expect_spoiled("dw and db of dout", dw(in, spoiled), clean_dw, [&](int64_t i) { return i % OC == o; });
        expect_spoiled("dw of in", dw(with(in, row * C + c, bad), dout), clean_dw,
                       [&](int64_t i) { return i < C * OC && i / OC == c; });
    }
    // 1e30 twice is more than f32 has; once it is not.
    Floats large = out(with(in, row * C + c, 1e30f), with(w, c * OC + o, 1e30f), SN9_NO_ACTIVATION);
    for (int64_t i = 0; i < N * OC; i++)
        if (std::isfinite(large[i]) == (i / OC == row && i % OC == o)) return failed("1e30: element %ld", i);
    // Below 2^-126, summed as they are: 2^-130 in every term.
    Floats tiny = out(Floats(in.size(), 0x1p-60f), Floats(w.size(), 0x1p-70f), SN9_NO_ACTIVATION);
    expect_same_bits("80 times 2^-130", tiny, Floats(clean.size(), 80 * 0x1p-130f));
    tiny = out(Floats(in.size(), 1), Floats(w.size(), 0x1p-130f), SN9_NO_ACTIVATION);
    expect_same_bits("80 weights of 2^-130", tiny, Floats(clean.size(), 80 * 0x1p-130f));
}

void head_loss(Device& device) {
    start(device, "finite head_loss");
    const Library& library = device.library();
    const int64_t N = 131, C = 64, V = 384, words = 257, row = 130, word = 256, c = 63;
    Noise noise;
    Floats in = noise.floats(N * C), wte = noise.floats(V * C);
    for (int64_t i = 0; i < N; i++) in[i * C + c] = std::fabs(in[i * C + c]) + 0.5f;
    Ints targets(N);
    for (int64_t i = 0; i < N; i++) targets[i] = static_cast<int32_t>(i * 7 % 256);
    sn9_step step = {};
    step.loss_scale = 1;
    int32_t* target_memory = device.upload(targets);
    sn9_step* step_memory = device.upload(std::vector<sn9_step>{step});
    struct Results {
        Floats losses, din, dwte;
    };
    auto run = [&](const Floats& x, const Floats& weights) {
        sn9_weight weight = prepare(device, weights, V, C, SN9_EMBEDDING_WEIGHT);
        void *inputs = device.upload_activations(x), *din = device.upload_activations(nans(N * C));
        float *losses = device.upload(nans(N)), *again = device.upload(nans(N)), *dwte = device.upload(Floats(V * C));
        device.check(library.head_loss_forward(device, again, inputs, &weight, target_memory, N, words),
                     "head_loss_forward");
        device.check(library.head_loss_backward(device, losses, din, dwte, inputs, &weight, target_memory, step_memory,
                                                N, words),
                     "head_loss_backward");
        Results got = {device.download(losses, N), device.download_activations(din, N * C),
                       device.download(dwte, V * C)};
        Floats evaluated = device.download(again, N);
        for (int64_t i = 0; i < N; i++)  // a NaN may have any bits
            if (std::isnan(evaluated[i]) && std::isnan(got.losses[i])) evaluated[i] = got.losses[i];
        expect_same_bits("evaluation agrees with training", evaluated, got.losses);
        return got;
    };
    Results clean = run(in, wte);
    auto nothing = [](int64_t) { return false; };
    auto everything = [](int64_t) { return true; };
    for (float bad : kBad) {
        Results spoiled = run(with(in, row * C + c, bad), wte);
        expect_spoiled("loss of in", spoiled.losses, clean.losses, [&](int64_t i) { return i == row; });
        expect_spoiled("din of in", spoiled.din, clean.din, [&](int64_t i) { return i / C == row; });
        // A padding word's gradient is a sum, too: of 0 times what was planted.
        expect_spoiled("dwte of in", spoiled.dwte, clean.dwte, [&](int64_t i) { return i / C < words || i % C == c; });
        expect_spoiled("losses of padding words", run(in, with(wte, (words + 1) * C + c, bad)).losses, clean.losses,
                       nothing);
    }
    for (float bad : {kNan, kInfinity})
        expect_spoiled("losses of a word", run(in, with(wte, word * C + c, bad)).losses, clean.losses, everything);
    // A word whose logit is minus infinity cannot come: the others' losses are finite, its own is not.
    targets.back() = word;
    device.upload_to(target_memory, targets);
    Floats impossible = run(in, with(wte, word * C + c, -kInfinity)).losses;
    expect(std::count_if(impossible.begin(), impossible.end(), [](float x) { return std::isfinite(x); }) == N - 1,
           "an impossible word");
    expect(impossible.back() == kInfinity, "that came");
    Floats large = run(Floats(in.size(), 1e30f), Floats(wte.size(), 1e30f)).losses;
    expect_spoiled("losses of 1e30", large, large, everything);
    Floats tiny = run(Floats(in.size(), 1e-40f), Floats(wte.size(), 1e-40f)).losses;
    expect(std::fabs(tiny[0] - std::log(257.0f)) < 1e-5f, "logits that vanish");
}

void layernorm(Device& device) {
    start(device, "finite layernorm");
    const Library& library = device.library();
    const int64_t N = 19, C = 128, true_C = 123, row = 17, c = 122;
    Noise noise;
    Floats a = noise.floats(N * C), b = noise.floats(N * C), g = noise.floats(N * C), w = noise.floats(C);
    float *w_memory = device.upload(w), *mean = device.upload(nans(N)), *rstd = device.upload(nans(N));
    struct Results {
        Floats out, din, dwdb;
    };
    auto run = [&](const Floats& x, const Floats& dout) {
        void *sum = device.upload_activations(nans(N * C)), *out = device.upload_activations(nans(N * C));
        void* din = device.upload_activations(Floats(N * C));
        float *dw = device.upload(Floats(C)), *db = device.upload(Floats(C));
        device.check(
            library.add_layernorm_forward(device, sum, out, mean, rstd, device.upload_activations(x),
                                          device.upload_activations(b), w_memory, w_memory, 1e-5f, N, C, true_C),
            "add_layernorm_forward");
        device.check(library.layernorm_backward(device, din, dw, db, device.upload_activations(dout), sum, mean, rstd,
                                                w_memory, N, C, true_C),
                     "layernorm_backward");
        Results got = {device.download_activations(out, N * C), device.download_activations(din, N * C),
                       device.download(dw, C)};
        Floats more = device.download(db, C);
        got.dwdb.insert(got.dwdb.end(), more.begin(), more.end());
        return got;
    };
    Results clean = run(a, g);
    auto of_row = [&](int64_t i) { return i / C == row && i % C < true_C; };
    for (float bad : kBad) {
        Results spoiled = run(with(a, row * C + c, bad), g);
        expect_spoiled("out", spoiled.out, clean.out, of_row);
        expect_spoiled("din", spoiled.din, clean.din, of_row);
        expect_spoiled("dw", spoiled.dwdb, clean.dwdb, [&](int64_t i) { return i < true_C; });
        spoiled = run(a, with(g, row * C + c, bad));
        expect_spoiled("din of dout", spoiled.din, clean.din, of_row);
        expect_spoiled("dw and db of dout", spoiled.dwdb, clean.dwdb, [&](int64_t i) { return i % C == c; });
        Results padding = run(with(a, row * C + true_C, bad), with(g, row * C + true_C, bad));
        expect_same_bits("what is planted into the padding", padding.out, clean.out);
    }
    // The variance overflows and the row is as if it had none: as on the CPU and in PyTorch, finite.
    Floats large = run(with(a, row * C + c, 1e30f), g).out;
    expect(std::isfinite(large[row * C]) && large[row * C] == device.round(w[0]), "1e30 leaves the bias");

    Floats pre = device.round(Floats{kNan, kInfinity, -kInfinity, 1e30f, -1e30f, 1e-40f, 0.5f, -0.5f});
    void* activated = device.upload_activations(nans(8));
    SN9_OK_OR_RETURN(library, library.gelu_forward(device, activated, device.upload_activations(pre), 8));
    Floats got = device.download_activations(activated, 8);
    expect(std::isnan(got[0]) && !std::isfinite(got[1]) && !std::isfinite(got[2]), "gelu of what is no number");
    expect(got[3] == pre[3] && got[4] == 0 && got[5] == device.round(pre[5] / 2), "gelu of what is large and small");
}

void rows(Device& device) {
    start(device, "finite embed, dropout and means");
    const Library& library = device.library();
    const int64_t B = 3, T = 5, C = 64, V = 128;
    Noise noise;
    Floats wte = noise.floats(V * C), wpe = noise.floats(T * C), dout = noise.floats(B * T * C);
    Ints tokens(B * T, 7);
    tokens[11] = 9;
    int32_t* ids = device.upload(tokens);
    float* positions = device.upload(wpe);
    auto out = [&](const Floats& words) {
        sn9_weight weight = prepare(device, words, V, C, SN9_EMBEDDING_WEIGHT);
        void* to = device.upload_activations(nans(B * T * C));
        device.check(library.embed_forward(device, to, ids, &weight, positions, B, T, C), "embed_forward");
        return device.download_activations(to, B * T * C);
    };
    auto gradient = [&](const Floats& g) {
        float *dwte = device.upload(Floats(V * C)), *dwpe = device.upload(Floats(T * C));
        device.check(library.embed_backward(device, dwte, dwpe, device.upload_activations(g), ids, B, T, C, V),
                     "embed_backward");
        Floats both = device.download(dwte, V * C), more = device.download(dwpe, T * C);
        both.insert(both.end(), more.begin(), more.end());
        return both;
    };
    sn9_step step = {};
    auto dropped = [&](const Floats& x) {
        void* to = device.upload_activations(nans(B * T * C));
        device.check(library.dropout(device, to, device.upload_activations(x), nullptr,
                                     device.upload(std::vector<sn9_step>{step}), 0.5f, 1, 1, B * T, C, C),
                     "dropout");
        return device.download_activations(to, B * T * C);
    };
    Floats clean = out(wte), clean_gradient = gradient(dout), clean_dropped = dropped(dout);
    for (float bad : kBad) {
        expect_spoiled("embed", out(with(wte, 9 * C + 3, bad)), clean, [&](int64_t i) { return i == 11 * C + 3; });
        expect_spoiled("dwte and dwpe", gradient(with(dout, 11 * C + 3, bad)), clean_gradient,
                       [&](int64_t i) { return i == 9 * C + 3 || i == V * C + C + 3; });
        for (int64_t at : {0, 1, 2, 3})  // kept or dropped: 0 times what is no number is none
            expect_spoiled("dropout", dropped(with(dout, at, bad)), clean_dropped, [&](int64_t i) { return i == at; });
        Floats losses = with(Floats(B * T, 1), 7, bad);
        double* means = device.upload(Doubles(B));
        SN9_OK_OR_RETURN(library, library.sequence_mean(device, means, device.upload(losses), ids, B, T));
        Doubles got = device.download(means, B);
        expect(got[0] == 1 && !std::isfinite(got[1]) && got[2] == 1, "the mean of its sequence");
    }
}

}  // namespace

void test_finite(const Library& library) {
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        Device device(library, precision);
        device.check(library.context_reserve(device, 4 << 20), "context_reserve");
        for (auto run : {linear, head_loss, layernorm, rows}) run(device);
    }
}
