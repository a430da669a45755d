// linear and matmul of a CUDA library against plain double-precision loops: rows 1, primes and one past a tile, widths
// that end inside a tile, sums cut into parts, += into dirty buffers, the same bits of a row for every N and place, and
// of everything in every order of blocks. Tolerances: tolerance.h.
#include "linear_case.h"
#include "split.h"

using namespace sn9::test;

namespace {

// Rows in the opposite order.
Floats reversed(const Floats& x, int64_t rows) {
    Floats y(x.size());
    int64_t width = static_cast<int64_t>(x.size()) / rows;
    for (int64_t i = 0; i < rows; i++) std::copy_n(x.begin() + i * width, width, y.begin() + (rows - 1 - i) * width);
    return y;
}

Wanted wanted_pre(const Device& device, const LinearCase& layer) {
    Wanted sum = products(device, layer.product, layer.C);
    for (size_t i = 0; i < sum.value.size(); i++) {
        sum.value[i] += layer.bias[i % static_cast<size_t>(layer.OC)];
        sum.bound[i] += kF32 * (std::fabs(sum.value[i]) + sum.bound[i]);
    }
    return sum.stored(device);
}

// The loops' gradients are those of the sum of dout * (activation(in) * w + bias).
void reference(const Library& library) {
    tally().current = "linear reference";
    if (unwanted()) return;
    Device device(library);
    const int64_t N = 3, C = 5, OC = 7;
    LinearCase layer(device, N, C, OC);
    auto total = [&](const Doubles& in, const Doubles& w, const Doubles& bias) {
        double sum = 0;
        for (int64_t i = 0; i < N * C * OC; i++) {
            int64_t row = i / (C * OC), c = i / OC % C, o = i % OC;
            sum += layer.dout[row * OC + o] * (in[row * C + c] * w[c * OC + o] + (c == 0 ? bias[o] : 0));
        }
        return sum;
    };
    Doubles in = doubles(layer.in), w = doubles(layer.w), bias = doubles(layer.bias);
    expect_gradient(
        "din", [&](const Doubles& x) { return total(x, w, bias); }, in, layer.din.value);
    expect_gradient(
        "dw", [&](const Doubles& x) { return total(in, x, bias); }, w, layer.dw.value);
    expect_gradient(
        "db", [&](const Doubles& x) { return total(in, w, x); }, bias, layer.db.value);
    auto through_gelu = [&](Doubles x) {
        for (double& v : x) v = 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
        return total(x, w, bias);
    };
    expect_gradient("through gelu", through_gelu, doubles(layer.pre),
                    layer.wanted_through_gelu(device, layer.pre).value);
}

void forward(Device& device, const LinearCase& layer, int32_t trained) {
    const Library& library = device.library();
    int64_t N = layer.N, C = layer.C, OC = layer.OC;
    sn9_weight weight = prepare(device, layer.w, C, OC, SN9_LINEAR_WEIGHT, trained);
    void *in = device.upload_activations(layer.in), *residual = device.upload_activations(layer.residual);
    void *out = nothing(device, N * OC), *pre = nothing(device, N * OC);
    const float* bias = device.upload(layer.bias);
    SN9_OK_OR_RETURN(library, library.linear_forward(device, out, pre, in, &weight, bias, residual, SN9_GELU, N));
    Floats kept = device.download_activations(out, N * OC), pre_kept = device.download_activations(pre, N * OC);
    expect_within(device, "forward pre", pre_kept, wanted_pre(device, layer));
    expect_within(device, "forward gelu + residual", kept, layer.wanted_gelu(device, pre_kept, true));
    expect_same_in_every_order(library, "out in another order", [&] {
        device.check(library.linear_forward(device, out, nullptr, in, &weight, bias, residual, SN9_GELU, N),
                     "linear_forward");
        return device.download_activations(out, N * OC);
    });

    void *one = device.upload_activations(Floats(layer.in.end() - C, layer.in.end())), *one_out = nothing(device, OC);
    void* one_residual = device.upload_activations(Floats(layer.residual.end() - OC, layer.residual.end()));
    SN9_OK_OR_RETURN(library,
                     library.linear_forward(device, one_out, nullptr, one, &weight, bias, one_residual, SN9_GELU, 1));
    expect_same_bits("a row alone", device.download_activations(one_out, OC), Floats(kept.end() - OC, kept.end()));

    void *back = device.upload_activations(reversed(layer.in, N)), *back_out = nothing(device, N * OC);
    void* back_residual = device.upload_activations(reversed(layer.residual, N));
    SN9_OK_OR_RETURN(
        library, library.linear_forward(device, back_out, nullptr, back, &weight, bias, back_residual, SN9_GELU, N));
    expect_same_bits("rows at other places", device.download_activations(back_out, N * OC), reversed(kept, N));

    SN9_OK_OR_RETURN(library,
                     library.linear_forward(device, out, nullptr, in, &weight, nullptr, nullptr, SN9_NO_ACTIVATION, N));
    expect_within(device, "forward product alone", device.download_activations(out, N * OC),
                  products(device, layer.product, C).stored(device));
}

void backward(Device& device, const LinearCase& layer) {
    const Library& library = device.library();
    int64_t N = layer.N, C = layer.C, OC = layer.OC;
    Noise noise(99);
    sn9_weight weight = prepare(device, layer.w, C, OC, SN9_LINEAR_WEIGHT);
    void *in = device.upload_activations(layer.in), *dout = device.upload_activations(layer.dout);
    void *pre = device.upload_activations(layer.pre), *din = nothing(device, N * C);
    SN9_OK_OR_RETURN(library, library.linear_backward_input(device, din, dout, &weight, pre, SN9_GELU, 0, N));
    expect_within(device, "din = through gelu", device.download_activations(din, N * C),
                  layer.wanted_through_gelu(device, layer.pre));

    Floats dirt = device.round(noise.floats(N * C));
    void* added = device.upload_activations(dirt);
    SN9_OK_OR_RETURN(library,
                     library.linear_backward_input(device, added, dout, &weight, nullptr, SN9_NO_ACTIVATION, 1, N));
    expect_within(device, "din +=", device.download_activations(added, N * C),
                  products(device, layer.din, OC).onto(dirt).stored(device));

    Floats dw_dirt = noise.floats(C * OC), db_dirt = noise.floats(OC);
    float *dw = device.upload(dw_dirt), *db = device.upload(db_dirt);
    SN9_OK_OR_RETURN(library, library.linear_backward_weight(device, dw, db, in, dout, N, C, OC));
    Floats dw_kept = device.download(dw, C * OC);
    expect_within(device, "dw +=", dw_kept, products(device, layer.dw, N).onto(dw_dirt));
    expect_within(device, "db +=", device.download(db, OC), layer.wanted_db().onto(db_dirt));
    float* again = device.upload(dw_dirt);
    SN9_OK_OR_RETURN(library, library.linear_backward_weight(device, again, nullptr, in, dout, N, C, OC));
    expect_same_bits("dw again, without db", device.download(again, C * OC), dw_kept);
    expect_same_in_every_order(library, "dw and db in another order", [&] {
        device.upload_to(dw, dw_dirt);
        device.upload_to(db, db_dirt);
        device.check(library.linear_backward_weight(device, dw, db, in, dout, N, C, OC), "linear_backward_weight");
        Floats both = device.download(dw, C * OC), more = device.download(db, OC);
        both.insert(both.end(), more.begin(), more.end());
        return both;
    });
}

void linear(const Library& library, int32_t precision, int64_t N, int64_t C, int64_t OC) {
    Device device(library, precision);
    start(device, "linear N=%ld C=%ld OC=%ld", N, C, OC);
    if (unwanted()) return;
    LinearCase layer(device, N, C, OC);
    layer.reserve(device);
    forward(device, layer, 0);
    if (device.split()) {
        auto in = [&](int64_t m, int64_t k) { return layer.in[m * C + k]; };
        auto w = [&](int64_t k, int64_t n) { return layer.w[k * OC + n]; };
        if (N > 1) expect_less_would_miss(device, layer.product, std::min<int64_t>(N, 64), C, OC, in, w);
        return;  // trains as FP32_SIMT
    }
    forward(device, layer, 1);
    backward(device, layer);
}

// Sources of every type, also unaligned, and numbers that bf16 halves must carry: large, tiny, infinite.
void split_weights(const Library& library) {
    tally().current = "linear split weights";
    Device device(library, SN9_PRECISION_FP32_SPLIT);
    constexpr int64_t kSide = 64;
    Noise noise;
    std::vector<double> exact(kSide * kSide);
    Floats in(kSide * kSide), rounded_to[3];
    std::vector<uint16_t> bf16_source, f16_source;
    for (size_t i = 0; i < exact.size(); i++) {
        exact[i] = noise.next();
        in[i] = i % (kSide + 1) == 0 ? 1.0f : 0.0f;                       // the identity: out is w, high plus low
        uint16_t half = static_cast<uint16_t>(0x2C00 + i * 13 % 0x1000);  // f16 of 2^-4 to 1
        f16_source.push_back(half);
        rounded_to[2].push_back(std::ldexp(1024.0f + static_cast<float>(half % 1024), half / 1024 - 25));
        bf16_source.push_back(to_bf16(static_cast<float>(exact[i])));
        rounded_to[1].push_back(from_bf16(bf16_source.back()));
        rounded_to[0].push_back(static_cast<float>(exact[i]));
    }
    const void* x = device.upload(in);
    float* out = device.allocate(kSide * kSide);
    void* storage = device.allocate<char>(kSide * kSide * 4);
    auto product = [&](const void* source, int32_t type) {
        sn9_weight weight;
        device.check(library.weight_prepare(device, &weight, storage, source, type, kSide, kSide, SN9_LINEAR_WEIGHT, 0),
                     "weight_prepare");
        device.check(
            library.linear_forward(device, out, nullptr, x, &weight, nullptr, nullptr, SN9_NO_ACTIVATION, kSide),
            "linear_forward");
        return device.download(out, kSide * kSide);
    };
    expect_close("from f64", product(device.upload(exact), SN9_F64), exact, 0x1p-17);
    expect_close("from f32", product(device.upload(rounded_to[0]), SN9_F32), exact, 0x1p-17);
    expect_close("from bf16", product(device.upload(bf16_source), SN9_BF16), doubles(rounded_to[1]), 0);
    expect_close("from f16", product(device.upload(f16_source), SN9_F16), doubles(rounded_to[2]), 0);
    f16_source.insert(f16_source.begin(), 0);
    expect_close("from unaligned f16", product(device.upload(f16_source) + 1, SN9_F16), doubles(rounded_to[2]), 0);

    Floats wide = rounded_to[0];
    wide[0] = 1e30f, wide[kSide + 1] = -3e38f, wide[2 * kSide + 2] = 1e-30f, wide[3 * kSide + 3] = INFINITY;
    Floats got = product(device.upload(wide), SN9_F32);
    expect(std::fabs(got[0] / 1e30f - 1) < 0x1p-16f, "1e30");
    expect(std::fabs(got[kSide + 1] / -3e38f - 1) < 0x1p-16f, "-3e38");
    expect(std::fabs(got[2 * kSide + 2] / 1e-30f - 1) < 0x1p-16f, "1e-30");
    expect(!std::isfinite(got[3 * kSide + 3]), "infinity is not finite");
    sn9_weight weight;
    expect(library.weight_prepare(device, &weight, storage, x, SN9_I32, kSide, kSide, SN9_LINEAR_WEIGHT, 0) ==
               SN9_BAD_ARGUMENT,
           "a weight of integers is refused");
    device.check(library.weight_prepare(device, &weight, storage, x, SN9_F32, kSide, kSide, SN9_LINEAR_WEIGHT, 0),
                 "weight_prepare");
    expect(library.linear_backward_input(device, out, x, &weight, nullptr, SN9_NO_ACTIVATION, 0, kSide) ==
               SN9_BAD_ARGUMENT,
           "a gradient through a weight for evaluation is refused");
}

void matmul(const Library& library, int64_t M, int64_t K, int64_t N) {
    Device device(library, SN9_PRECISION_FP32_SIMT);
    start(device, "matmul M=%ld K=%ld N=%ld", M, K, N);
    if (unwanted()) return;
    Noise noise;
    Floats a = noise.floats(M * K), b = noise.floats(K * N);
    Sums sums(M * N);
    for (int64_t i = 0; i < M; i++)
        for (int64_t k = 0; k < K; k++)
            for (int64_t j = 0; j < N; j++) sums.add(i * N + j, static_cast<double>(a[i * K + k]) * b[k * N + j]);
    float *x = device.upload(a), *y = device.upload(b), *out = device.upload(nans(M * N));
    SN9_OK_OR_RETURN(library, library.matmul(device, out, x, y, M, K, N, 0));
    expect_within(device, "matmul", device.download(out, M * N), products(device, sums, K));
    expect(library.matmul(device, out, x, y, M, K, N, 1) == SN9_UNSUPPORTED, "oneDNN is of the CPU library");
    expect(library.matmul(device, out, x, y, M, K, N - 1, 0) == SN9_BAD_ARGUMENT, "an odd width is refused");
}

void refusals(const Library& library) {
    tally().current = "linear refuses";
    if (unwanted()) return;
    Device device(library);
    Floats values(64 * 64, 1.0f);
    sn9_weight weight = prepare(device, values, 64, 64, SN9_LINEAR_WEIGHT, 0);
    float *x = device.upload(values), *y = device.upload(values);
    expect(library.linear_forward(device, y, nullptr, x, &weight, nullptr, y, SN9_NO_ACTIVATION, 1) == SN9_BAD_ARGUMENT,
           "a residual that is out");
    expect(library.linear_forward(device, y, nullptr, x, &weight, nullptr, nullptr, SN9_NO_ACTIVATION, 0) ==
               SN9_BAD_ARGUMENT,
           "no rows");
    expect(library.linear_backward_input(device, y, x, &weight, nullptr, SN9_GELU, 0, 1) == SN9_BAD_ARGUMENT,
           "an activation without its input");
    expect(library.linear_backward_weight(device, y, nullptr, x, x, 1, 8, 64) == SN9_BAD_ARGUMENT,
           "widths that are not padded");
    expect(library.linear_backward_weight(device, y, nullptr, x, x, 2048, 64, 64) == SN9_BAD_ARGUMENT,
           "a workspace that is not there");
}

}  // namespace

void test_linear(const Library& library) {
    refusals(library);
    reference(library);
    matmul(library, 1, 8, 4);
    matmul(library, 130, 40, 132);
    matmul(library, 17, 1544, 68);
    split_weights(library);
    for (int32_t precision : kPrecisions) {
        linear(library, precision, 1, 64, 192);
        linear(library, precision, 7, 800, 64);
        linear(library, precision, 129, 48, 144);
        linear(library, precision, 257, 144, 16);
        linear(library, precision, 2081, 64, 64);
    }
}
