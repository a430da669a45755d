// layernorm and gelu of a CUDA library: against plain double-precision loops at padded widths whose true width is odd,
// with NaN in the padding of every input, into dirty buffers; a row alone gives the same bits.
#include "rows.h"

using namespace sn9::test;

namespace {

void layernorm(Device& device, int64_t N, int64_t C, int64_t true_C) {
    start(device, "layernorm N=%ld C=%ld true_C=%ld", N, C, true_C);
    const Library& library = device.library();
    Noise noise;
    const float epsilon = 1e-5f;
    Floats a = device.round(noise.floats(N * true_C)), b = device.round(noise.floats(N * true_C)),
           w = noise.floats(true_C), bias = noise.floats(true_C), dout = device.round(noise.floats(N * true_C)),
           din = device.round(noise.floats(N * true_C)), dw = noise.floats(true_C), db = noise.floats(true_C),
           x(a.size());
    for (size_t i = 0; i < x.size(); i++) x[i] = a[i] + b[i];
    x = device.round(x);  // what is normalised, and what the backward pass sees
    Doubles out(x.size()), means(static_cast<size_t>(N)), rstds(means.size()), din_wanted(x.size()),
        dw_wanted(dw.begin(), dw.end()), db_wanted(db.begin(), db.end());
    for (int64_t i = 0; i < N; i++) {
        const float *row = &x[i * true_C], *g = &dout[i * true_C];
        double mean = 0, variance = 0, mean_g = 0, mean_gn = 0, n = static_cast<double>(true_C);
        for (int64_t c = 0; c < true_C; c++) mean += row[c] / n;
        for (int64_t c = 0; c < true_C; c++) variance += (row[c] - mean) * (row[c] - mean) / n;
        double rstd = 1 / std::sqrt(variance + epsilon);
        for (int64_t c = 0; c < true_C; c++) {
            double normal = (row[c] - mean) * rstd, gw = static_cast<double>(g[c]) * w[c];
            out[i * true_C + c] = normal * w[c] + bias[c];
            mean_g += gw / n;
            mean_gn += gw * normal / n;
            dw_wanted[c] += g[c] * normal;
            db_wanted[c] += g[c];
        }
        for (int64_t c = 0; c < true_C; c++) {
            double normal = (row[c] - mean) * rstd;
            din_wanted[i * true_C + c] =
                din[i * true_C + c] + rstd * (static_cast<double>(g[c]) * w[c] - mean_g - normal * mean_gn);
        }
        means[i] = mean;
        rstds[i] = rstd;
    }
    void* a_memory = device.upload_activations(padded(a, N, C, true_C, kNan));
    void* b_memory = device.upload_activations(padded(b, N, C, true_C, kNan));
    float* w_memory = device.upload(padded(w, 1, C, true_C, kNan));
    float* bias_memory = device.upload(padded(bias, 1, C, true_C, kNan));
    void* sum_memory = device.upload_activations(nans(N * C));
    void* out_memory = device.upload_activations(nans(N * C));
    float* mean_memory = device.upload(nans(N));
    float* rstd_memory = device.upload(nans(N));
    SN9_OK_OR_RETURN(library,
                     library.add_layernorm_forward(device, sum_memory, out_memory, mean_memory, rstd_memory, a_memory,
                                                   b_memory, w_memory, bias_memory, epsilon, N, C, true_C));
    Floats sum = device.download_activations(sum_memory, N * C), got = device.download_activations(out_memory, N * C),
           mean = device.download(mean_memory, N), rstd = device.download(rstd_memory, N);
    double spread = 1e-6 * std::sqrt(static_cast<double>(true_C));
    expect_same_bits("sum", sum, padded(x, N, C, true_C, 0));
    expect_close("mean", mean, means, spread);
    expect_close("rstd", rstd, rstds, spread * 40);  // tiny rows: rstd reaches 300
    expect_rows("out", got, out, C, true_C, tolerance(device, spread * 10));
    expect_padding("out's padding is 0", got, C, true_C, 0);

    // b null: a is normalised, sum is left alone.
    void* again = device.upload_activations(nans(N * C));
    SN9_OK_OR_RETURN(
        library, library.add_layernorm_forward(device, nullptr, again, mean_memory, rstd_memory, sum_memory, nullptr,
                                               w_memory, bias_memory, epsilon, N, C, true_C));
    expect_same_bits("out of the sum", device.download_activations(again, N * C), got);
    expect_same_bits("mean of the sum", device.download(mean_memory, N), mean);
    void* recomputed = device.upload_activations(nans(N * C));
    SN9_OK_OR_RETURN(library, library.layernorm_recompute(device, recomputed, sum_memory, mean_memory, rstd_memory,
                                                          w_memory, bias_memory, N, C, true_C));
    expect_same_bits("recompute", device.download_activations(recomputed, N * C), got);

    // The last row alone: the same bits.
    int64_t offset = (N - 1) * C;
    void* one = device.upload_activations(nans(C));
    SN9_OK_OR_RETURN(library, library.add_layernorm_forward(
                                  device, one, one, mean_memory, rstd_memory, skip(device, a_memory, offset),
                                  skip(device, b_memory, offset), w_memory, bias_memory, epsilon, 1, C, true_C));
    expect_same_bits("the last row alone", device.download_activations(one, C), Floats(got.end() - C, got.end()));
    SN9_OK_OR_RETURN(library,
                     library.add_layernorm_forward(device, sum_memory, out_memory, mean_memory, rstd_memory, a_memory,
                                                   b_memory, w_memory, bias_memory, epsilon, N, C, true_C));

    void* dout_memory = device.upload_activations(padded(dout, N, C, true_C, kNan));
    void* x_memory = device.upload_activations(padded(x, N, C, true_C, kNan));
    void* din_memory = device.upload_activations(padded(din, N, C, true_C, 3));
    float* dw_memory = device.upload(padded(dw, 1, C, true_C, 5));
    float* db_memory = device.upload(padded(db, 1, C, true_C, 7));
    SN9_OK_OR_RETURN(library, library.layernorm_backward(device, din_memory, dw_memory, db_memory, dout_memory,
                                                         x_memory, mean_memory, rstd_memory, w_memory, N, C, true_C));
    Floats din_got = device.download_activations(din_memory, N * C), dw_got = device.download(dw_memory, C),
           db_got = device.download(db_memory, C);
    double rows = 1e-6 * std::sqrt(static_cast<double>(N));
    expect_rows("din +=", din_got, din_wanted, C, true_C, tolerance(device, spread * 10));
    expect_rows("dw +=", dw_got, dw_wanted, C, true_C, rows + spread);
    expect_rows("db +=", db_got, db_wanted, C, true_C, rows);
    expect_padding("din's padding is left alone", din_got, C, true_C, 3);
    expect_padding("dw's padding is left alone", dw_got, C, true_C, 5);
    expect_padding("db's padding is left alone", db_got, C, true_C, 7);
    expect_same_in_every_order(library, "dw in another order", [&] {
        device.upload_to(dw_memory, padded(dw, 1, C, true_C, 5));
        device.check(library.layernorm_backward(device, din_memory, dw_memory, db_memory, dout_memory, x_memory,
                                                mean_memory, rstd_memory, w_memory, N, C, true_C),
                     "layernorm_backward");
        return device.download(dw_memory, C);
    });
    void* din_one = device.upload_activations(Floats(padded(Floats(din.end() - true_C, din.end()), 1, C, true_C, 3)));
    SN9_OK_OR_RETURN(
        library, library.layernorm_backward(device, din_one, dw_memory, db_memory, skip(device, dout_memory, offset),
                                            skip(device, x_memory, offset), mean_memory + N - 1, rstd_memory + N - 1,
                                            w_memory, 1, C, true_C));
    expect_same_bits("din of the last row alone", device.download_activations(din_one, C),
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
            {1, 64, 1},      {7, 64, 61},     {9, 384, 383}, {17, 768, 760},
            {3, 1024, 1000}, {5, 1664, 1601}, {8209, 64, 63}};  // the last: more rows than warps
        for (auto& size : sizes) {
            Device device(library, precision);
            device.check(library.context_reserve(device, 1 << 20), "context_reserve");
            layernorm(device, size[0], size[1], size[2]);
        }
        Device device(library, precision);
        layernorm_refuses(device);
        for (int64_t n : {1, 7, 8, 1023, 4101}) gelu(device, n);
    }
}
