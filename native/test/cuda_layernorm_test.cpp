// layernorm and gelu of a CUDA library: against plain double-precision loops at padded widths whose true width is odd,
// with NaN in the padding of every input, into dirty buffers; a row alone gives the same bits.
#include <tuple>

#include "rows.h"

using namespace sn9::test;

namespace {

const float kEpsilon = 1e-5f;

// Inputs, without padding, and what must come of them.
struct Layernorm {
    int64_t N, C, true_C;
    Floats a, b, x, w, bias, dout, din, dw, db;  // x: a + b, rounded
    Doubles mean, rstd, out, din_wanted, dw_wanted, db_wanted;

    Layernorm(const Device& device, int64_t rows, int64_t columns, int64_t true_columns)
        : N(rows), C(columns), true_C(true_columns) {
        Noise noise;
        for (Floats* tensor : {&a, &b, &dout, &din}) *tensor = device.round(noise.floats(N * true_C));
        for (Floats* tensor : {&w, &bias, &dw, &db}) *tensor = noise.floats(true_C);
        x = a;
        for (size_t i = 0; i < x.size(); i++) x[i] += b[i];
        x = device.round(x);
        out.resize(x.size());
        din_wanted.resize(x.size());
        dw_wanted.assign(dw.begin(), dw.end());
        db_wanted.assign(db.begin(), db.end());
        for (int64_t i = 0; i < N; i++) compute_row(i * true_C);
    }

    double spread() const { return 1e-6 * std::sqrt(static_cast<double>(true_C)); }

  private:
    void compute_row(int64_t first) {
        double m = 0, variance = 0, mean_g = 0, mean_gn = 0, n = static_cast<double>(true_C);
        for (int64_t c = 0; c < true_C; c++) m += x[first + c] / n;
        for (int64_t c = 0; c < true_C; c++) variance += (x[first + c] - m) * (x[first + c] - m) / n;
        double r = 1 / std::sqrt(variance + kEpsilon);
        for (int64_t c = 0; c < true_C; c++) {
            double normal = (x[first + c] - m) * r, g = dout[first + c];
            out[first + c] = normal * w[c] + bias[c];
            mean_g += g * w[c] / n;
            mean_gn += g * w[c] * normal / n;
            dw_wanted[c] += g * normal;
            db_wanted[c] += g;
        }
        for (int64_t c = 0; c < true_C; c++) {
            double normal = (x[first + c] - m) * r, gw = static_cast<double>(dout[first + c]) * w[c];
            din_wanted[first + c] = din[first + c] + r * (gw - mean_g - normal * mean_gn);
        }
        mean.push_back(m);
        rstd.push_back(r);
    }
};

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
    expect_close("mean", got_mean, wanted.mean, wanted.spread());
    expect_close("rstd", device.download(rstd, N), wanted.rstd, wanted.spread() * 40);  // tiny rows: it reaches 300
    expect_rows("out", got, wanted.out, C, true_C, tolerance(device, wanted.spread() * 10));
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
    float* mean = device.upload(Floats(wanted.mean.begin(), wanted.mean.end()));
    float* rstd = device.upload(Floats(wanted.rstd.begin(), wanted.rstd.end()));
    void* din = device.upload_activations(padded(wanted.din, N, C, true_C, 3));
    Floats dw_before = padded(wanted.dw, 1, C, true_C, 5);
    float* dw = device.upload(dw_before);
    float* db = device.upload(padded(wanted.db, 1, C, true_C, 7));
    SN9_OK_OR_RETURN(library, library.layernorm_backward(device, din, dw, db, dout, x, mean, rstd, w, N, C, true_C));
    Floats din_got = device.download_activations(din, N * C), dw_got = device.download(dw, C),
           db_got = device.download(db, C);
    double rows = 1e-6 * std::sqrt(static_cast<double>(N));
    expect_rows("din +=", din_got, wanted.din_wanted, C, true_C, tolerance(device, wanted.spread() * 10));
    expect_rows("dw +=", dw_got, wanted.dw_wanted, C, true_C, rows + wanted.spread());
    expect_rows("db +=", db_got, wanted.db_wanted, C, true_C, rows);
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
    Doubles wanted;
    for (double x : pre) wanted.push_back(0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))));
    void* out = device.upload_activations(nans(n));
    void* in = device.upload_activations(pre);
    SN9_OK_OR_RETURN(library, library.gelu_forward(device, out, in, n));
    expect_close("out", device.download_activations(out, n), wanted, tolerance(device, 1e-6));
}

}  // namespace

void test_layernorm(const Library& library) {
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
