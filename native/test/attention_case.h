// attention_case: what the tests of attention share: a problem, its tensors, and a run of both passes on the device.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "library.h"

namespace sn9::test::attention {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

constexpr int32_t kLayer = 3;

struct Case {
    int64_t B, T, NH, HS, true_HS;  // columns of a head from true_HS on are 0
    float probability = 0;          // of dropout
    int64_t before = 0;             // sequences of the batch before these, for the mask of dropout

    int64_t width() const { return NH * HS; }
    float scale() const { return 1.0f / std::sqrt(static_cast<float>(true_HS)); }
    sn9_step step() const {
        sn9_step step{};
        step.seed = 0x1234567890ABCDEFu;
        step.micro_step = 7;
        return step;
    }
};

inline void start(const Device& device, const char* what, const Case& c) {
    tally().current = std::string(what) + " " + device.arithmetic() + " B=" + std::to_string(c.B) +
                      " T=" + std::to_string(c.T) + " NH=" + std::to_string(c.NH) + " HS=" + std::to_string(c.HS) +
                      " p=" + std::to_string(c.probability);
}

struct Inputs {
    Floats qkv, dout;  // (B, T, 3*NH*HS), (B, T, NH*HS)
};
struct Results {
    Floats out, lse, dqkv;  // (B, T, NH*HS), (B, NH, T), (B, T, 3*NH*HS)
};

// Noise with values of the device's activation type.
inline Inputs noise_of(const Device& device, const Case& c, Noise& noise) {
    auto rows = [&](int64_t n) {
        Floats x = device.round(noise.floats(n * c.width()));
        for (size_t i = 0; i < x.size(); i++)
            if (static_cast<int64_t>(i) % c.HS >= c.true_HS) x[i] = 0;
        return x;
    };
    return {rows(c.B * c.T * 3), rows(c.B * c.T)};
}

// The part of one sequence in a tensor of B of them.
inline Floats sequence(const Floats& tensor, const Case& c, int64_t b) {
    auto size = static_cast<int64_t>(tensor.size()) / c.B;
    return Floats(tensor.begin() + b * size, tensor.begin() + (b + 1) * size);
}

inline bool succeeded(const Device& device, int32_t status) {
    if (status != SN9_OK) failed("status %d: %s", status, device.library().last_error());
    return status == SN9_OK;
}

// Forward pass into memory full of NaN, with lse and without, which must not matter; but where evaluation has products
// of its own, these are results.out.
inline bool run_forward(Results& results, Device& device, const Case& c, const Floats& qkv) {
    const Library& library = device.library();
    int64_t size = c.B * c.T * c.width(), rows = c.B * c.NH * c.T;
    Floats nans(static_cast<size_t>(size), NAN);
    sn9_step* step = c.probability > 0 ? device.upload(std::vector<sn9_step>{c.step()}) : nullptr;
    void *in = device.upload_activations(qkv), *out = device.upload_activations(nans);
    void* without_lse = device.upload_activations(nans);
    float* lse = device.upload(Floats(static_cast<size_t>(rows), NAN));
    for (bool with : {true, false})
        if (!succeeded(device, library.attention_forward(device, with ? out : without_lse, with ? lse : nullptr, in,
                                                         step, c.probability, kLayer, c.scale(), c.B, c.T, c.NH, c.HS)))
            return false;
    results.out = device.download_activations(out, size);
    results.lse = device.download(lse, rows);
    Floats evaluated = device.download_activations(without_lse, size);
    if (device.split() && c.probability == 0)
        results.out = evaluated;
    else
        expect_same_bits("out without lse", evaluated, results.out);
    return true;
}

// Gradient into memory full of NaN, from results.out and results.lse.
inline bool run_backward(Results& results, Device& device, const Case& c, const Inputs& inputs) {
    const Library& library = device.library();
    int64_t size = c.B * c.T * c.width();
    sn9_step* step = c.probability > 0 ? device.upload(std::vector<sn9_step>{c.step()}) : nullptr;
    void *in = device.upload_activations(inputs.qkv), *dout = device.upload_activations(inputs.dout);
    void* out = device.upload_activations(results.out);
    void* dqkv = device.upload_activations(Floats(static_cast<size_t>(3 * size), NAN));
    float* lse = device.upload(results.lse);
    if (!succeeded(device, library.context_reserve(device, c.B * c.NH * c.T * 4)) ||
        !succeeded(device, library.attention_backward(device, dqkv, dout, out, in, lse, step, c.probability, kLayer,
                                                      c.scale(), c.B, c.T, c.NH, c.HS)))
        return false;
    results.dqkv = device.download_activations(dqkv, 3 * size);
    return true;
}

inline bool run(Results& results, Device& device, const Case& c, const Inputs& inputs) {
    return run_forward(results, device, c, inputs.qkv) && run_backward(results, device, c, inputs);
}

}  // namespace sn9::test::attention
