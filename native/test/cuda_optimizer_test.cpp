// grad_norm and adamw of a CUDA library: against plain double-precision loops, with and without clipping, a copy and
// gradients that are no numbers; more elements than the blocks cover at once.
#include <algorithm>

#include "rows.h"

using namespace sn9::test;

namespace {

void optimizer(Device& device, int64_t n, float clip) {
    start(device, "optimizer n=%ld clip=%g", n, static_cast<double>(clip));
    const Library& library = device.library();
    Noise noise;
    Floats p = noise.floats(n), m = noise.floats(n), v = noise.floats(n), g = noise.floats(n);
    for (auto& x : v) x = std::fabs(x);
    double squares = 0;
    for (float x : g) squares += static_cast<double>(x) * x;
    sn9_step step = {};
    step.learning_rate = 1e-2f, step.beta1 = 0.9f, step.beta2 = 0.95f, step.epsilon = 1e-8f, step.weight_decay = 0.1f;
    step.bias_correction1 = 0.271f, step.bias_correction2 = 0.142625f, step.grad_clip = clip;
    step.finite = -1;
    sn9_step* step_memory = device.upload(std::vector<sn9_step>{step});
    float* grads = device.upload(g);
    float* params = device.upload(p);
    float* m_memory = device.upload(m);
    float* v_memory = device.upload(v);
    void* copy = device.upload_activations(nans(n));
    SN9_OK_OR_RETURN(library, library.grad_norm(device, step_memory, grads, n));
    sn9_step got = device.download(step_memory, 1)[0];
    // Squares of floats are exact in f64; the loop above and the kernel add up to n of them, of one sign.
    Wanted norm;
    norm.add(std::sqrt(squares), roundings(static_cast<double>(n), squares * squares, kF64) / std::sqrt(squares) +
                                     2 * kF64 * std::sqrt(squares));
    expect_within(device, "norm", Doubles{got.grad_norm}, norm);
    expect(got.finite == 1, "finite");
    expect_same_in_every_order(library, "the norm in another order", [&] {
        device.check(library.grad_norm(device, step_memory, grads, n), "grad_norm");
        double norm = device.download(step_memory, 1)[0].grad_norm;
        Floats halves(2);
        memcpy(halves.data(), &norm, sizeof norm);
        return halves;
    });
    expect(got.learning_rate == step.learning_rate && got.seed == step.seed, "the rest of the step is left alone");

    int64_t decayed = n / 3;
    double scale = clip > 0 ? std::min(1.0, clip / (std::sqrt(squares) + 1e-6)) : 1;
    // A clipped gradient passes 2 roundings (the scale's, the product's). m: 2 products and their sum; v: one product
    // more, and the gradient twice. The update: m and 1 / correction1 to their product, v's half in the root, 5 more;
    // a parameter: the decay's factor and product, and the difference.
    Wanted p_wanted, m_wanted, v_wanted;
    for (int64_t i = 0; i < n; i++) {
        double grad = g[i] * scale, decay = i < decayed ? step.learning_rate * step.weight_decay : 0;
        double old_m = step.beta1 * m[i], new_m = (1.0 - step.beta1) * grad, m_now = old_m + new_m;
        double old_v = step.beta2 * v[i], new_v = (1.0 - step.beta2) * grad * grad, v_now = old_v + new_v;
        m_wanted.add(m_now, kF32 * (std::fabs(old_m) + 3 * std::fabs(new_m) + std::fabs(m_now)));
        v_wanted.add(v_now, kF32 * (old_v + 6 * new_v + v_now));
        double root = std::sqrt(v_now / step.bias_correction2) + step.epsilon;
        double update = step.learning_rate * (m_now / step.bias_correction1) / root;
        double update_bound = std::fabs(update) * (v_wanted.bound.back() / v_now / 2 + 8 * kF32) +
                              step.learning_rate * m_wanted.bound.back() / step.bias_correction1 / root;
        p_wanted.add(p[i] * (1 - decay) - update, update_bound + 3 * kF32 * std::fabs(p[i]) + kF32 * std::fabs(update));
    }
    SN9_OK_OR_RETURN(library, library.adamw(device, params, m_memory, v_memory, copy, grads, step_memory, decayed, n));
    Floats p_got = device.download(params, n);
    expect_within(device, "params", p_got, p_wanted);
    Floats m_got = device.download(m_memory, n), v_got = device.download(v_memory, n);
    expect_within(device, "m", m_got, m_wanted);
    expect_within(device, "v", v_got, v_wanted);
    expect_same_bits("copy", device.download_activations(copy, n), device.round(p_got));

    // Without a copy; then gradients that are no numbers, which change nothing.
    float* params_again = device.upload(p);
    float* m_again = device.upload(m);
    float* v_again = device.upload(v);
    SN9_OK_OR_RETURN(library,
                     library.adamw(device, params_again, m_again, v_again, nullptr, grads, step_memory, decayed, n));
    expect_same_bits("params without a copy", device.download(params_again, n), p_got);
    for (float bad : {kNan, HUGE_VALF}) {
        g[static_cast<size_t>(n / 2)] = bad;
        float* bad_grads = device.upload(g);
        SN9_OK_OR_RETURN(library, library.grad_norm(device, step_memory, bad_grads, n));
        expect(device.download(step_memory, 1)[0].finite == 0, "not finite");
        SN9_OK_OR_RETURN(library,
                         library.adamw(device, params, m_memory, v_memory, copy, bad_grads, step_memory, decayed, n));
        expect_same_bits("nothing changes", device.download(params, n), p_got);
        expect_same_bits("m stays", device.download(m_memory, n), m_got);
        expect_same_bits("v stays", device.download(v_memory, n), v_got);
    }
}

}  // namespace

void test_optimizer(const Library& library) {
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        for (int64_t n : {1, 3, 4, 1025, 70001, 1048579}) {
            if (small() && n > 10000) continue;  // more of what each block walks over
            Device device(library, precision);
            device.check(library.context_reserve(device, 8192), "context_reserve");
            optimizer(device, n, n < 100000 ? 0.5f : 1e9f);
            if (n == 1025) optimizer(device, n, 0);
        }
    }
}
