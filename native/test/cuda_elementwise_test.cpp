// cuda_elementwise_test: embed, layernorm, gelu, dropout, the optimizer, casts and means of a CUDA library against
// plain double-precision loops, with activations of both types, at padded sizes whose true sizes are odd, with NaN in
// the padding, into dirty buffers; the same bits for every order of blocks and warps. Tolerances: f32 sums of K terms
// of size s are off by about 6e-8 * s * sqrt(K), allowed 16 times; a bf16 result by half a unit in its last place, 2^-9
// of its size, allowed 2^-8.
#include <algorithm>
#include <climits>

#include "convert.h"
#include "cuda_test.h"
#include "random.h"

namespace sn9::test {

namespace {

constexpr float kNan = __builtin_nanf("");

// Rows of true_C values inside rows of C; the rest holds `filling`.
Floats padded(const Floats& from, int64_t rows, int64_t C, int64_t true_C, float filling) {
    Floats to(static_cast<size_t>(rows * C), filling);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < true_C; c++) to[r * C + c] = from[r * true_C + c];
    return to;
}

// The padding columns hold this very value.
void expect_padding(const char* what, const Floats& x, int64_t C, int64_t true_C, float value) {
    bool all = true;
    for (size_t i = 0; i < x.size(); i++)
        if (static_cast<int64_t>(i) % C >= true_C) all &= !memcmp(&x[i], &value, 4);
    expect(what, all);
}
// Every row of x, without its padding, is near wanted (rows, true_C).
void expect_rows(const char* what, const Floats& x, const Doubles& wanted, int64_t C, int64_t true_C,
                 double tolerance) {
    Floats rows(wanted.size());
    for (size_t i = 0; i < wanted.size(); i++)
        rows[i] = x[static_cast<int64_t>(i) / true_C * C + static_cast<int64_t>(i) % true_C];
    expect_close(what, rows, wanted, tolerance);
}

void embed(Device& device, int64_t B, int64_t T, int64_t C, int64_t V, int64_t words) {
    start(device, "embed B=%ld T=%ld C=%ld V=%ld words=%ld", B, T, C, V, words);
    int64_t N = B * T;
    Floats wte = device.rounded(noise(V * C)), wpe = noise(T * C), dout = device.rounded(noise(N * C)),
           dwte = noise(V * C), dwpe = noise(T * C);
    Ints tokens(static_cast<size_t>(N));
    for (auto& token : tokens) {  // one token in four is always the same, the others spread over `words`
        int64_t spread = static_cast<int64_t>((uniform() + 1) / 2 * static_cast<double>(words));
        token = static_cast<int32_t>(uniform() < -0.5 ? V - 1 : V - 1 - spread);
    }
    Floats dwte_wanted = dwte, dwpe_wanted = dwpe;  // the same sums in the same order: the same bits
    Doubles wanted(static_cast<size_t>(N * C));
    for (int64_t i = 0; i < N; i++)
        for (int64_t c = 0; c < C; c++) {
            wanted[i * C + c] = static_cast<double>(wte[tokens[i] * C + c]) + wpe[i % T * C + c];
            dwte_wanted[tokens[i] * C + c] += dout[i * C + c];
            dwpe_wanted[i % T * C + c] += dout[i * C + c];
        }
    Buffer words_memory = device.activations(wte), wpe_memory = device.floats(wpe), tokens_memory = device.ints(tokens);
    sn9_weight weight = {};
    weight.packed = words_memory;
    weight.rows = V, weight.cols = C, weight.kind = SN9_EMBEDDING_WEIGHT;
    Buffer out = device.activations(Floats(wanted.size(), kNan));
    OK(sn9_embed_forward(device, out, tokens_memory, &weight, wpe_memory, B, T, C));
    expect_close("out", device.read_activations(out), wanted, device.tolerance(1e-7));
    Buffer dwte_memory = device.floats(dwte), dwpe_memory = device.floats(dwpe), dout_memory = device.activations(dout);
    OK(sn9_embed_backward(device, dwte_memory, dwpe_memory, dout_memory, tokens_memory, B, T, C, V));
    expect_bits("dwte +=", device.read_floats(dwte_memory), dwte_wanted);
    expect_bits("dwpe +=", device.read_floats(dwpe_memory), dwpe_wanted);
}

// Tokens that are no words reach nothing outside of the tables, and do not go unnoticed.
void embed_refuses(Device& device) {
    start(device, "embed of what is no word");
    const int64_t B = 2, T = 5, C = 64, V = 128;
    const Ints tokens = {0, -1, 127, 128, INT_MAX, INT_MIN, 5, 0, 1 << 20, 5};
    Buffer wte = device.activations(Floats(V * C, 1.0f)), wpe = device.floats(Floats(T * C, 1.0f)),
           ids = device.ints(tokens), out = device.activations(Floats(B * T * C));
    sn9_weight weight = {};
    weight.packed = wte;
    weight.rows = V, weight.cols = C, weight.kind = SN9_EMBEDDING_WEIGHT;
    OK(sn9_embed_forward(device, out, ids, &weight, wpe, B, T, C));
    Floats got = device.read_activations(out);
    bool right = true;
    for (size_t i = 0; i < got.size(); i++) {
        int32_t token = tokens[i / C];
        right &= token >= 0 && token < V ? got[i] == 2 : std::isnan(got[i]);
    }
    expect("rows of no word are NaN, the others are not", right);
    Buffer dwte = device.floats(Floats(V * C)), dwpe = device.floats(Floats(T * C)),
           dout = device.activations(Floats(B * T * C, 1.0f));
    OK(sn9_embed_backward(device, dwte, dwpe, dout, ids, B, T, C, V));
    Floats sums = device.read_floats(dwte);
    bool sums_right = true;
    for (size_t i = 0; i < sums.size(); i++)
        sums_right &= sums[i] == static_cast<float>(std::count(tokens.begin(), tokens.end(), static_cast<int>(i / C)));
    expect("dwte has the words only", sums_right);
    expect("C that is not padded is refused",
           sn9_embed_backward(device, dwte, dwpe, dout, ids, B, T, 63, V) == SN9_BAD_ARGUMENT);
}

void layernorm(Device& device, int64_t N, int64_t C, int64_t true_C) {
    start(device, "layernorm N=%ld C=%ld true_C=%ld", N, C, true_C);
    const float epsilon = 1e-5f;
    Floats a = device.rounded(noise(N * true_C)), b = device.rounded(noise(N * true_C)), w = noise(true_C),
           bias = noise(true_C), dout = device.rounded(noise(N * true_C)), din = device.rounded(noise(N * true_C)),
           dw = noise(true_C), db = noise(true_C), x(a.size());
    for (size_t i = 0; i < x.size(); i++) x[i] = a[i] + b[i];
    x = device.rounded(x);  // what is normalised, and what the backward pass sees
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
    Buffer a_memory = device.activations(padded(a, N, C, true_C, kNan)),
           b_memory = device.activations(padded(b, N, C, true_C, kNan)),
           w_memory = device.floats(padded(w, 1, C, true_C, kNan)),
           bias_memory = device.floats(padded(bias, 1, C, true_C, kNan)),
           sum_memory = device.activations(Floats(static_cast<size_t>(N * C), kNan)),
           out_memory = device.activations(Floats(static_cast<size_t>(N * C), kNan)),
           mean_memory = device.floats(Floats(means.size(), kNan)),
           rstd_memory = device.floats(Floats(means.size(), kNan));
    OK(sn9_add_layernorm_forward(device, sum_memory, out_memory, mean_memory, rstd_memory, a_memory, b_memory, w_memory,
                                 bias_memory, epsilon, N, C, true_C));
    Floats sum = device.read_activations(sum_memory), got = device.read_activations(out_memory),
           mean = device.read_floats(mean_memory), rstd = device.read_floats(rstd_memory);
    double spread = 1e-6 * std::sqrt(static_cast<double>(true_C));
    expect_bits("sum", sum, padded(x, N, C, true_C, 0));
    expect_close("mean", mean, means, spread);
    expect_close("rstd", rstd, rstds, spread * 40);  // tiny rows: rstd reaches 300
    expect_rows("out", got, out, C, true_C, device.tolerance(spread * 10));
    expect_padding("out's padding is 0", got, C, true_C, 0);

    // b null: a is normalised, sum is left alone.
    Buffer again = device.activations(Floats(static_cast<size_t>(N * C), kNan));
    OK(sn9_add_layernorm_forward(device, nullptr, again, mean_memory, rstd_memory, sum_memory, nullptr, w_memory,
                                 bias_memory, epsilon, N, C, true_C));
    expect_bits("out of the sum", device.read_activations(again), got);
    expect_bits("mean of the sum", device.read_floats(mean_memory), mean);
    Buffer recomputed = device.activations(Floats(static_cast<size_t>(N * C), kNan));
    OK(sn9_layernorm_recompute(device, recomputed, sum_memory, mean_memory, rstd_memory, w_memory, bias_memory, N, C,
                               true_C));
    expect_bits("recompute", device.read_activations(recomputed), got);

    // The last row alone: the same bits.
    int64_t offset = (N - 1) * C * device.activation_bytes();
    Buffer one = device.activations(Floats(static_cast<size_t>(C), kNan));
    OK(sn9_add_layernorm_forward(device, one, one, mean_memory, rstd_memory, a_memory.at(offset), b_memory.at(offset),
                                 w_memory, bias_memory, epsilon, 1, C, true_C));
    expect_bits("the last row alone", device.read_activations(one), Floats(got.end() - C, got.end()));
    OK(sn9_add_layernorm_forward(device, sum_memory, out_memory, mean_memory, rstd_memory, a_memory, b_memory, w_memory,
                                 bias_memory, epsilon, N, C, true_C));

    Buffer dout_memory = device.activations(padded(dout, N, C, true_C, kNan)),
           x_memory = device.activations(padded(x, N, C, true_C, kNan)),
           din_memory = device.activations(padded(din, N, C, true_C, 3)),
           dw_memory = device.floats(padded(dw, 1, C, true_C, 5)),
           db_memory = device.floats(padded(db, 1, C, true_C, 7));
    OK(sn9_layernorm_backward(device, din_memory, dw_memory, db_memory, dout_memory, x_memory, mean_memory, rstd_memory,
                              w_memory, N, C, true_C));
    Floats din_got = device.read_activations(din_memory), dw_got = device.read_floats(dw_memory),
           db_got = device.read_floats(db_memory);
    double rows = 1e-6 * std::sqrt(static_cast<double>(N));
    expect_rows("din +=", din_got, din_wanted, C, true_C, device.tolerance(spread * 10));
    expect_rows("dw +=", dw_got, dw_wanted, C, true_C, rows + spread);
    expect_rows("db +=", db_got, db_wanted, C, true_C, rows);
    expect_padding("din's padding is left alone", din_got, C, true_C, 3);
    expect_padding("dw's padding is left alone", dw_got, C, true_C, 5);
    expect_padding("db's padding is left alone", db_got, C, true_C, 7);
    Buffer din_one = device.activations(Floats(padded(Floats(din.end() - true_C, din.end()), 1, C, true_C, 3)));
    OK(sn9_layernorm_backward(device, din_one, dw_memory, db_memory, dout_memory.at(offset), x_memory.at(offset),
                              mean_memory.at((N - 1) * 4), rstd_memory.at((N - 1) * 4), w_memory, 1, C, true_C));
    expect_bits("din of the last row alone", device.read_activations(din_one),
                Floats(din_got.end() - C, din_got.end()));
}

void layernorm_refuses(Device& device) {
    start(device, "layernorm refuses");
    Buffer x = device.activations(Floats(2 * 1728)), f = device.floats(Floats(1728));
    auto forward = [&](int64_t C, int64_t true_C) {
        return sn9_add_layernorm_forward(device, nullptr, x, f, f, x, nullptr, f, f, 1e-5f, 1, C, true_C);
    };
    expect("C that is not padded", forward(65, 65) == SN9_BAD_ARGUMENT);
    expect("true_C above C", forward(64, 65) == SN9_BAD_ARGUMENT);
    expect("C above the widest kernel", forward(1728, 1728) == SN9_UNSUPPORTED);
    expect("tensors that are not aligned",
           sn9_layernorm_recompute(device, x.at(2), x, f, f, f, f, 1, 64, 64) == SN9_BAD_ARGUMENT);
}

void gelu(Device& device, int64_t n) {
    start(device, "gelu n=%ld", n);
    Floats pre = device.rounded(noise(n, 6.0));
    const Floats edges = {0.0f, -0.0f, 1e30f, -1e30f, 88.0f, -88.0f, 1e-30f, -10.0f};
    for (size_t i = 0; i < edges.size() && i < pre.size(); i++) pre[pre.size() - 1 - i] = edges[i];
    pre = device.rounded(pre);
    Doubles wanted;
    for (double x : pre) wanted.push_back(0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))));
    Buffer out = device.activations(Floats(pre.size(), kNan)), in = device.activations(pre);
    OK(sn9_gelu_forward(device, out, in, n));
    expect_close("out", device.read_activations(out), wanted, device.tolerance(1e-6));
}

void dropout(Device& device, int64_t N, int64_t C, int64_t true_C, float probability) {
    start(device, "dropout N=%ld C=%ld true_C=%ld p=%g", N, C, true_C, static_cast<double>(probability));
    Floats in = device.rounded(noise(N * C)), residual = device.rounded(noise(N * C));
    sn9_step step = {};
    step.seed = 0x123456789abcdefull;
    step.micro_step = 7;
    const int32_t layer = 11, site = SN9_DROPOUT_MLP;
    DropoutMask mask(step.seed, step.micro_step, layer, site, probability);  // the CPU library's own
    Floats alone(in.size()), added(in.size());
    for (int64_t i = 0; i < N; i++)
        for (int64_t c = 0; c < C; c++) {
            float factor[4];
            uint64_t element = static_cast<uint64_t>(i * true_C + c);
            mask.factors(element / 4, factor);
            float dropped = c < true_C ? in[i * C + c] * factor[element % 4] : 0.0f;
            alone[i * C + c] = 0.0f + dropped;
            added[i * C + c] = residual[i * C + c] + dropped;
        }
    Buffer step_memory = device.bytes(&step, sizeof step), in_memory = device.activations(in),
           residual_memory = device.activations(residual), out = device.activations(Floats(in.size(), kNan));
    OK(sn9_dropout(device, out, in_memory, nullptr, step_memory, probability, layer, site, N, C, true_C));
    expect_bits("the CPU's mask", device.read_activations(out), device.rounded(alone));
    OK(sn9_dropout(device, residual_memory, in_memory, residual_memory, step_memory, probability, layer, site, N, C,
                   true_C));
    expect_bits("out is residual", device.read_activations(residual_memory), device.rounded(added));
    OK(sn9_dropout(device, in_memory, in_memory, nullptr, step_memory, probability, layer, site, N, C, true_C));
    expect_bits("out is in", device.read_activations(in_memory), device.rounded(alone));
    expect("probability 1 is refused", sn9_dropout(device, out, in_memory, nullptr, step_memory, 1.0f, layer, site, N,
                                                   C, true_C) == SN9_BAD_ARGUMENT);
}

void optimizer(Device& device, int64_t n, float clip) {
    start(device, "optimizer n=%ld clip=%g", n, static_cast<double>(clip));
    Floats p = noise(n), m = noise(n), v = noise(n), g = noise(n);
    for (auto& x : v) x = std::fabs(x);
    double squares = 0;
    for (float x : g) squares += static_cast<double>(x) * x;
    sn9_step step = {};
    step.learning_rate = 1e-2f, step.beta1 = 0.9f, step.beta2 = 0.95f, step.epsilon = 1e-8f, step.weight_decay = 0.1f;
    step.bias_correction1 = 0.271f, step.bias_correction2 = 0.142625f, step.grad_clip = clip;
    step.finite = -1;
    Buffer step_memory = device.bytes(&step, sizeof step), grads = device.floats(g), params = device.floats(p),
           m_memory = device.floats(m), v_memory = device.floats(v),
           copy = device.activations(Floats(static_cast<size_t>(n), kNan));
    OK(sn9_grad_norm(device, step_memory, grads, n));
    sn9_step got = device.read<sn9_step>(step_memory, 1)[0];
    expect("norm", std::fabs(got.grad_norm - std::sqrt(squares)) < 1e-12 * (1 + std::sqrt(squares)) && got.finite == 1);
    expect("the rest of the step is left alone", got.learning_rate == step.learning_rate && got.seed == step.seed);

    int64_t decayed = n / 3;
    double scale = clip > 0 ? std::min(1.0, clip / (std::sqrt(squares) + 1e-6)) : 1;
    Doubles p_wanted, m_wanted, v_wanted;
    for (int64_t i = 0; i < n; i++) {
        double grad = g[i] * scale, decay = i < decayed ? step.learning_rate * step.weight_decay : 0;
        m_wanted.push_back(step.beta1 * m[i] + (1.0 - step.beta1) * grad);
        v_wanted.push_back(step.beta2 * v[i] + (1.0 - step.beta2) * grad * grad);
        p_wanted.push_back(p[i] * (1 - decay) -
                           step.learning_rate * (m_wanted.back() / step.bias_correction1) /
                               (std::sqrt(v_wanted.back() / step.bias_correction2) + step.epsilon));
    }
    OK(sn9_adamw(device, params, m_memory, v_memory, copy, grads, step_memory, decayed, n));
    Floats p_got = device.read_floats(params);
    expect_close("params", p_got, p_wanted, 2e-6);
    expect_close("m", device.read_floats(m_memory), m_wanted, 1e-6);
    expect_close("v", device.read_floats(v_memory), v_wanted, 1e-6);
    expect_bits("copy", device.read_activations(copy), device.rounded(p_got));

    // Without a copy; then gradients that are no numbers, which change nothing.
    Buffer params_again = device.floats(p), m_again = device.floats(m), v_again = device.floats(v);
    OK(sn9_adamw(device, params_again, m_again, v_again, nullptr, grads, step_memory, decayed, n));
    expect_bits("params without a copy", device.read_floats(params_again), p_got);
    for (float bad : {kNan, HUGE_VALF}) {
        g[static_cast<size_t>(n / 2)] = bad;
        Buffer bad_grads = device.floats(g);
        OK(sn9_grad_norm(device, step_memory, bad_grads, n));
        expect("not finite", device.read<sn9_step>(step_memory, 1)[0].finite == 0);
        OK(sn9_adamw(device, params, m_memory, v_memory, copy, bad_grads, step_memory, decayed, n));
        expect_bits("nothing changes", device.read_floats(params), p_got);
        expect_close("m stays", device.read_floats(m_memory), m_wanted, 1e-6);
    }
}

void casts(Device& device, int64_t n, int64_t skip) {
    start(device, "cast n=%ld from element %ld", n, skip);
    Doubles values(static_cast<size_t>(n + skip));
    const Doubles edges = {0.0,    -0.0,   65504.0, 65519.996,        65520.0,  1e30,      -1e300,     6e-8,
                           2.9e-8, 1e-40,  3.05e-5, 6.1e-5,           HUGE_VAL, -HUGE_VAL, 1.00390625, 1.01171875,
                           2049.0, 2051.0, 1e-310,  __builtin_nan("")};
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = i < edges.size() ? edges[i] : uniform() * std::exp2(std::floor(uniform() * 30));
    }
    std::vector<char> sources[4];  // f32, bf16, f16, f64
    for (double value : values) {
        float f = static_cast<float>(value);
        uint16_t b = float_as_bf16(f), h = float_as_f16(f);
        auto append = [](std::vector<char>& to, const void* from, size_t bytes) {
            to.insert(to.end(), static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
        };
        append(sources[SN9_F32], &f, 4);
        append(sources[SN9_BF16], &b, 2);
        append(sources[SN9_F16], &h, 2);
        append(sources[SN9_F64], &value, 8);
    }
    const int64_t size[] = {4, 2, 2, 8};
    for (int32_t from : {SN9_F32, SN9_BF16, SN9_F16, SN9_F64})
        for (int32_t to : {SN9_F32, SN9_BF16, SN9_F16}) {
            Buffer source = device.bytes(sources[from].data(), sources[from].size());
            std::vector<char> dirty(static_cast<size_t>((n + skip + 1) * size[to]), 0x55);
            Buffer result = device.bytes(dirty.data(), dirty.size());
            OK(sn9_cast(device, result.at(skip * size[to]), to, source.at(skip * size[from]), from, n));
            std::vector<char> got = device.read<char>(result, dirty.size());
            bool right = true;
            for (int64_t i = 0; i < n + skip + 1; i++) {
                const char* at = got.data() + i * size[to];
                if (i < skip || i == n + skip) {
                    right &= std::all_of(at, at + size[to], [](char c) { return c == 0x55; });
                    continue;
                }
                float value = element_as_float(sources[from].data(), from, i);
                uint32_t bits = 0, wanted = to == SN9_F32    ? float_as_bits(value)
                                            : to == SN9_BF16 ? float_as_bf16(value)
                                                             : float_as_f16(value);
                memcpy(&bits, at, static_cast<size_t>(size[to]));
                bool nan = std::isnan(element_as_float(got.data(), to, i));
                right &= std::isnan(value) ? nan : bits == wanted;
            }
            expect(("from type " + std::to_string(from) + " to " + std::to_string(to)).c_str(), right);
        }
}

void fill_and_add(Device& device, int64_t n) {
    start(device, "fill and scale_add n=%ld", n);
    Floats to = noise(n + 1), from = noise(n);
    Buffer to_memory = device.floats(to), from_memory = device.floats(from);
    OK(sn9_scale_add(device, to_memory, from_memory, 0.3f, n));
    Floats wanted = to;
    for (int64_t i = 0; i < n; i++) wanted[i] = std::fma(0.3f, from[i], to[i]);
    expect_bits("to += scale * from", device.read_floats(to_memory), wanted);
    OK(sn9_fill(device, to_memory, -2.5f, n));
    std::fill(wanted.begin(), wanted.end() - 1, -2.5f);
    expect_bits("to = value, and no further", device.read_floats(to_memory), wanted);
}

void sequence_mean(Device& device, int64_t B, int64_t T) {
    start(device, "sequence_mean B=%ld T=%ld", B, T);
    Floats losses = noise(B * T, 10.0);
    Ints targets(losses.size());
    for (size_t i = 0; i < targets.size(); i++) {
        targets[i] = uniform() < -0.4 || static_cast<int64_t>(i) / T == 1 ? -1 : 5;
        if (targets[i] < 0) losses[i] = kNan;  // not read into the mean
    }
    Doubles wanted;
    for (int64_t b = 0; b < B; b++) {
        double sum = 0, count = 0;
        for (int64_t i = b * T; i < (b + 1) * T; i++)
            if (targets[i] >= 0) sum += losses[i], count++;
        wanted.push_back(count > 0 ? sum / count : 0);
    }
    Buffer losses_memory = device.floats(losses), targets_memory = device.ints(targets),
           means = device.bytes(wanted.data(), wanted.size() * 8);
    OK(sn9_sequence_mean(device, means, losses_memory, targets_memory, B, T));
    Doubles got = device.read<double>(means, wanted.size());
    bool near = true;
    for (size_t b = 0; b < got.size(); b++) near &= std::fabs(got[b] - wanted[b]) <= 1e-13 * (1 + std::fabs(wanted[b]));
    expect("means", near);
    Buffer one = device.bytes(wanted.data(), 8);
    OK(sn9_sequence_mean(device, one, losses_memory.at((B - 1) * T * 4), targets_memory.at((B - 1) * T * 4), 1, T));
    expect("the last sequence alone", device.read<double>(one, 1)[0] == got.back());
}

void check_finite(Device& device) {
    start(device, "check_finite");
    const int64_t n = 40000;
    const int64_t size[] = {4, 2, 2, 8};
    const uint64_t bad[] = {0x7f800000, 0xff80, 0x7c01, 0x7ff0000000000001},
                   most[] = {0x7f7fffff, 0xff7f, 0x7bff, 0x7fefffffffffffff};
    for (int32_t type : {SN9_F32, SN9_BF16, SN9_F16, SN9_F64}) {
        std::vector<char> x(static_cast<size_t>(n * size[type]));
        for (int64_t i = 0; i < n; i++) memcpy(&x[i * size[type]], &most[type], static_cast<size_t>(size[type]));
        int64_t first = 0;
        OK(sn9_check_finite(device, &first, x.data(), type, n));
        expect("all finite", first == -1);
        for (int64_t at : {n - 1, static_cast<int64_t>(16384), static_cast<int64_t>(16383), static_cast<int64_t>(0)}) {
            memcpy(&x[at * size[type]], &bad[type], static_cast<size_t>(size[type]));
            OK(sn9_check_finite(device, &first, x.data(), type, n));
            expect("the first that is not", first == at);
        }
    }
}

}  // namespace

void test_elementwise(Device& device) {
    embed(device, 1, 1, 64, 128, 1);
    embed(device, 3, 5, 64, 128, 30);
    embed(device, 11, 3, 320, 256, 3);
    embed(device, 3, 701, 64, 50304, 40000);  // past a tile; two digits
    embed(device, 1, 1025, 64, 65536, 65000);
    embed(device, 2, 1024, 64, 65535, 1);  // the same word 2,048 times
    embed_refuses(device);
    layernorm(device, 1, 64, 1);
    layernorm(device, 7, 64, 61);
    layernorm(device, 9, 384, 383);
    layernorm(device, 17, 768, 760);
    layernorm(device, 3, 1024, 1000);
    layernorm(device, 5, 1664, 1601);
    layernorm(device, 8209, 64, 63);  // more rows than warps
    layernorm_refuses(device);
    for (int64_t n : {1, 7, 8, 1023, 4101}) gelu(device, n);
    dropout(device, 5, 64, 64, 0.1f);
    dropout(device, 9, 64, 61, 0.5f);
    dropout(device, 3, 768, 762, 0.1f);
    dropout(device, 2, 320, 319, 0.0f);
    for (int64_t n : {1, 3, 4, 1025, 70001}) optimizer(device, n, 0.5f);
    optimizer(device, 999, 0);
    optimizer(device, 1048579, 1e9f);  // more than the blocks cover at once
    for (int64_t n : {1, 7, 8, 2049}) casts(device, n, 0);
    casts(device, 100, 3);
    for (int64_t n : {1, 4, 1027}) fill_and_add(device, n);
    sequence_mean(device, 1, 1);
    sequence_mean(device, 9, 37);
    sequence_mean(device, 3, 1025);
    check_finite(device);
}

}  // namespace sn9::test
