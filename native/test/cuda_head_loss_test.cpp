// head_loss of a CUDA library against plain double-precision loops: rows 1, primes and past a chunk, vocabularies that
// end inside a tile, inside a block's share and at GPT-2's 50,257, garbage in the padding rows of wte, targets that
// count nothing, dwte += into a dirty buffer, the same bits of a row for every N, in training and in evaluation.
// Tolerances: cuda_linear_test.cpp; logits are f32 in both precisions.
#include <algorithm>

#include "split.h"

using namespace sn9::test;

namespace {

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;

double sum_tolerance(int64_t K) {
    return 1e-6 * std::sqrt(static_cast<double>(K)) + 1.2e-7 * static_cast<double>(K) / 8;
}

Doubles zeros(int64_t n) {
    return Doubles(static_cast<size_t>(n));
}

sn9_weight prepare(Device& device, const Floats& values, int64_t rows, int64_t cols, int32_t trained) {
    const Library& library = device.library();
    int64_t bytes = 0;
    device.check(library.weight_bytes(device, &bytes, rows, cols, SN9_EMBEDDING_WEIGHT, trained), "weight_bytes");
    void* storage = bytes ? device.allocate<char>(bytes) : nullptr;
    sn9_weight weight;
    device.check(library.weight_prepare(device, &weight, storage, device.upload(values), SN9_F32, rows, cols,
                                        SN9_EMBEDDING_WEIGHT, trained),
                 "weight_prepare");
    return weight;
}

// A head's inputs, and what the loops make of them with a loss scale of kScale.
struct Head {
    static constexpr double kScale = 4;
    int64_t N, C, V, true_V;
    Floats in, wte;  // as the device has them; rows of wte from true_V on hold garbage
    std::vector<int32_t> targets;
    Doubles logits, losses, din, dwte;  // (N, true_V), (N), (N, C), (V, C)

    Head(const Device& device, Noise& noise, int64_t N_, int64_t C_, int64_t V_, int64_t true_V_)
        : N(N_),
          C(C_),
          V(V_),
          true_V(true_V_),
          in(device.round(noise.floats(N * C))),
          wte(device.round(noise.floats(V * C, 0.5))),
          targets(static_cast<size_t>(N)),
          logits(zeros(N * true_V)),
          losses(zeros(N)),
          din(zeros(N * C)),
          dwte(zeros(V * C)) {
        for (size_t i = static_cast<size_t>(true_V * C); i < wte.size(); i++) wte[i] *= 4;
        for (int64_t i = 0; i < N; i++) {
            targets[i] = i % 5 == 4 ? -1 : static_cast<int32_t>((i * 7919 + true_V - 1) % true_V);
            double top = -1e30, total = 0, *row = &logits[i * true_V];
            for (int64_t v = 0; v < true_V; v++) {
                for (int64_t c = 0; c < C; c++) row[v] += static_cast<double>(in[i * C + c]) * wte[v * C + c];
                top = std::max(top, row[v]);
            }
            if (targets[i] < 0) continue;
            for (int64_t v = 0; v < true_V; v++) total += std::exp(row[v] - top);
            losses[i] = top + std::log(total) - row[targets[i]];
            for (int64_t v = 0; v < true_V; v++) {
                double g = kScale * (std::exp(row[v] - top) / total - (v == targets[i]));
                for (int64_t c = 0; c < C; c++) {
                    din[i * C + c] += g * wte[v * C + c];
                    dwte[v * C + c] += g * in[i * C + c];
                }
            }
        }
    }
};

// The losses' bits.
Floats forward(Device& device, const Head& head, int32_t trained) {
    const Library& library = device.library();
    int64_t N = head.N, C = head.C, true_V = head.true_V;
    sn9_weight weight = prepare(device, head.wte, head.V, C, trained);
    void* in = device.upload_activations(head.in);
    float* losses = device.upload(Floats(head.losses.size(), NAN));
    device.check(library.head_loss_forward(device, losses, in, &weight, device.upload(head.targets), N, true_V),
                 "head_loss_forward");
    Floats kept = device.download(losses, N);
    double tolerance = sum_tolerance(C) + 1e-6;
    // wte is half as large as the operands of split_tolerance, and a loss is the difference of two logits, one of them
    // a mean.
    bool split = device.precision() == SN9_PRECISION_FP32_SPLIT && !trained;
    expect_close("losses", kept, head.losses, split ? split_tolerance(C) : tolerance);

    void* one = device.upload_activations(Floats(head.in.end() - C, head.in.end()));
    int32_t* target = device.upload(std::vector<int32_t>{head.targets.back()});
    float* loss = device.upload(Floats{NAN});
    device.check(library.head_loss_forward(device, loss, one, &weight, target, 1, true_V), "head_loss_forward");
    expect_same_bits("a row alone", device.download(loss, 1), Floats{kept.back()});

    int32_t* rows = device.upload(std::vector<int32_t>{static_cast<int32_t>(N - 1), 0});
    float* logits = device.upload(Floats(static_cast<size_t>(2 * true_V), NAN));
    device.check(library.head_logits(device, logits, in, &weight, rows, 2, true_V), "head_logits");
    Doubles wanted(head.logits.end() - true_V, head.logits.end());
    wanted.insert(wanted.end(), head.logits.begin(), head.logits.begin() + true_V);
    expect_close("logits of the last and the first row", device.download(logits, 2 * true_V), wanted, tolerance);
    return kept;
}

void backward(Device& device, Noise& noise, const Head& head, const Floats& losses_wanted) {
    const Library& library = device.library();
    int64_t N = head.N, C = head.C, V = head.V, true_V = head.true_V;
    sn9_weight weight = prepare(device, head.wte, V, C, 1);
    sn9_step step = {};
    step.loss_scale = static_cast<float>(Head::kScale);
    Floats dirt = noise.floats(V * C);
    Doubles wanted = head.dwte;
    for (size_t i = 0; i < wanted.size(); i++) wanted[i] += dirt[i];
    float *losses = device.upload(Floats(head.losses.size(), NAN)), *dwte = device.upload(dirt);
    void* din = device.upload_activations(Floats(head.in.size(), NAN));
    SN9_OK_OR_RETURN(library, library.head_loss_backward(device, losses, din, dwte, device.upload_activations(head.in),
                                                         &weight, device.upload(head.targets),
                                                         device.upload(std::vector<sn9_step>{step}), N, true_V));
    expect_same_bits("the training loss has the bits of evaluation", device.download(losses, N), losses_wanted);
    double f32 = Head::kScale * (sum_tolerance(C) + sum_tolerance(N) + 1e-6);
    expect_close("din =", device.download_activations(din, N * C), head.din, device.bf16() ? 0x1p-7 : f32);
    // In bf16 each of N factors of up to kScale is off by 2^-9 of itself.
    double rounding = std::max(0x1p-7, Head::kScale * 0x1p-11 * std::sqrt(static_cast<double>(N)));
    Floats got = device.download(dwte, V * C);
    expect_close("dwte +=", got, wanted, device.bf16() ? rounding : f32);
    expect_same_bits("padding words get no gradient", Floats(got.begin() + true_V * C, got.end()),
                     Floats(dirt.begin() + true_V * C, dirt.end()));
}

void head(const Library& library, int32_t precision, int64_t N, int64_t C, int64_t V, int64_t true_V) {
    Device device(library, precision);
    tally().current = std::string("head_loss ") + precision_name(precision) + " N=" + std::to_string(N) +
                      " C=" + std::to_string(C) + " true_V=" + std::to_string(true_V);
    Noise noise;
    Head made(device, noise, N, C, V, true_V);
    int64_t bytes = 0;
    device.check(library.workspace_bytes(device, &bytes, 1, N, C, 1, 64, C, V, 1), "workspace_bytes");
    device.check(library.context_reserve(device, bytes), "context_reserve");
    bool split = precision == SN9_PRECISION_FP32_SPLIT;
    Floats losses = forward(device, made, split ? 0 : 1);
    if (split) {
        auto wte = [&](int64_t k, int64_t n) { return made.wte[n * C + k]; };
        if (N > 1)
            expect_less_would_miss(made.in, std::min<int64_t>(N, 16), C, std::min<int64_t>(V, 512), wte,
                                   split_tolerance(C));
        return;  // trains as FP32_SIMT
    }
    if (V < 50000) expect_same_bits("either form of weight", forward(device, made, 0), losses);
    backward(device, noise, made, losses);
}

void refusals(const Library& library) {
    tally().current = "head_loss refuses";
    Device device(library);
    Floats values(128 * 64, 0.125f);
    sn9_weight weight = prepare(device, values, 128, 64, 0);
    float *x = device.upload(values), *loss = device.upload(Floats{NAN});
    int32_t* target = device.upload(std::vector<int32_t>{120});
    sn9_step* step = device.upload(std::vector<sn9_step>(1));
    expect(library.head_loss_forward(device, loss, x, &weight, target, 1, 100) == SN9_BAD_ARGUMENT,
           "a workspace that is not there");
    int64_t bytes = 0;
    device.check(library.workspace_bytes(device, &bytes, 1, 1, 64, 1, 64, 64, 128, 1), "workspace_bytes");
    device.check(library.context_reserve(device, bytes), "context_reserve");
    SN9_OK_OR_RETURN(library, library.head_loss_forward(device, loss, x, &weight, target, 1, 100));
    expect(std::isnan(device.download(loss, 1)[0]), "a target that is no word makes its loss NaN");
    SN9_OK_OR_RETURN(library, library.head_loss_forward(device, loss, x, &weight, target, 1, 121));
    expect(std::fabs(device.download(loss, 1)[0] - std::log(121.0f)) < 1e-5f, "equal words share the probability");
    expect(library.head_loss_forward(device, loss, x, &weight, target, 1, 129) == SN9_BAD_ARGUMENT,
           "more words than rows");
    expect(library.head_loss_backward(device, loss, x, x, x, &weight, target, step, 1, 100) == SN9_BAD_ARGUMENT,
           "an embedding that is not trained");
}

}  // namespace

void test_head_loss(const Library& library) {
    refusals(library);
    for (int32_t precision : kPrecisions) {
        head(library, precision, 1, 64, 128, 1);
        head(library, precision, 131, 128, 384, 257);
        head(library, precision, 3, 64, 4224, 4111);
        head(library, precision, 4099, 64, 128, 101);
        head(library, precision, 2, 64, 50304, 50257);
    }
}
