// layernorm and gelu of a CUDA library: against plain double-precision loops at padded widths whose true width is odd,
// with NaN in the padding of every input, into dirty buffers; a row alone gives the same bits.
#include <tuple>

#include "reference_gelu.h"
#include "rows.h"

using namespace sn9::test;

namespace {

const float kEpsilon = 1e-5f;

// Inputs, without padding, and what must come of them. Bounds: the mean's follows from its sum. Of the variance every
// square is off by 3 roundings and the sum by its own; the mean's error counts squared only, since the deviations sum
// up to 0. rstd: half of that, and 3 roundings. normal = (x - mean) rstd is off by the errors of mean and rstd and by 2
// roundings; out by two more. Backward, where mean and rstd are given as f32: see backward_row.
struct Layernorm {
    int64_t N, C, true_C;
    Floats a, b, x, w, bias, dout, din, dw, db;  // x: a + b, rounded
    Wanted mean, rstd, out, din_wanted;
    Sums dw_sums, db_sums;

    Layernorm(const Device& device, int64_t rows, int64_t columns, int64_t true_columns)
        : N(rows), C(columns), true_C(true_columns), dw_sums(true_C), db_sums(true_C) {
        Noise noise;
        for (Floats* tensor : {&a, &b, &dout, &din}) *tensor = device.round(noise.floats(N * true_C));
        for (Floats* tensor : {&w, &bias, &dw, &db}) *tensor = noise.floats(true_C);
        x = a;
        for (size_t i = 0; i < x.size(); i++) x[i] += b[i];
        x = device.round(x);
        for (int64_t i = 0; i < N; i++) {
            forward_row(i);
            backward_row(i);
        }
    }

    // Additions that an element of a row passes through: a lane's, then 5 among lanes.
    double row_additions() const { return std::ceil(static_cast<double>(true_C) / 32) + 5; }

  private:
    void forward_row(int64_t i) {
        const float* row = &x[i * true_C];
        double n = static_cast<double>(true_C);
        Sums sum(1), squares(1);
        for (int64_t c = 0; c < true_C; c++) sum.add(0, row[c]);
        double m = sum.value[0] / n, m_bound = sum.bound(0, row_additions()) / n + kF32 * std::fabs(m);
        for (int64_t c = 0; c < true_C; c++) squares.add(0, (row[c] - m) * (row[c] - m));
        double variance = squares.value[0] / n + kEpsilon, r = 1 / std::sqrt(variance);
        double variance_bound = squares.bound(0, row_additions()) / n + 4 * kF32 * variance + m_bound * m_bound;
        double r_bound = r * (variance_bound / variance / 2 + 3 * kF32);
        mean.add(m, m_bound);
        rstd.add(r, r_bound);
        for (int64_t c = 0; c < true_C; c++) {
            double deviation = row[c] - m, normal = deviation * r, value = normal * w[c] + bias[c];
            double bound = r * m_bound + std::fabs(deviation) * r_bound + 2 * kF32 * std::fabs(normal);
            out.add(value, std::fabs(w[c]) * bound + kF32 * std::fabs(value));
        }
    }
    void backward_row(int64_t i) {
        double n = static_cast<double>(true_C), m = mean.value[i], r = rstd.value[i];
        Sums gains(1), along(1);  // of g w, and of g w normal
        Doubles normal, normal_bound;
        for (int64_t c = 0; c < true_C; c++) {
            double deviation = x[i * true_C + c] - m, gw = static_cast<double>(dout[i * true_C + c]) * w[c];
            normal.push_back(deviation * r);
            normal_bound.push_back(kF32 * r * (std::fabs(m) + 3 * std::fabs(deviation)));
            gains.add(0, gw, kF32 * gw);
            along.add(0, gw * normal[c], kF32 * 2 * gw * normal[c], std::fabs(gw) * normal_bound[c]);
        }
        double mean_g = gains.value[0] / n, mean_gn = along.value[0] / n;
        double mean_g_bound = gains.bound(0, row_additions()) / n + kF32 * std::fabs(mean_g);
        double mean_gn_bound = along.bound(0, row_additions()) / n + kF32 * std::fabs(mean_gn);
        for (int64_t c = 0; c < true_C; c++) {
            double g = dout[i * true_C + c], gw = g * w[c], value = r * (gw - mean_g - normal[c] * mean_gn);
            double size = std::fabs(gw) + std::fabs(mean_g) + std::fabs(normal[c] * mean_gn);
            din_wanted.add(value, r * (mean_g_bound + std::fabs(normal[c]) * mean_gn_bound +
                                       normal_bound[c] * std::fabs(mean_gn) + 4 * kF32 * size));
            dw_sums.add(c, g * normal[c], g * normal_bound[c] + kF32 * g * normal[c]);
            db_sums.add(c, g);
        }
    }
};

// The loops' gradients are those of the sum of dout * out.
void reference(const Library& library) {
    Device device(library);
    start(device, "layernorm reference");
    const int64_t N = 3, C = 7;
    Layernorm wanted(device, N, C, C);
    auto total = [&](const Doubles& x, const Doubles& w, const Doubles& bias) {
        double sum = 0;
        for (int64_t i = 0; i < N; i++) {
            double m = 0, squares = 0;
            for (int64_t c = 0; c < C; c++) m += x[i * C + c] / C;
            for (int64_t c = 0; c < C; c++) squares += (x[i * C + c] - m) * (x[i * C + c] - m);
            for (int64_t c = 0; c < C; c++) {
                double normal = (x[i * C + c] - m) / std::sqrt(squares / C + kEpsilon);
                sum += wanted.dout[i * C + c] * (normal * w[c] + bias[c]);
            }
        }
        return sum;
    };
    Doubles x = doubles(wanted.x), w = doubles(wanted.w), bias = doubles(wanted.bias);
    expect_gradient(
        "din", [&](const Doubles& v) { return total(v, w, bias); }, x, wanted.din_wanted.value);
    expect_gradient(
        "dw", [&](const Doubles& v) { return total(x, v, bias); }, w, wanted.dw_sums.value);
    expect_gradient(
        "db", [&](const Doubles& v) { return total(x, w, v); }, bias, wanted.db_sums.value);
}

// The columns before true_C.
Floats true_columns(const Floats& x, int64_t C, int64_t true_C) {
    Floats rows;
    for (size_t i = 0; i < x.size(); i++)
        if (static_cast<int64_t>(i) % C < true_C) rows.push_back(x[i]);
    return rows;
}

void forward(Device& device, const Layernorm& wanted) {
    auto [N, C, true_C] = std::tuple(wanted.N, wanted.C, wanted.true_C);
    start(device, "layernorm forward N=%ld C=%ld true_C=%ld", N, C, true_C);
    const Library& library = device.library();
    void* a = device.upload_activations(padded(wanted.a, N, C, true_C, kNan));
    void* b = device.upload_activations(padded(wanted.b, N, C, true_C, kNan));
    float* w = device.upload(padded(wanted.w, 1, C, true_C, kNan));
    float* bias = device.upload(padded(wanted.bias, 1, C, true_C, kNan));
    void* sum = device.upload_activations(nans(N * C));
    void* out = device.upload_activations(nans(N * C));
    float* mean = device.upload(nans(N));
    float* rstd = device.upload(nans(N));
    SN9_OK_OR_RETURN(
        library, library.add_layernorm_forward(device, sum, out, mean, rstd, a, b, w, bias, kEpsilon, N, C, true_C));
    Floats got = device.download_activations(out, N * C), got_mean = device.download(mean, N);
    expect_same_bits("sum", device.download_activations(sum, N * C), padded(wanted.x, N, C, true_C, 0));
    expect_within(device, "mean", got_mean, wanted.mean);
    expect_within(device, "rstd", device.download(rstd, N), wanted.rstd);
    expect_within(device, "out", true_columns(got, C, true_C), wanted.out.stored(device));
    expect_padding("out's padding is 0", got, C, true_C, 0);

    void* again = device.upload_activations(nans(N * C));
    SN9_OK_OR_RETURN(library, library.layernorm_recompute(device, again, sum, mean, rstd, w, bias, N, C, true_C));
    expect_same_bits("recompute", device.download_activations(again, N * C), got);

    // b null: a is normalised, and there is no sum.
    void* unsummed = device.upload_activations(nans(N * C));
    SN9_OK_OR_RETURN(library, library.add_layernorm_forward(device, nullptr, unsummed, mean, rstd, sum, nullptr, w,
                                                            bias, kEpsilon, N, C, true_C));
    expect_same_bits("out of the sum", device.download_activations(unsummed, N * C), got);
    expect_same_bits("mean of the sum", device.download(mean, N), got_mean);

    int64_t last = (N - 1) * C;
    void* one = device.upload_activations(nans(C));
    SN9_OK_OR_RETURN(library, library.add_layernorm_forward(device, one, one, mean, rstd, skip(device, a, last),
                                                            skip(device, b, last), w, bias, kEpsilon, 1, C, true_C));
    expect_same_bits("the last row alone", device.download_activations(one, C), Floats(got.end() - C, got.end()));
}

void backward(Device& device, const Layernorm& wanted) {
    auto [N, C, true_C] = std::tuple(wanted.N, wanted.C, wanted.true_C);
    start(device, "layernorm backward N=%ld C=%ld true_C=%ld", N, C, true_C);
    const Library& library = device.library();
    void* x = device.upload_activations(padded(wanted.x, N, C, true_C, kNan));
    void* dout = device.upload_activations(padded(wanted.dout, N, C, true_C, kNan));
    float* w = device.upload(padded(wanted.w, 1, C, true_C, kNan));
    float* mean = device.upload(Floats(wanted.mean.value.begin(), wanted.mean.value.end()));
    float* rstd = device.upload(Floats(wanted.rstd.value.begin(), wanted.rstd.value.end()));
    void* din = device.upload_activations(padded(wanted.din, N, C, true_C, 3));
    Floats dw_before = padded(wanted.dw, 1, C, true_C, 5);
    float* dw = device.upload(dw_before);
    float* db = device.upload(padded(wanted.db, 1, C, true_C, 7));
    SN9_OK_OR_RETURN(library, library.layernorm_backward(device, din, dw, db, dout, x, mean, rstd, w, N, C, true_C));
    Floats din_got = device.download_activations(din, N * C), dw_got = device.download(dw, C),
           db_got = device.download(db, C);
    // At most 1,024 blocks of 3 warps or more; a warp's rows, the warps, 16 slices of blocks.
    double rows = std::ceil(static_cast<double>(N) / 3072) + 8 + 64 + 16;
    expect_within(device, "din +=", true_columns(din_got, C, true_C),
                  wanted.din_wanted.onto(wanted.din).stored(device));
    for (auto [what, sums, got, before] : {std::tuple("dw +=", &wanted.dw_sums, &dw_got, &wanted.dw),
                                           std::tuple("db +=", &wanted.db_sums, &db_got, &wanted.db)}) {
        double n = std::min(rows, static_cast<double>(N));
        Wanted total = wanted_of(*sums, [&, s = sums](int64_t c) { return s->bound(c, n); });
        expect_within(device, what, true_columns(*got, C, true_C), total.onto(*before));
    }
    expect_padding("din's padding is left alone", din_got, C, true_C, 3);
    expect_padding("dw's padding is left alone", dw_got, C, true_C, 5);
    expect_padding("db's padding is left alone", db_got, C, true_C, 7);
    expect_same_in_every_order(library, "dw in another order", [&] {
        device.upload_to(dw, dw_before);
        device.check(library.layernorm_backward(device, din, dw, db, dout, x, mean, rstd, w, N, C, true_C),
                     "layernorm_backward");
        return device.download(dw, C);
    });

    int64_t last = (N - 1) * C;
    Floats din_last(wanted.din.end() - true_C, wanted.din.end());
    void* one = device.upload_activations(padded(din_last, 1, C, true_C, 3));
    SN9_OK_OR_RETURN(library,
                     library.layernorm_backward(device, one, dw, db, skip(device, dout, last), skip(device, x, last),
                                                mean + N - 1, rstd + N - 1, w, 1, C, true_C));
    expect_same_bits("din of the last row alone", device.download_activations(one, C),
                     Floats(din_got.end() - C, din_got.end()));
}

void layernorm_refuses(Device& device) {
    start(device, "layernorm refuses");
    const Library& library = device.library();
    void* x = device.upload_activations(Floats(2 * 1728));
    float* f = device.upload(Floats(1728));
    auto forward = [&](int64_t C, int64_t true_C) {
        return library.add_layernorm_forward(device, nullptr, x, f, f, x, nullptr, f, f, 1e-5f, 1, C, true_C);
    };
    expect(forward(65, 65) == SN9_BAD_ARGUMENT, "C that is not padded");
    expect(forward(64, 65) == SN9_BAD_ARGUMENT, "true_C above C");
    expect(forward(1728, 1728) == SN9_UNSUPPORTED, "C above the widest kernel");
    expect(library.layernorm_recompute(device, skip(device, x, 1), x, f, f, f, f, 1, 64, 64) == SN9_BAD_ARGUMENT,
           "tensors that are not aligned");
}

void gelu(Device& device, int64_t n) {
    start(device, "gelu n=%ld", n);
    const Library& library = device.library();
    Noise noise;
    Floats pre = device.round(noise.floats(n, 6.0));
    const Floats edges = {0.0f, -0.0f, 1e30f, -1e30f, 88.0f, -88.0f, 1e-30f, -10.0f};
    for (size_t i = 0; i < edges.size() && i < pre.size(); i++) pre[pre.size() - 1 - i] = edges[i];
    pre = device.round(pre);
    Wanted wanted;
    for (double x : pre) wanted.add(Gelu(x).value, Gelu(x).value_bound);
    void* out = device.upload_activations(nans(n));
    void* in = device.upload_activations(pre);
    SN9_OK_OR_RETURN(library, library.gelu_forward(device, out, in, n));
    expect_within(device, "gelu", device.download_activations(out, n), wanted.stored(device));
}

}  // namespace

void test_layernorm(const Library& library) {
    reference(library);
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        const int64_t sizes[][3] = {
            {1, 64, 1},       {7, 64, 61},     {9, 384, 383}, {17, 768, 760},
            {11, 1024, 1000}, {9, 1664, 1601}, {8209, 64, 63}};  // the last: more rows than warps
        for (auto& size : sizes) {
            if (small() && size[0] > 1000) continue;  // more rows of the same kernels
            Device device(library, precision);
            device.check(library.context_reserve(device, 1 << 20), "context_reserve");
            Layernorm wanted(device, size[0], size[1], size[2]);
            forward(device, wanted);
            backward(device, wanted);
        }
        Device device(library, precision);
        layernorm_refuses(device);
        for (int64_t n : {1, 7, 8, 1023, 4101}) gelu(device, n);
    }
}
