// ops_test: every operation of sn9_ops.h against plain double-precision loops, at sizes 1, primes, one past a block and
// head widths that are no power of two; gradients by central differences of the loops; += checked into dirty buffers;
// the same bits at 1, 2, 3 and 8 threads and for every N.
// Tolerances: a sum of K products of size s in f32 is off by about eps * s * sqrt(K), eps = 6e-8; tests allow 16 times.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "sn9_ops.h"

namespace {

int checks = 0, failures = 0;
std::string current;

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;

#define OK(call)                                                                                          \
    do {                                                                                                  \
        int32_t status_ = (call);                                                                         \
        if (status_ != SN9_OK) {                                                                          \
            printf("FAILED %s: %s returned %d: %s\n", current.c_str(), #call, status_, sn9_last_error()); \
            failures++;                                                                                   \
            return;                                                                                       \
        }                                                                                                 \
    } while (0)

uint64_t state = 88172645463325252ull;
double uniform() {  // (-1, 1)
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<double>(state >> 11) / 4503599627370496.0 - 1.0;
}
Floats noise(int64_t n, double scale = 1.0) {
    Floats x(static_cast<size_t>(n));
    for (auto& v : x) v = static_cast<float>(uniform() * scale);
    return x;
}
Doubles as_doubles(const Floats& x) {
    return Doubles(x.begin(), x.end());
}

void expect_close(const char* what, const float* got, const double* wanted, size_t n, double tolerance) {
    checks++;
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = std::fabs(got[i] - wanted[i]) / (1.0 + std::fabs(wanted[i]));
        if (!(difference <= worst)) worst = difference, at = i;
        if (std::isnan(worst)) break;
    }
    if (!(worst <= tolerance)) {
        failures++;
        printf("FAILED %s %s: element %zu is %.9g, expected %.9g (off by %.3g, allowed %.3g)\n", current.c_str(), what,
               at, static_cast<double>(got[at]), wanted[at], worst, tolerance);
    }
}
void expect_close(const char* what, const Floats& got, const Doubles& wanted, double tolerance) {
    expect_close(what, got.data(), wanted.data(), wanted.size(), tolerance);
}
void expect(const char* what, bool condition) {
    checks++;
    if (!condition) {
        failures++;
        printf("FAILED %s %s\n", current.c_str(), what);
    }
}

struct Context {
    sn9_context* context = nullptr;
    explicit Context(int threads) {
        if (sn9_context_open(0, threads, SN9_PRECISION_FP32, &context)) abort();
    }
    ~Context() { sn9_context_close(context); }
    operator sn9_context*() const { return context; }
    void reserve(int64_t B, int64_t T, int64_t C, int64_t NH, int64_t V) {
        int64_t bytes = 0;
        if (sn9_workspace_bytes(context, &bytes, B, T, C, NH, C / NH, 4 * C, V, 1) ||
            sn9_context_reserve(context, bytes))
            abort();
    }
};

double gelu(double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

// Gradient of f at x by central differences.
Doubles differences(Doubles x, const std::function<double(const Doubles&)>& f) {
    Doubles gradient(x.size());
    for (size_t i = 0; i < x.size(); i++) {
        double h = 1e-5, old = x[i];
        x[i] = old + h;
        double up = f(x);
        x[i] = old - h;
        double down = f(x);
        x[i] = old;
        gradient[i] = (up - down) / (2 * h);
    }
    return gradient;
}

struct Weight {
    sn9_weight weight;
    void* storage = nullptr;
    sn9_context* context;
    Weight(sn9_context* c, const Floats& source, int64_t rows, int64_t cols, int32_t kind, int32_t trained)
        : context(c) {
        int64_t bytes = 0;
        if (sn9_weight_bytes(c, &bytes, rows, cols, kind, trained)) abort();
        if (bytes && sn9_alloc(c, bytes, &storage)) abort();
        if (sn9_weight_prepare(c, &weight, storage, source.data(), SN9_F32, rows, cols, kind, trained)) abort();
    }
    ~Weight() { sn9_free(context, storage); }
};

void linear(int64_t N, int64_t C, int64_t OC) {
    current = "linear N=" + std::to_string(N) + " C=" + std::to_string(C) + " OC=" + std::to_string(OC);
    Floats in = noise(N * C), w = noise(C * OC), bias = noise(OC), residual = noise(N * OC), dout = noise(N * OC);
    double tolerance = 1e-6 * std::sqrt(static_cast<double>(C + OC + N));
    Doubles sum(static_cast<size_t>(N * OC)), out(sum.size());
    for (int64_t i = 0; i < N; i++)
        for (int64_t o = 0; o < OC; o++) {
            double s = bias[o];
            for (int64_t c = 0; c < C; c++) s += static_cast<double>(in[i * C + c]) * w[c * OC + o];
            sum[i * OC + o] = s;
            out[i * OC + o] = gelu(s) + residual[i * OC + o];
        }
    Floats reference;
    for (int threads : {1, 2, 3, 8}) {
        Context context(threads);
        context.reserve(1, N, C, 1, OC);
        context.reserve(1, N, OC, 1, C);
        int64_t bytes = 1 << 22;
        OK(sn9_context_reserve(context, bytes));
        for (int trained : {0, 1}) {
            Weight weight(context, w, C, OC, SN9_LINEAR_WEIGHT, trained);
            Floats got(sum.size(), NAN), pre(sum.size(), NAN);
            OK(sn9_linear_forward(context, got.data(), pre.data(), in.data(), &weight.weight, bias.data(),
                                  residual.data(), SN9_GELU, N));
            expect_close("pre", pre, sum, tolerance);
            expect_close("gelu + residual", got, out, tolerance);
            if (reference.empty()) reference = got;
            expect("same bits for every number of threads and both forms of weight",
                   !memcmp(reference.data(), got.data(), got.size() * 4));
            Floats last(static_cast<size_t>(OC), NAN), pre_last(last);
            OK(sn9_linear_forward(context, last.data(), pre_last.data(), in.data() + (N - 1) * C, &weight.weight,
                                  bias.data(), residual.data() + (N - 1) * OC, SN9_GELU, 1));
            expect("a row's bits do not depend on N",
                   !memcmp(last.data(), reference.data() + (N - 1) * OC, static_cast<size_t>(OC) * 4));
        }
        Weight weight(context, w, C, OC, SN9_LINEAR_WEIGHT, 1);
        Floats pre = noise(N * C), din(static_cast<size_t>(N * C), NAN), dw = noise(C * OC), db = noise(OC);
        Doubles din_wanted(din.size()), dw_wanted = as_doubles(dw), db_wanted = as_doubles(db);
        for (int64_t i = 0; i < N; i++)
            for (int64_t c = 0; c < C; c++) {
                double s = 0;
                for (int64_t o = 0; o < OC; o++) {
                    s += static_cast<double>(dout[i * OC + o]) * w[c * OC + o];
                    dw_wanted[c * OC + o] += static_cast<double>(in[i * C + c]) * dout[i * OC + o];
                }
                double x = pre[i * C + c];
                din_wanted[i * C + c] = s * (gelu(x + 1e-6) - gelu(x - 1e-6)) / 2e-6;
            }
        for (int64_t i = 0; i < N; i++)
            for (int64_t o = 0; o < OC; o++) db_wanted[o] += dout[i * OC + o];
        OK(sn9_linear_backward_input(context, din.data(), dout.data(), &weight.weight, pre.data(), SN9_GELU, 0, N));
        OK(sn9_linear_backward_weight(context, dw.data(), db.data(), in.data(), dout.data(), N, C, OC));
        expect_close("din through gelu", din, din_wanted, tolerance);
        expect_close("dw +=", dw, dw_wanted, tolerance);
        expect_close("db +=", db, db_wanted, tolerance);
    }
}

void layernorm(int64_t N, int64_t C) {
    current = "layernorm N=" + std::to_string(N) + " C=" + std::to_string(C);
    const double epsilon = 1e-5;
    Floats a = noise(N * C), b = noise(N * C), w = noise(C), bias = noise(C), dout = noise(N * C);
    auto forward = [&](const Doubles& x, const Doubles& gain, const Doubles& shift) {
        Doubles out(x.size());
        for (int64_t i = 0; i < N; i++) {
            double mean = 0, variance = 0;
            for (int64_t c = 0; c < C; c++) mean += x[i * C + c] / C;
            for (int64_t c = 0; c < C; c++) variance += (x[i * C + c] - mean) * (x[i * C + c] - mean) / C;
            for (int64_t c = 0; c < C; c++)
                out[i * C + c] = (x[i * C + c] - mean) / std::sqrt(variance + epsilon) * gain[c] + shift[c];
        }
        return out;
    };
    auto loss = [&](const Doubles& out) {
        double s = 0;
        for (size_t i = 0; i < out.size(); i++) s += out[i] * dout[i];
        return s;
    };
    Doubles x(a.size()), gain = as_doubles(w), shift = as_doubles(bias);
    for (size_t i = 0; i < x.size(); i++) x[i] = a[i] + b[i];
    Doubles wanted = forward(x, gain, shift);
    for (int threads : {1, 3}) {
        Context context(threads);
        context.reserve(1, N, C, 1, 8);
        Floats sum(a.size()), out(a.size(), NAN), mean(static_cast<size_t>(N)), rstd(mean.size());
        OK(sn9_add_layernorm_forward(context, sum.data(), out.data(), mean.data(), rstd.data(), a.data(), b.data(),
                                     w.data(), bias.data(), 1e-5f, N, C, C));
        expect_close("out", out, wanted, 2e-5);
        Floats again(out.size(), NAN);
        OK(sn9_layernorm_recompute(context, again.data(), sum.data(), mean.data(), rstd.data(), w.data(), bias.data(),
                                   N, C, C));
        expect("recompute gives the same bits", !memcmp(again.data(), out.data(), out.size() * 4));
        if (N * C > 600) continue;
        Floats din = noise(N * C), dw = noise(C), db = noise(C);
        Doubles din_wanted = differences(x, [&](const Doubles& v) { return loss(forward(v, gain, shift)); });
        Doubles dw_wanted = differences(gain, [&](const Doubles& v) { return loss(forward(x, v, shift)); });
        Doubles db_wanted = differences(shift, [&](const Doubles& v) { return loss(forward(x, gain, v)); });
        for (size_t i = 0; i < din.size(); i++) din_wanted[i] += din[i];
        for (size_t i = 0; i < dw.size(); i++) dw_wanted[i] += dw[i], db_wanted[i] += db[i];
        OK(sn9_layernorm_backward(context, din.data(), dw.data(), db.data(), dout.data(), sum.data(), mean.data(),
                                  rstd.data(), w.data(), N, C, C));
        // Tiny rows have large gradients: rstd reaches 300.
        expect_close("din +=", din, din_wanted, 1e-3);
        expect_close("dw +=", dw, dw_wanted, 1e-4);
        expect_close("db +=", db, db_wanted, 1e-4);
    }
}

void attention(int64_t B, int64_t T, int64_t NH, int64_t HS) {
    current = "attention B=" + std::to_string(B) + " T=" + std::to_string(T) + " NH=" + std::to_string(NH) +
              " HS=" + std::to_string(HS);
    int64_t C = NH * HS;
    Floats qkv = noise(B * T * 3 * C), dout = noise(B * T * C);
    Doubles lse_wanted(static_cast<size_t>(B * NH * T));
    auto forward = [&](const Doubles& x) {
        Doubles out(static_cast<size_t>(B * T * C));
        Doubles p(static_cast<size_t>(T));
        for (int64_t b = 0; b < B; b++)
            for (int64_t h = 0; h < NH; h++)
                for (int64_t t = 0; t < T; t++) {
                    const double* q = &x[(b * T + t) * 3 * C + h * HS];
                    double top = -1e30, total = 0;
                    for (int64_t u = 0; u <= t; u++) {
                        const double* k = &x[(b * T + u) * 3 * C + C + h * HS];
                        double s = 0;
                        for (int64_t c = 0; c < HS; c++) s += q[c] * k[c];
                        p[u] = s / std::sqrt(static_cast<double>(HS));
                        top = std::max(top, p[u]);
                    }
                    for (int64_t u = 0; u <= t; u++) total += p[u] = std::exp(p[u] - top);
                    lse_wanted[(b * NH + h) * T + t] = top + std::log(total);
                    for (int64_t u = 0; u <= t; u++)
                        for (int64_t c = 0; c < HS; c++)
                            out[(b * T + t) * C + h * HS + c] +=
                                p[u] / total * x[(b * T + u) * 3 * C + 2 * C + h * HS + c];
                }
        return out;
    };
    Doubles wanted = forward(as_doubles(qkv));
    Doubles lse_kept = lse_wanted;
    Doubles gradient;
    if (T * C * B <= 700)
        gradient = differences(as_doubles(qkv), [&](const Doubles& x) {
            Doubles out = forward(x);
            double s = 0;
            for (size_t i = 0; i < out.size(); i++) s += out[i] * dout[i];
            return s;
        });
    Floats reference;
    float scale = 1.0f / std::sqrt(static_cast<float>(HS));
    for (int threads : {1, 2, 8}) {
        Context context(threads);
        context.reserve(B, T, C, NH, 8);
        Floats out(wanted.size(), NAN), lse(lse_kept.size(), NAN), dqkv(qkv.size(), NAN);
        OK(sn9_attention_forward(context, out.data(), lse.data(), qkv.data(), nullptr, 0, 0, scale, B, T, NH, HS));
        expect_close("out", out, wanted, 4e-6);
        expect_close("lse", lse, lse_kept, 2e-6);
        if (reference.empty()) reference = out;
        expect("same bits for every number of threads", !memcmp(reference.data(), out.data(), out.size() * 4));
        Floats one(static_cast<size_t>(T * C), NAN);
        OK(sn9_attention_forward(context, one.data(), nullptr, qkv.data() + (B - 1) * T * 3 * C, nullptr, 0, 0, scale,
                                 1, T, NH, HS));
        expect("a sequence's bits do not depend on B",
               !memcmp(one.data(), reference.data() + (B - 1) * T * C, one.size() * 4));
        OK(sn9_attention_backward(context, dqkv.data(), dout.data(), out.data(), qkv.data(), lse.data(), nullptr, 0, 0,
                                  scale, B, T, NH, HS));
        if (!gradient.empty()) expect_close("dqkv", dqkv, gradient, 2e-5);
        for (float v : dqkv)
            if (!std::isfinite(v)) {
                expect("dqkv is finite and written whole", false);
                break;
            }
    }
}

// Sequences of several blocks, with and without dropout, against the formulas of the gradient in double precision.
// Element (t, u) of a head's probabilities is element ((b * NH + h) * T + t) * T + u of the mask.
void long_attention(int64_t B, int64_t T, int64_t NH, int64_t HS, float probability) {
    current = "attention of blocks, T=" + std::to_string(T) + " HS=" + std::to_string(HS) +
              " dropout=" + std::to_string(probability);
    int64_t C = NH * HS;
    Floats qkv = noise(B * T * 3 * C), dout = noise(B * T * C), mask(static_cast<size_t>(B * NH * T * T), 1.0f);
    sn9_step step = {};
    step.seed = 42, step.micro_step = 7;
    if (probability > 0) {
        Context context(1);
        Floats ones = mask;
        OK(sn9_dropout(context, mask.data(), ones.data(), nullptr, &step, probability, 3, SN9_DROPOUT_ATTENTION,
                       B * NH * T, T, T));
    }
    double scale = 1.0 / std::sqrt(static_cast<double>(HS));
    Doubles wanted(static_cast<size_t>(B * T * C)), gradient(static_cast<size_t>(B * T * 3 * C));
    Doubles p(static_cast<size_t>(T)), dp(static_cast<size_t>(T));
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < NH; h++)
            for (int64_t t = 0; t < T; t++) {
                auto at = [&](int64_t row, int64_t part) { return ((b * T + row) * 3 + part) * C + h * HS; };
                const float* kept = &mask[static_cast<size_t>(((b * NH + h) * T + t) * T)];
                const float* d = &dout[static_cast<size_t>((b * T + t) * C + h * HS)];
                double top = -1e30, total = 0, rest = 0;
                for (int64_t u = 0; u <= t; u++) {
                    double s = 0, g = 0;
                    for (int64_t c = 0; c < HS; c++) {
                        s += static_cast<double>(qkv[at(t, 0) + c]) * qkv[at(u, 1) + c];
                        g += static_cast<double>(d[c]) * qkv[at(u, 2) + c];
                    }
                    p[u] = s * scale, dp[u] = g * kept[u];
                    top = std::max(top, p[u]);
                }
                for (int64_t u = 0; u <= t; u++) total += p[u] = std::exp(p[u] - top);
                for (int64_t u = 0; u <= t; u++) p[u] /= total, rest += p[u] * dp[u];
                for (int64_t u = 0; u <= t; u++) {
                    double ds = p[u] * (dp[u] - rest) * scale;
                    for (int64_t c = 0; c < HS; c++) {
                        wanted[(b * T + t) * C + h * HS + c] += p[u] * kept[u] * qkv[at(u, 2) + c];
                        gradient[at(t, 0) + c] += ds * qkv[at(u, 1) + c];
                        gradient[at(u, 1) + c] += ds * qkv[at(t, 0) + c];
                        gradient[at(u, 2) + c] += p[u] * kept[u] * d[c];
                    }
                }
            }
    Floats reference;
    for (int threads : {1, 3}) {
        Context context(threads);
        context.reserve(B, T, C, NH, 8);
        Floats out(wanted.size(), NAN), lse(static_cast<size_t>(B * NH * T), NAN), dqkv(qkv.size(), NAN);
        OK(sn9_attention_forward(context, out.data(), lse.data(), qkv.data(), &step, probability, 3,
                                 static_cast<float>(scale), B, T, NH, HS));
        expect_close("out", out, wanted, 4e-6);
        OK(sn9_attention_backward(context, dqkv.data(), dout.data(), out.data(), qkv.data(), lse.data(), &step,
                                  probability, 3, static_cast<float>(scale), B, T, NH, HS));
        expect_close("dqkv", dqkv, gradient, 2e-5);
        if (reference.empty()) reference = dqkv;
        expect("same bits for every number of threads", !memcmp(reference.data(), dqkv.data(), dqkv.size() * 4));
    }
}

void head(int64_t N, int64_t C, int64_t V) {
    current = "head_loss N=" + std::to_string(N) + " C=" + std::to_string(C) + " V=" + std::to_string(V);
    Floats in = noise(N * C), wte = noise(V * C, 0.5);
    std::vector<int32_t> targets(static_cast<size_t>(N));
    for (int64_t i = 0; i < N; i++) targets[i] = i % 5 == 4 ? -1 : static_cast<int32_t>((i * 7919 + V - 1) % V);
    Doubles losses(static_cast<size_t>(N)), din(static_cast<size_t>(N * C)), dwte(static_cast<size_t>(V * C)),
        logits(static_cast<size_t>(N * V));
    const double scale = 0.25;
    for (int64_t i = 0; i < N; i++) {
        double top = -1e30, total = 0;
        for (int64_t v = 0; v < V; v++) {
            double s = 0;
            for (int64_t c = 0; c < C; c++) s += static_cast<double>(in[i * C + c]) * wte[v * C + c];
            logits[i * V + v] = s;
            top = std::max(top, s);
        }
        for (int64_t v = 0; v < V; v++) total += std::exp(logits[i * V + v] - top);
        if (targets[i] < 0) continue;
        losses[i] = top + std::log(total) - logits[i * V + targets[i]];
        for (int64_t v = 0; v < V; v++) {
            double g = scale * (std::exp(logits[i * V + v] - top) / total - (v == targets[i]));
            for (int64_t c = 0; c < C; c++) {
                din[i * C + c] += g * wte[v * C + c];
                dwte[v * C + c] += g * in[i * C + c];
            }
        }
    }
    double tolerance = 1e-6 * std::sqrt(static_cast<double>(C) + 16);
    Floats reference, reference_din;
    for (int threads : {1, 2, 3}) {
        Context context(threads);
        context.reserve(1, N, C, 1, V);
        for (int trained : {0, 1}) {
            Weight weight(context, wte, V, C, SN9_EMBEDDING_WEIGHT, trained);
            Floats got(losses.size(), NAN);
            OK(sn9_head_loss_forward(context, got.data(), in.data(), &weight.weight, targets.data(), N, V));
            expect_close("losses", got, losses, tolerance);
            if (reference.empty()) reference = got;
            expect("same bits for every number of threads and both forms of weight",
                   !memcmp(reference.data(), got.data(), got.size() * 4));
            Floats some(static_cast<size_t>(2 * V), NAN);
            std::vector<int32_t> rows = {static_cast<int32_t>(N - 1), 0};
            OK(sn9_head_logits(context, some.data(), in.data(), &weight.weight, rows.data(), 2, V));
            expect_close("logits of the last row", some.data(), &logits[(N - 1) * V], static_cast<size_t>(V),
                         tolerance);
            expect_close("logits of the first row", some.data() + V, &logits[0], static_cast<size_t>(V), tolerance);
        }
        Weight weight(context, wte, V, C, SN9_EMBEDDING_WEIGHT, 1);
        sn9_step step = {};
        step.loss_scale = static_cast<float>(scale);
        Floats got(losses.size(), NAN), din_got(din.size(), NAN), dwte_got = noise(V * C);
        Doubles dwte_wanted = dwte;
        for (size_t i = 0; i < dwte_got.size(); i++) dwte_wanted[i] += dwte_got[i];
        OK(sn9_head_loss_backward(context, got.data(), din_got.data(), dwte_got.data(), in.data(), &weight.weight,
                                  targets.data(), &step, N, V));
        expect("the training loss has the bits of evaluation", !memcmp(reference.data(), got.data(), got.size() * 4));
        expect_close("din =", din_got, din, tolerance);
        expect_close("dwte +=", dwte_got, dwte_wanted, tolerance);
        if (reference_din.empty()) reference_din = din_got;
        expect("same bits of din", !memcmp(reference_din.data(), din_got.data(), din_got.size() * 4));
    }
}

void embed() {
    current = "embed";
    const int64_t B = 3, T = 5, C = 67, V = 37;
    Floats wte = noise(V * C), wpe = noise(9 * C), dout = noise(B * T * C), dwte = noise(V * C), dwpe = noise(9 * C);
    std::vector<int32_t> tokens = {0, 36, 5, 5, 5, 1, 2, 3, 4, 5, 36, 36, 0, 0, 7};
    Doubles out(static_cast<size_t>(B * T * C)), dwte_wanted = as_doubles(dwte), dwpe_wanted = as_doubles(dwpe);
    for (int64_t i = 0; i < B * T; i++)
        for (int64_t c = 0; c < C; c++) {
            out[i * C + c] = static_cast<double>(wte[tokens[i] * C + c]) + wpe[i % T * C + c];
            dwte_wanted[tokens[i] * C + c] += dout[i * C + c];
            dwpe_wanted[i % T * C + c] += dout[i * C + c];
        }
    Context context(2);
    for (int trained : {0, 1}) {
        Weight weight(context, wte, V, C, SN9_EMBEDDING_WEIGHT, trained);
        Floats got(out.size(), NAN);
        OK(sn9_embed_forward(context, got.data(), tokens.data(), &weight.weight, wpe.data(), B, T, C));
        expect_close("out", got, out, 1e-6);
        tokens[3] = V;
        expect("a token outside of the vocabulary is refused",
               sn9_embed_forward(context, got.data(), tokens.data(), &weight.weight, wpe.data(), B, T, C) ==
                       SN9_BAD_ARGUMENT &&
                   strstr(sn9_last_error(), "position 3"));
        tokens[3] = 5;
    }
    OK(sn9_embed_backward(context, dwte.data(), dwpe.data(), dout.data(), tokens.data(), B, T, C, V));
    expect_close("dwte +=", dwte, dwte_wanted, 1e-6);
    expect_close("dwpe +=", dwpe, dwpe_wanted, 1e-6);
    expect("a token outside of dwte is refused", sn9_embed_backward(context, dwte.data(), dwpe.data(), dout.data(),
                                                                    tokens.data(), B, T, C, V - 1) == SN9_BAD_ARGUMENT);
}

void optimizer(int64_t n) {
    current = "optimizer n=" + std::to_string(n);
    Context context(3);
    OK(sn9_context_reserve(context, 4096));
    Floats p = noise(n), m = noise(n), v = noise(n), g = noise(n);
    for (auto& x : v) x = std::fabs(x);
    double squares = 0;
    for (float x : g) squares += static_cast<double>(x) * x;
    sn9_step step = {};
    step.learning_rate = 1e-2f, step.beta1 = 0.9f, step.beta2 = 0.95f, step.epsilon = 1e-8f, step.weight_decay = 0.1f;
    step.bias_correction1 = 0.271f, step.bias_correction2 = 0.142625f, step.grad_clip = 0.5f;
    OK(sn9_grad_norm(context, &step, g.data(), n));
    expect("norm", std::fabs(step.grad_norm - std::sqrt(squares)) < 1e-12 * (1 + std::sqrt(squares)) && step.finite);
    double clip = std::min(1.0, 0.5 / (std::sqrt(squares) + 1e-6));
    int64_t decayed = n / 2;
    Doubles wanted(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; i++) {
        double gi = g[i] * clip, mi = 0.9 * m[i] + 0.1 * gi, vi = 0.95 * v[i] + 0.05 * gi * gi;
        double kept = i < decayed ? p[i] * (1 - 1e-2 * 0.1) : p[i];
        wanted[i] = kept - 1e-2 * (mi / 0.271) / (std::sqrt(vi / 0.142625) + 1e-8);
    }
    Floats before = p;
    OK(sn9_adamw(context, p.data(), m.data(), v.data(), nullptr, g.data(), &step, decayed, n));
    expect_close("params", p, wanted, 2e-6);
    g[static_cast<size_t>(n / 2)] = NAN;
    OK(sn9_grad_norm(context, &step, g.data(), n));
    expect("a NaN gradient is seen", !step.finite);
    Floats kept = p;
    OK(sn9_adamw(context, p.data(), m.data(), v.data(), nullptr, g.data(), &step, decayed, n));
    expect("a step with a NaN gradient changes nothing", !memcmp(kept.data(), p.data(), kept.size() * 4));
}

void casts() {
    current = "cast";
    Context context(2);
    // Every f16 and bf16 value goes to f32 and back unchanged (NaN stays NaN).
    for (int32_t type : {SN9_F16, SN9_BF16}) {
        std::vector<uint16_t> all(65536), back(65536);
        Floats wide(65536);
        for (int i = 0; i < 65536; i++) all[i] = static_cast<uint16_t>(i);
        OK(sn9_cast(context, wide.data(), SN9_F32, all.data(), type, 65536));
        OK(sn9_cast(context, back.data(), type, wide.data(), SN9_F32, 65536));
        bool same = true;
        for (int i = 0; i < 65536; i++) same &= all[i] == back[i] || std::isnan(wide[i]);
        expect("round trip", same);
    }
    Floats values = {1.0f + 0x1p-9f, 1.0f + 0x1p-8f, 1.0f + 3 * 0x1p-9f, 65519.996f,
                     65520.0f,       0x1p-25f,       0x1.8p-24f,         -0.0f};
    uint16_t half[8];
    OK(sn9_cast(context, half, SN9_BF16, values.data(), SN9_F32, 3));
    expect("bf16 rounds to nearest, ties to even", half[0] == 0x3f80 && half[1] == 0x3f80 && half[2] == 0x3f81);
    OK(sn9_cast(context, half, SN9_F16, values.data(), SN9_F32, 8));
    expect("f16 rounds to nearest, ties to even",
           half[3] == 0x7bff && half[4] == 0x7c00 && half[5] == 0 && half[6] == 2 && half[7] == 0x8000);
    Floats many = noise(100003);
    int64_t first = 0;
    OK(sn9_check_finite(context, &first, many.data(), SN9_F32, 100003));
    expect("finite", first == -1);
    many[99999] = NAN, many[70001] = INFINITY;
    OK(sn9_check_finite(context, &first, many.data(), SN9_F32, 100003));
    expect("the first that is not finite", first == 70001);
}

void dropouts() {
    current = "dropout";
    const int64_t n = 100001;
    Context context(3);
    sn9_step step = {};
    step.seed = 42, step.micro_step = 7;
    Floats ones(n, 1.0f), a(n), b(n), c(n);
    OK(sn9_dropout(context, a.data(), ones.data(), nullptr, &step, 0.1f, 3, SN9_DROPOUT_MLP, n, 1, 1));
    OK(sn9_dropout(context, b.data(), ones.data(), ones.data(), &step, 0.1f, 3, SN9_DROPOUT_MLP, n, 1, 1));
    step.micro_step = 8;
    OK(sn9_dropout(context, c.data(), ones.data(), nullptr, &step, 0.1f, 3, SN9_DROPOUT_MLP, n, 1, 1));
    int64_t dropped = 0, differs = 0;
    bool same = true;
    for (int64_t i = 0; i < n; i++) {
        dropped += a[i] == 0;
        same &= a[i] + 1 == b[i];
        differs += a[i] != c[i];
    }
    expect("a tenth is dropped", std::fabs(static_cast<double>(dropped) / n - 0.1) < 0.005);
    expect("the same mask again, residual added", same);
    expect("another mask at another step", differs > n / 10);
    // Attention: with v = 1 the output is the sum of kept, scaled probabilities: its mean over rows is near 1.
    const int64_t T = 200, HS = 16;
    Floats qkv(T * 3 * HS, 0.0f), out(T * HS), lse(T);
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < HS; h++) qkv[t * 3 * HS + 2 * HS + h] = 1;
    context.reserve(1, T, HS, 1, 8);
    OK(sn9_attention_forward(context, out.data(), lse.data(), qkv.data(), &step, 0.1f, 0, 0.25f, 1, T, 1, HS));
    double mean = 0;
    for (int64_t t = 0; t < T; t++) mean += out[t * HS] / T;
    expect("attention keeps the expectation", std::fabs(mean - 1) < 0.05 && out[HS * 150] != 1.0f);
}

// Padding columns and words change nothing and stay zero, whatever lies in them beforehand.
void padding() {
    current = "padding";
    const int64_t N = 9, true_C = 13, C = 16, true_V = 21, V = 32;
    Context context(2);
    context.reserve(1, N, C, 1, V);
    Floats x = noise(N * true_C), w = noise(true_C), bias = noise(true_C), g = noise(N * true_C),
           wte = noise(true_V * true_C);
    auto pad = [&](const Floats& from, int64_t rows, int64_t all_rows, float filling) {
        Floats to(static_cast<size_t>(all_rows * C), filling);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < true_C; c++) to[r * C + c] = from[r * true_C + c];
        return to;
    };
    Floats out(x.size()), mean(N), rstd(N), din(x.size(), 0.0f), dw(true_C, 0.0f), db(true_C, 0.0f);
    OK(sn9_add_layernorm_forward(context, nullptr, out.data(), mean.data(), rstd.data(), x.data(), nullptr, w.data(),
                                 bias.data(), 1e-5f, N, true_C, true_C));
    OK(sn9_layernorm_backward(context, din.data(), dw.data(), db.data(), g.data(), x.data(), mean.data(), rstd.data(),
                              w.data(), N, true_C, true_C));
    Floats px = pad(x, N, N, 7.0f), pg = pad(g, N, N, 5.0f), pw = pad(w, 1, 1, 3.0f), pbias = pad(bias, 1, 1, 2.0f);
    Floats pout(static_cast<size_t>(N * C), NAN), pmean(N), prstd(N), pdin(static_cast<size_t>(N * C), 0.0f),
        pdw(C, 0.0f), pdb(C, 0.0f);
    OK(sn9_add_layernorm_forward(context, nullptr, pout.data(), pmean.data(), prstd.data(), px.data(), nullptr,
                                 pw.data(), pbias.data(), 1e-5f, N, C, true_C));
    OK(sn9_layernorm_backward(context, pdin.data(), pdw.data(), pdb.data(), pg.data(), px.data(), pmean.data(),
                              prstd.data(), pw.data(), N, C, true_C));
    expect("layernorm", pout == pad(out, N, N, 0.0f) && pdin == pad(din, N, N, 0.0f) && pdw == pad(dw, 1, 1, 0.0f) &&
                            pdb == pad(db, 1, 1, 0.0f) && pmean == mean && prstd == rstd);
    Floats words = pad(wte, true_V, V, 0.0f), rows = pad(x, N, N, 0.0f), losses(N), plosses(N);
    std::vector<int32_t> targets = {0, 20, 3, -1, 5, 6, 7, 8, 9};
    Weight plain(context, wte, true_V, true_C, SN9_EMBEDDING_WEIGHT, 1),
        padded(context, words, V, C, SN9_EMBEDDING_WEIGHT, 1);
    sn9_step step = {};
    step.loss_scale = 0.5f;
    Floats dx(x.size()), dwte(wte.size(), 0.0f), pdx(rows.size(), NAN), pdwte(words.size(), 0.0f);
    OK(sn9_head_loss_backward(context, losses.data(), dx.data(), dwte.data(), x.data(), &plain.weight, targets.data(),
                              &step, N, true_V));
    OK(sn9_head_loss_backward(context, plosses.data(), pdx.data(), pdwte.data(), rows.data(), &padded.weight,
                              targets.data(), &step, N, true_V));
    expect("head", plosses == losses && pdx == pad(dx, N, N, 0.0f) && pdwte == pad(dwte, true_V, V, 0.0f));
    OK(sn9_dropout(context, out.data(), x.data(), nullptr, &step, 0.5f, 1, SN9_DROPOUT_MLP, N, true_C, true_C));
    OK(sn9_dropout(context, pout.data(), px.data(), nullptr, &step, 0.5f, 1, SN9_DROPOUT_MLP, N, C, true_C));
    expect("dropout draws the same mask", pout == pad(out, N, N, 0.0f));
}

void hostile_numbers() {
    current = "hostile numbers";
    const int64_t N = 7, C = 24, V = 600;
    Context context(2);
    context.reserve(1, N, C, 1, V);
    std::vector<int32_t> targets(N, 3);
    for (float bad : {NAN, INFINITY, -INFINITY, 1e30f}) {
        Floats wte = noise(V * C), in = noise(N * C), losses(N);
        if (bad == 1e30f)
            for (auto& x : wte) x *= bad;
        else
            wte[static_cast<size_t>(550 * C + 5)] = bad;
        for (auto& x : in) x = bad == 1e30f ? x * 1e30f : 1.0f;
        Weight weight(context, wte, V, C, SN9_EMBEDDING_WEIGHT, 0);
        OK(sn9_head_loss_forward(context, losses.data(), in.data(), &weight.weight, targets.data(), N, V));
        // A logit of minus infinity is a probability of zero; every other one makes the loss meaningless.
        expect("a bad parameter makes the loss not finite", bad == -INFINITY || !std::isfinite(losses[2]));
    }
}

}  // namespace

int main() {
    for (int64_t N : {1, 6, 7, 13, 97})
        for (auto [C, OC] : {std::pair<int64_t, int64_t>{1, 1}, {17, 16}, {40, 33}, {385, 49}, {64, 131}})
            linear(N, C, OC);
    linear(3100, 5, 3);
    for (int64_t N : {1, 2, 33})
        for (int64_t C : {1, 7, 16, 40, 131}) layernorm(N, C);
    for (int64_t HS : {1, 8, 40, 64, 76})
        for (int64_t T : {1, 2, 49, 97}) attention(2, T, HS == 8 ? 3 : 1, HS);
    for (int64_t HS : {32, 80, 96, 128}) attention(1, 50, 2, HS);
    attention(2, 5, 3, 4);
    attention(1, 7, 1, 76);
    for (float probability : {0.0f, 0.2f}) {
        for (int64_t T : {96, 128, 129, 250, 391}) long_attention(1, T, 2, 64, probability);
        long_attention(2, 300, 2, 76, probability);
        long_attention(1, 227, 3, 20, probability);
    }
    for (auto [N, C, V] :
         {std::tuple<int64_t, int64_t, int64_t>{1, 1, 2}, {5, 8, 11}, {97, 40, 513}, {7, 76, 1031}, {260, 9, 515}})
        head(N, C, V);
    head(3, 16, 50257);
    embed();
    optimizer(1);
    optimizer(7);
    optimizer(200003);
    casts();
    dropouts();
    padding();
    hostile_numbers();
    printf("%d checks, %d failed\n", checks, failures);
    return failures ? 1 : 0;
}
