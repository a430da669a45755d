// linear and matmul of a CUDA library against plain double-precision loops: rows 1, primes and one past a tile, widths
// that end inside a tile, sums cut into parts, += into dirty buffers, the same bits of a row for every N and place.
// Tolerances, relative to 1 + |wanted|: f32 sums of K products of order 1 lose about eps * sqrt(K), eps = 6e-8, with
// rounding to nearest, of which 16 times are allowed; a tensor core that truncates every 8 products loses up to
// K/8 * 2 * eps of them. A bf16 result or factor is off by 2^-9 of itself; two such steps in a row, doubled: 2^-7.
#include <algorithm>

#include "split.h"

using namespace sn9::test;

namespace {

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;

double gelu(double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

double sum_tolerance(int64_t K) {
    return 1e-6 * std::sqrt(static_cast<double>(K)) + 1.2e-7 * static_cast<double>(K) / 8;
}

Doubles zeros(int64_t n) {
    return Doubles(static_cast<size_t>(n));
}

// Device memory of activations that holds NaN.
void* nothing(Device& device, int64_t n) {
    return device.upload_activations(Floats(static_cast<size_t>(n), NAN));
}

// Rows in the opposite order.
Floats reversed(const Floats& x, int64_t rows) {
    Floats y(x.size());
    int64_t width = static_cast<int64_t>(x.size()) / rows;
    for (int64_t i = 0; i < rows; i++) std::copy_n(x.begin() + i * width, width, y.begin() + (rows - 1 - i) * width);
    return y;
}

// One layer's inputs and what the loops make of them.
struct Layer {
    int64_t N, C, OC;
    Floats in, w, bias, residual, dout, pre;    // as the device has them
    Doubles product, sum, out, din, activated;  // in * w; with bias; all of it; dout * w^T; that times gelu'(pre)
    Doubles dw, db;                             // += these

    Layer(const Device& device, Noise& noise, int64_t N_, int64_t C_, int64_t OC_)
        : N(N_),
          C(C_),
          OC(OC_),
          in(device.round(noise.floats(N * C))),
          w(device.round(noise.floats(C * OC))),
          bias(noise.floats(OC)),
          residual(device.round(noise.floats(N * OC))),
          dout(device.round(noise.floats(N * OC))),
          pre(device.round(noise.floats(N * C, 3.0))),
          product(zeros(N * OC)),
          sum(product),
          out(product),
          din(zeros(N * C)),
          activated(din),
          dw(zeros(C * OC)),
          db(zeros(OC)) {
        for (int64_t i = 0; i < N; i++) {
            for (int64_t c = 0; c < C; c++)
                for (int64_t o = 0; o < OC; o++) {
                    product[i * OC + o] += static_cast<double>(in[i * C + c]) * w[c * OC + o];
                    din[i * C + c] += static_cast<double>(dout[i * OC + o]) * w[c * OC + o];
                    dw[c * OC + o] += static_cast<double>(in[i * C + c]) * dout[i * OC + o];
                }
            for (int64_t o = 0; o < OC; o++) {
                sum[i * OC + o] = product[i * OC + o] + bias[o];
                out[i * OC + o] = gelu(sum[i * OC + o]) + residual[i * OC + o];
                db[o] += dout[i * OC + o];
            }
            for (int64_t c = 0; c < C; c++) {
                double x = pre[i * C + c];
                activated[i * C + c] = din[i * C + c] * (gelu(x + 1e-6) - gelu(x - 1e-6)) / 2e-6;
            }
        }
    }
};

sn9_weight prepare(Device& device, const Floats& values, int64_t rows, int64_t cols, int32_t trained) {
    const Library& library = device.library();
    int64_t bytes = 0;
    device.check(library.weight_bytes(device, &bytes, rows, cols, SN9_LINEAR_WEIGHT, trained), "weight_bytes");
    void* storage = bytes ? device.allocate<char>(bytes) : nullptr;
    sn9_weight weight;
    device.check(library.weight_prepare(device, &weight, storage, device.upload(values), SN9_F32, rows, cols,
                                        SN9_LINEAR_WEIGHT, trained),
                 "weight_prepare");
    return weight;
}

void forward(Device& device, const Layer& layer, double tolerance, int32_t trained) {
    const Library& library = device.library();
    int64_t N = layer.N, C = layer.C, OC = layer.OC;
    sn9_weight weight = prepare(device, layer.w, C, OC, trained);
    void *in = device.upload_activations(layer.in), *residual = device.upload_activations(layer.residual);
    void *out = nothing(device, N * OC), *pre = nothing(device, N * OC);
    const float* bias = device.upload(layer.bias);
    SN9_OK_OR_RETURN(library, library.linear_forward(device, out, pre, in, &weight, bias, residual, SN9_GELU, N));
    Floats kept = device.download_activations(out, N * OC);
    expect_close("pre", device.download_activations(pre, N * OC), layer.sum, tolerance);
    expect_close("gelu + residual", kept, layer.out, tolerance);

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
    expect_close("the product alone", device.download_activations(out, N * OC), layer.product, tolerance);
}

void backward(Device& device, Noise& noise, const Layer& layer, double tolerance, double f32_tolerance) {
    const Library& library = device.library();
    int64_t N = layer.N, C = layer.C, OC = layer.OC;
    sn9_weight weight = prepare(device, layer.w, C, OC, 1);
    void *in = device.upload_activations(layer.in), *dout = device.upload_activations(layer.dout);
    void *pre = device.upload_activations(layer.pre), *din = nothing(device, N * C);
    SN9_OK_OR_RETURN(library, library.linear_backward_input(device, din, dout, &weight, pre, SN9_GELU, 0, N));
    expect_close("din = through gelu", device.download_activations(din, N * C), layer.activated, tolerance);

    Floats dirt = device.round(noise.floats(N * C));
    Doubles wanted = layer.din;
    for (size_t i = 0; i < wanted.size(); i++) wanted[i] += dirt[i];
    void* added = device.upload_activations(dirt);
    SN9_OK_OR_RETURN(library,
                     library.linear_backward_input(device, added, dout, &weight, nullptr, SN9_NO_ACTIVATION, 1, N));
    expect_close("din +=", device.download_activations(added, N * C), wanted, tolerance);

    Floats dw_dirt = noise.floats(C * OC), db_dirt = noise.floats(OC);
    Doubles dw_wanted = layer.dw, db_wanted = layer.db;
    for (size_t i = 0; i < dw_wanted.size(); i++) dw_wanted[i] += dw_dirt[i];
    for (size_t i = 0; i < db_wanted.size(); i++) db_wanted[i] += db_dirt[i];
    float *dw = device.upload(dw_dirt), *db = device.upload(db_dirt), *again = device.upload(dw_dirt);
    SN9_OK_OR_RETURN(library, library.linear_backward_weight(device, dw, db, in, dout, N, C, OC));
    expect_close("dw +=", device.download(dw, C * OC), dw_wanted, f32_tolerance);
    expect_close("db +=", device.download(db, OC), db_wanted, f32_tolerance);
    SN9_OK_OR_RETURN(library, library.linear_backward_weight(device, again, nullptr, in, dout, N, C, OC));
    expect_same_bits("dw again, without db", device.download(again, C * OC), device.download(dw, C * OC));
}

void linear(const Library& library, int32_t precision, int64_t N, int64_t C, int64_t OC) {
    Device device(library, precision);
    tally().current = std::string("linear ") + precision_name(precision) + " N=" + std::to_string(N) +
                      " C=" + std::to_string(C) + " OC=" + std::to_string(OC);
    Noise noise;
    Layer layer(device, noise, N, C, OC);
    int64_t bytes = 0;
    device.check(library.workspace_bytes(device, &bytes, 1, N, C, 1, 64, OC, 128, 1), "workspace_bytes");
    device.check(library.context_reserve(device, bytes), "context_reserve");
    double f32_tolerance = sum_tolerance(N + C + OC), tolerance = device.bf16() ? 0x1p-7 : f32_tolerance;
    forward(device, layer, tolerance, 1);
    if (precision == SN9_PRECISION_FP32_SPLIT) {
        tolerance = split_tolerance(C);
        auto w = [&](int64_t k, int64_t n) { return layer.w[k * OC + n]; };
        if (N > 1) expect_less_would_miss(layer.in, std::min<int64_t>(N, 128), C, OC, w, tolerance);
    }
    forward(device, layer, tolerance, 0);
    if (precision == SN9_PRECISION_FP32_SPLIT) return;  // trains as FP32_SIMT
    backward(device, noise, layer, tolerance, f32_tolerance);
}

// Sources of every type, also unaligned, and numbers that bf16 halves must carry: large, tiny, infinite.
void split_weights(const Library& library) {
    tally().current = "linear split weights";
    Device device(library, SN9_PRECISION_FP32_SPLIT);
    constexpr int64_t kSide = 16;
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
    auto doubles = [](const Floats& values) { return Doubles(values.begin(), values.end()); };
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
    tally().current = "matmul";
    Device device(library);
    Noise noise;
    Floats a = noise.floats(M * K), b = noise.floats(K * N);
    Doubles wanted = zeros(M * N);
    for (int64_t i = 0; i < M; i++)
        for (int64_t k = 0; k < K; k++)
            for (int64_t j = 0; j < N; j++) wanted[i * N + j] += static_cast<double>(a[i * K + k]) * b[k * N + j];
    float *x = device.upload(a), *y = device.upload(b), *out = device.upload(Floats(wanted.size(), NAN));
    SN9_OK_OR_RETURN(library, library.matmul(device, out, x, y, M, K, N, 0));
    expect_close("out", device.download(out, M * N), wanted, sum_tolerance(K));
    expect(library.matmul(device, out, x, y, M, K, N, 1) == SN9_UNSUPPORTED, "oneDNN is of the CPU library");
    expect(library.matmul(device, out, x, y, M, K, N - 1, 0) == SN9_BAD_ARGUMENT, "an odd width is refused");
}

void refusals(const Library& library) {
    tally().current = "linear refuses";
    Device device(library);
    Floats values(64 * 64, 1.0f);
    sn9_weight weight = prepare(device, values, 64, 64, 0);
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
    matmul(library, 130, 40, 132);
    split_weights(library);
    for (int32_t precision : kPrecisions) {
        linear(library, precision, 1, 64, 192);
        linear(library, precision, 7, 800, 64);
        linear(library, precision, 129, 48, 144);
        linear(library, precision, 257, 144, 16);
        linear(library, precision, 2081, 64, 64);
    }
}
