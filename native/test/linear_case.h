// linear_case: what the tests of linear share: one layer's inputs, the sums of the loops, and what may be off from
// them.
#pragma once

#include "reference_gelu.h"
#include "rows.h"

namespace sn9::test {

// One layer's inputs, as the device has them, and the sums of the loops.
struct LinearCase {
    int64_t N, C, OC;
    Floats in, w, bias, residual, dout, pre;  // (N, C), (C, OC), (OC), (N, OC), (N, OC), (N, C)
    Sums product, din, dw, db;                // in * w; dout * w^T; in^T * dout; columns of dout

    LinearCase(const Device& device, int64_t N_, int64_t C_, int64_t OC_)
        : N(N_), C(C_), OC(OC_), product(N * OC), din(N * C), dw(C * OC), db(OC) {
        Noise noise;
        in = device.round(noise.floats(N * C));
        w = device.round(noise.floats(C * OC));
        bias = noise.floats(OC);
        residual = device.round(noise.floats(N * OC));
        dout = device.round(noise.floats(N * OC));
        pre = device.round(noise.floats(N * C, 3.0));
        for (int64_t i = 0; i < N; i++) {
            for (int64_t c = 0; c < C; c++)
                for (int64_t o = 0; o < OC; o++) {
                    double x = in[i * C + c], weight = w[c * OC + o], g = dout[i * OC + o];
                    product.add(i * OC + o, x * weight);
                    din.add(i * C + c, g * weight);
                    dw.add(c * OC + o, x * g);
                }
            for (int64_t o = 0; o < OC; o++) db.add(o, dout[i * OC + o]);
        }
    }

    // The workspace that training such a layer needs.
    void reserve(Device& device) const {
        const Library& library = device.library();
        int64_t bytes = 0;
        device.check(library.workspace_bytes(device, &bytes, 1, N, C, 1, 64, OC, 128, 1), "workspace_bytes");
        device.check(library.context_reserve(device, bytes), "context_reserve");
    }

    // gelu of pre as it was kept, and a residual.
    Wanted wanted_gelu(const Device& device, const Floats& kept, bool with_residual) const {
        Wanted out;
        for (float x : kept) {
            Gelu gelu(x);
            out.add(gelu.value, gelu.value_bound);
        }
        return (with_residual ? out.onto(residual) : out).stored(device);
    }
    // din through gelu of these, onto what was there before, where something was.
    Wanted wanted_through_gelu(const Device& device, const Floats& of, const Floats& before = {}) const {
        Wanted sum = products(device, din, OC);
        for (size_t i = 0; i < sum.value.size(); i++) {
            Gelu gelu(of[i]);
            sum.bound[i] =
                sum.bound[i] * std::fabs(gelu.derivative) +
                (std::fabs(sum.value[i]) + sum.bound[i]) * (gelu.derivative_bound + kF32 * std::fabs(gelu.derivative));
            sum.value[i] *= gelu.derivative;
        }
        return (before.empty() ? sum : sum.onto(before)).stored(device);
    }
    // Rows in blocks of 256, each by 8 threads, whose sums are added up.
    Wanted wanted_db() const {
        double n = 256 / 8 + 8 + std::ceil(static_cast<double>(N) / 256);
        return wanted_of(db, [&](int64_t i) { return db.bound(i, std::min(n, static_cast<double>(N))); });
    }
};

}  // namespace sn9::test
