// corners: inputs that noise does not reach and whose results are known beforehand: scores and logits whose
// exponentials only their maximum keeps finite, rows far from 0, padding that is no number, gradients so small that
// epsilon counts.
#include "rows.h"

using namespace sn9::test;

namespace {

// Scores of 128, and of -128 at every third key: the mean of the other keys' values.
void large_scores(Device& device) {
    start(device, "corners large scores");
    const Library& library = device.library();
    const int64_t T = 70, HS = 64;
    Floats qkv(T * 3 * HS);
    Doubles out, lse;
    double sum = 0, count = 0;
    for (int64_t t = 0; t < T; t++) {
        bool low = t % 3 == 2;
        float value = static_cast<float>(t % 5);
        qkv[t * 3 * HS] = 32;
        qkv[(t * 3 + 1) * HS] = low ? -32 : 32;
        for (int64_t i = 0; i < HS; i++) qkv[(t * 3 + 2) * HS + i] = value;
        if (!low) sum += value, count++;
        out.insert(out.end(), HS, sum / count);
        lse.push_back(128 + std::log(count));
    }
    void *in = device.upload_activations(qkv), *to = device.upload_activations(nans(T * HS));
    float* lse_memory = device.upload(nans(T));
    SN9_OK_OR_RETURN(library,
                     library.attention_forward(device, to, lse_memory, in, nullptr, 0, 0, 0.125f, 1, T, 1, HS));
    expect_close("out of large scores", device.download_activations(to, T * HS), out, device.bf16() ? 0x1p-8 : 1e-6);
    expect_close("lse of large scores", device.download(lse_memory, T), lse, 1e-6);
}

// Logits from 0 to 300.
void large_logits(Device& device) {
    start(device, "corners large logits");
    const Library& library = device.library();
    const int64_t N = 3, C = 64, V = 384, true_V = 301;
    Floats in(N * C), wte(V * C);
    for (int64_t i = 0; i < N; i++) in[i * C] = 1, in[i * C + 1] = 256;
    for (int64_t v = 0; v < V; v++) wte[v * C] = static_cast<float>(v % 256), wte[v * C + 1] = v < 256 ? 0 : 1;
    sn9_weight weight = prepare(device, wte, V, C, SN9_EMBEDDING_WEIGHT);
    int32_t* targets = device.upload(Ints{300, 290, 0});
    float* losses = device.upload(nans(N));
    SN9_OK_OR_RETURN(
        library, library.head_loss_forward(device, losses, device.upload_activations(in), &weight, targets, N, true_V));
    double rest = -std::log1p(-std::exp(-1.0));  // of 300, 299, 298...
    expect_close("losses of large logits", device.download(losses, N), {rest, 10 + rest, 300 + rest}, 1e-6);
}

// The variance has to be of the centred values, and of the true width; without b nothing clears the padding.
void far_rows(Device& device) {
    start(device, "corners far rows");
    const Library& library = device.library();
    const int64_t C = 64, true_C = 61;
    Noise noise;
    Floats x = noise.floats(true_C, 64.0), y = nans(C);
    for (float& value : x) value = device.round(4096 + value);
    double mean = 0, variance = 0;
    for (float value : x) mean += value / static_cast<double>(true_C);
    for (float value : x) variance += (value - mean) * (value - mean) / static_cast<double>(true_C);
    void *in = device.upload_activations(padded(x, 1, C, true_C, kNan)), *out = device.upload_activations(y);
    float *means = device.upload(nans(1)), *rstds = device.upload(nans(1)), *w = device.upload(Floats(C, 1.0f));
    SN9_OK_OR_RETURN(library, library.add_layernorm_forward(device, nullptr, out, means, rstds, in, nullptr, w, w,
                                                            1e-5f, 1, C, true_C));
    expect_close("mean of a far row", device.download(means, 1), {mean}, 1e-6);
    expect_close("rstd of a far row", device.download(rstds, 1), {1 / std::sqrt(variance)}, 1e-6);
}

// v is 1e-16 of the gradient's square: sqrt(v) is as large as epsilon.
void small_gradients(Device& device) {
    start(device, "corners small gradients");
    const Library& library = device.library();
    const int64_t n = 5;
    sn9_step step = {};
    step.learning_rate = 0.5f, step.beta1 = 0.5f, step.beta2 = 0.75f, step.epsilon = 1e-8f;
    step.bias_correction1 = 0.5f, step.bias_correction2 = 0.25f, step.finite = 1;
    Floats zeros(n);
    float *params = device.upload(zeros), *m = device.upload(zeros), *v = device.upload(zeros);
    SN9_OK_OR_RETURN(library, library.adamw(device, params, m, v, nullptr, device.upload(Floats(n, 1e-8f)),
                                            device.upload(std::vector<sn9_step>{step}), 0, n));
    expect_close("params after small gradients", device.download(params, n), Doubles(n, -0.25), 1e-6);
}

// What the backward pass recomputes has the bits of the forward pass.
void gelu_again(Device& device) {
    start(device, "corners gelu again");
    const Library& library = device.library();
    const int64_t N = 7, C = 64, OC = 144;
    Noise noise;
    sn9_weight weight = prepare(device, noise.floats(C * OC), C, OC, SN9_LINEAR_WEIGHT);
    void *in = device.upload_activations(noise.floats(N * C)), *out = device.allocate_activations(N * OC);
    void *pre = device.allocate_activations(N * OC), *again = device.allocate_activations(N * OC);
    SN9_OK_OR_RETURN(library, library.linear_forward(device, out, pre, in, &weight, nullptr, nullptr, SN9_GELU, N));
    SN9_OK_OR_RETURN(library, library.gelu_forward(device, again, pre, N * OC));
    expect_same_bits("gelu of pre is out", device.download_activations(again, N * OC),
                     device.download_activations(out, N * OC));
}

}  // namespace

void test_corners(const Library& library) {
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        Device device(library, precision);
        device.check(library.context_reserve(device, 1 << 20), "context_reserve");
        large_scores(device);
        large_logits(device);
        far_rows(device);
        small_gradients(device);
        gelu_again(device);
    }
}
