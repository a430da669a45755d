// production: every operation at the size of a training step of GPT-2 124M, B = 64, T = 1024, C = 768, V = 50,257: its
// whole grid is launched over buffers of full size, which nothing backs until it is touched, and the first, the last
// and some drawn blocks run. What overflows 32 bits there writes elsewhere; a grid that is too high is refused. Inputs
// are zero but for the last row, so what the last block makes of them is known. Flat arenas have 3e9 elements, more
// than 2^31. On a device, which has to back its memory and runs all blocks, there is nothing to sample.
#include "../cpu/random.h"
#include "rows.h"

using namespace sn9::test;

namespace {

constexpr int64_t kB = 64, kT = 1024, kN = kB * kT, kC = 768, kF = 4 * kC, kV = 50304, kWords = 50257;
// Flat arenas: so many that the last block of a grid that walks the arena has its last element.
constexpr int64_t kArena = int64_t{715} << 22;
static_assert(kArena > (int64_t{1} << 31) && kArena % (4 * 256 * 4096) == 0,
              "past 32 bits, whole rounds of all blocks");
constexpr int64_t kUnbacked = int64_t{256} << 20;  // what the host build maps, zero, instead of filling it

// An array of n elements of T whose last ones are these. Reading back: last.
template <typename T>
struct Array {
    T* memory;
    int64_t n;

    Array(Device& device, int64_t n_, const std::vector<T>& end = {})
        : memory(
              reinterpret_cast<T*>(device.allocate<char>(std::max(n_ * static_cast<int64_t>(sizeof(T)), kUnbacked)))),
          n(n_) {
        if (!end.empty()) device.upload_to(memory + n - static_cast<int64_t>(end.size()), end);
    }
    operator T*() const { return memory; }
    std::vector<T> last(Device& device, int64_t count) const { return device.download(memory + n - count, count); }
};

// The same of activations, which are floats to the test.
struct Activations {
    void* memory;
    int64_t n;

    Activations(Device& device, int64_t n_, const Floats& end = {})
        : memory(device.allocate<char>(std::max(n_ * (device.bf16() ? 2 : 4), kUnbacked))), n(n_) {
        put(device, n - static_cast<int64_t>(end.size()), end);
    }
    operator void*() const { return memory; }
    // Writes values from element i on.
    void put(Device& device, int64_t i, const Floats& values) const {
        if (values.empty()) return;
        void* from = device.upload_activations(values);
        device.check(device.library().copy(device, skip(device, memory, i), from,
                                           static_cast<int64_t>(values.size()) * (device.bf16() ? 2 : 4)),
                     "copy");
    }
    Floats last(Device& device, int64_t count) const {
        return device.download_activations(skip(device, memory, n - count), count);
    }
};

// A last row.
Floats some_row(const Device& device, uint64_t seed) {
    return device.round(Noise(seed).floats(kC));
}

sn9_weight weight_of(Device& device, const void* values, int64_t rows, int64_t cols, int32_t kind) {
    sn9_weight weight = {};
    weight.rows = rows, weight.cols = cols, weight.kind = kind;
    weight.packed = values;
    // A trained one names its f32 parameters, too; they are not read where there is a copy.
    weight.source = device.allocate<float>(1);
    return weight;
}

void linear(Device& device) {
    start(device, "production linear");
    if (unwanted()) return;
    const Library& library = device.library();
    Activations in(device, kN * kC, {1}), w(device, kC * kF, {0.5f}), out(device, kN * kF), pre(device, kN * kF);
    Array<float> bias(device, kF, {0.25f}), dw(device, kC * kF, {1});
    sn9_weight weight = weight_of(device, w, kC, kF, SN9_LINEAR_WEIGHT);
    SN9_OK_OR_RETURN(library,
                     library.linear_forward(device, out, pre, in, &weight, bias, nullptr, SN9_NO_ACTIVATION, kN));
    expect_same_bits("out", out.last(device, 1), Floats{0.75f});
    expect_same_bits("pre", pre.last(device, 1), Floats{0.75f});

    Activations dout(device, kN * kF, {2});
    SN9_OK_OR_RETURN(library,
                     library.linear_backward_input(device, in, dout, &weight, nullptr, SN9_NO_ACTIVATION, 1, kN));
    expect_same_bits("din +=", in.last(device, 1), Floats{2});
    SN9_OK_OR_RETURN(library, library.linear_backward_weight(device, dw, bias, in, dout, kN, kC, kF));
    expect_same_bits("dw +=", dw.last(device, 1), Floats{5});
    expect_same_bits("db +=", bias.last(device, 1), Floats{2.25f});
    Array<float> square(device, kC * kC, {1});  // its rows are cut into parts
    SN9_OK_OR_RETURN(library, library.linear_backward_weight(device, square, nullptr, in, in, kN, kC, kC));
    expect_same_bits("dw of parts +=", square.last(device, 1), Floats{5});
}

// The last word's logit is 40 in the last row, and all others are 0: its probability is 1 to f32.
void head_loss(Device& device) {
    start(device, "production head_loss");
    if (unwanted()) return;
    const Library& library = device.library();
    Activations in(device, kN * kC, {1}), wte(device, kV * kC), din(device, kN * kC);
    wte.put(device, kWords * kC - 1, {40});
    Array<float> losses(device, kN), dwte(device, kV * kC);
    Ints wanted(kN, -1);  // rows that did not run have no partial sums
    wanted.back() = static_cast<int32_t>(kWords - 2);
    Array<int32_t> targets(device, kN, wanted);
    sn9_weight weight = weight_of(device, wte, kV, kC, SN9_EMBEDDING_WEIGHT);
    SN9_OK_OR_RETURN(library, library.head_loss_forward(device, losses, in, &weight, targets, kN, kWords));
    expect_same_bits("the last loss", losses.last(device, 1), Floats{40});

    // The same for every 4,096 rows: the last of two such chunks. 4 GB of their rows' words by the half.
    const int64_t rows = 2 * 4096, first = kN - rows;
    sn9_step step = {};
    step.loss_scale = 0.5f;
    SN9_OK_OR_RETURN(library, library.head_loss_backward(device, losses + first, skip(device, din, first * kC), dwte,
                                                         skip(device, in, first * kC), &weight, targets + first,
                                                         device.upload(std::vector<sn9_step>{step}), rows, kWords));
    expect_same_bits("the last training loss", losses.last(device, 1), Floats{40});
    expect_same_bits("din", din.last(device, 1), Floats{20});
    expect_same_bits(
        "dwte of the target and of the last word",
        Floats{device.download(dwte + (kWords - 1) * kC - 1, 1)[0], device.download(dwte + kWords * kC - 1, 1)[0]},
        Floats{-0.5f, 0.5f});

    const int64_t most = 65535;  // rows of a grid
    Array<float> logits(device, most * kWords);
    Array<int32_t> numbers(device, most + 1, {static_cast<int32_t>(kN - 1), static_cast<int32_t>(kN - 1)});
    SN9_OK_OR_RETURN(library, library.head_logits(device, logits, in, &weight, numbers, most, kWords));
    expect_same_bits("the last logit, 13 GB on", logits.last(device, 1), Floats{40});
    expect(library.head_logits(device, logits, in, &weight, numbers, most + 1, kWords) == SN9_BAD_ARGUMENT,
           "a row of logits more than a grid has rows");
}

// The last row has the bits that it has alone.
void layernorm(Device& device) {
    start(device, "production layernorm");
    if (unwanted()) return;
    const Library& library = device.library();
    Floats ones(kC, 1), last_a = some_row(device, 1), last_b = some_row(device, 2), last_g = some_row(device, 3);
    Activations a(device, kN * kC, last_a), b(device, kN * kC, last_b), sum(device, kN * kC), out(device, kN * kC),
        again(device, kN * kC), dout(device, kN * kC, last_g), din(device, kN * kC);
    Array<float> mean(device, kN), rstd(device, kN), w(device, kC, ones), bias(device, kC, ones), dw(device, kC),
        db(device, kC);
    auto run = [&](int64_t rows) {
        int64_t from = (kN - rows) * kC;
        auto at = [&](void* x) { return skip(device, x, from); };
        float *m = mean + kN - rows, *r = rstd + kN - rows;
        device.check(library.fill(device, dw, 0, kC), "fill");
        device.check(library.fill(device, db, 0, kC), "fill");
        din.put(device, (kN - 1) * kC, ones);
        device.check(
            library.add_layernorm_forward(device, at(sum), at(out), m, r, at(a), at(b), w, bias, 1e-5f, rows, kC, kC),
            "add_layernorm_forward");
        device.check(library.layernorm_recompute(device, at(again), at(sum), m, r, w, bias, rows, kC, kC),
                     "layernorm_recompute");
        device.check(library.layernorm_backward(device, at(din), dw, db, at(dout), at(sum), m, r, w, rows, kC, kC),
                     "layernorm_backward");
        Floats got = out.last(device, kC);
        expect_same_bits("recompute", again.last(device, kC), got);
        // Only the first and the last block of the sums of dw and db run: their last columns.
        for (const Floats& more :
             {din.last(device, kC), mean.last(device, 1), rstd.last(device, 1), db.last(device, 1)})
            got.insert(got.end(), more.begin(), more.end());
        return got;
    };
    Floats among_many = run(kN);
    expect(!std::isnan(among_many[0]), "the last row is there");
    expect_same_bits("the last row", among_many, run(1));

    Activations pre(device, kArena, last_a), activated(device, kArena);
    SN9_OK_OR_RETURN(library, library.gelu_forward(device, activated, pre, kArena));
    Floats got = activated.last(device, 8);
    SN9_OK_OR_RETURN(library, library.gelu_forward(device, sum, skip(device, pre, kArena - 8), 8));
    expect_same_bits("gelu", got, device.download_activations(sum, 8));
}

void embed(Device& device) {
    start(device, "production embed");
    if (unwanted()) return;
    const Library& library = device.library();
    Floats word = some_row(device, 1), position = Noise(2).floats(kC), last_g = some_row(device, 3), wanted;
    Activations wte(device, kWords * kC, word), out(device, kN * kC), dout(device, kN * kC, last_g);
    Array<float> wpe(device, kT * kC, position), dwte(device, kWords * kC), dwpe(device, kT * kC);
    Array<int32_t> tokens(device, kN, {static_cast<int32_t>(kWords - 1)});
    sn9_weight weight = weight_of(device, wte, kWords, kC, SN9_EMBEDDING_WEIGHT);
    SN9_OK_OR_RETURN(library, library.embed_forward(device, out, tokens, &weight, wpe, kB, kT, kC));
    for (int64_t c = 0; c < kC; c++) wanted.push_back(device.round(word[c] + position[c]));
    expect_same_bits("out", out.last(device, kC), wanted);
    library.set("blocks", "64");  // all of the sort's
    SN9_OK_OR_RETURN(library, library.embed_backward(device, dwte, dwpe, dout, tokens, kB, kT, kC, kWords));
    expect_same_bits("dwte +=", dwte.last(device, 1), Floats{last_g.back()});
    expect_same_bits("dwpe +=", dwpe.last(device, 1), Floats{last_g.back()});
}

void dropout(Device& device) {
    start(device, "production dropout");
    if (unwanted()) return;
    const Library& library = device.library();
    Floats row = some_row(device, 1), residual_row = some_row(device, 2), wanted;
    Activations in(device, kN * kC, row), residual(device, kN * kC, residual_row), out(device, kN * kC);
    sn9_step step = {};
    step.seed = 42;
    step.micro_step = 3;
    SN9_OK_OR_RETURN(library, library.dropout(device, out, in, residual, device.upload(std::vector<sn9_step>{step}),
                                              0.1f, 11, SN9_DROPOUT_MLP, kN, kC, kC));
    DropoutMask mask(step.seed, step.micro_step, 11, SN9_DROPOUT_MLP, 0.1f);  // the CPU library's own
    for (int64_t c = 0; c < kC; c++) {
        float factor[4];
        mask.factors(static_cast<uint64_t>((kN - 1) * kC + c) / 4, factor);
        wanted.push_back(device.round(residual_row[c] + row[c] * factor[c % 4]));
    }
    expect_same_bits("out", out.last(device, kC), wanted);
}

void arenas(Device& device) {
    start(device, "production arenas");
    if (unwanted()) return;
    const Library& library = device.library();
    Array<float> grads(device, kArena, {3}), params(device, kArena, {1}), m(device, kArena), v(device, kArena);
    Activations copy(device, kArena);
    SN9_OK_OR_RETURN(library, library.scale_add(device, params, grads, 2, kArena));
    expect_same_bits("scale_add", params.last(device, 1), Floats{7});
    sn9_step step = {};
    step.learning_rate = 0.5f, step.beta1 = 0.5f, step.beta2 = 0.75f;
    step.bias_correction1 = 0.5f, step.bias_correction2 = 0.25f;
    sn9_step* step_memory = device.upload(std::vector<sn9_step>{step});
    SN9_OK_OR_RETURN(library, library.grad_norm(device, step_memory, grads, kArena));
    expect(device.download(step_memory, 1)[0].grad_norm == 3, "the norm");
    // m / 0.5 = g, v / 0.25 = g^2: a step of 0.5.
    step.finite = 1, step.epsilon = 0x1p-40f;
    step_memory = device.upload(std::vector<sn9_step>{step});
    SN9_OK_OR_RETURN(library, library.adamw(device, params, m, v, copy, grads, step_memory, kArena, kArena));
    expect_same_bits("params", params.last(device, 1), Floats{6.5f});
    expect_same_bits("their copy", copy.last(device, 1), Floats{6.5f});
    expect_same_bits("m", m.last(device, 1), Floats{1.5f});
    expect_same_bits("v", v.last(device, 1), Floats{2.25f});
    SN9_OK_OR_RETURN(library, library.fill(device, m, -1, kArena));
    expect_same_bits("fill", m.last(device, 1), Floats{-1});
    SN9_OK_OR_RETURN(library, library.cast(device, copy, SN9_BF16, grads, SN9_F32, kArena));
    SN9_OK_OR_RETURN(library, library.cast(device, v, SN9_F32, copy, SN9_BF16, kArena));
    expect_same_bits("cast there and back", v.last(device, 1), Floats{3});
    Array<int32_t> targets(device, kArena);
    Array<double> means(device, kArena / kT);
    SN9_OK_OR_RETURN(library, library.sequence_mean(device, means, grads, targets, kArena / kT, kT));
    expect_same_bits("the last mean", means.last(device, 1), Doubles{3.0 / kT});
}

}  // namespace

void test_production(const Library& library) {
    if (!library.host()) {
        printf("production: skipped: a device runs all blocks\n");
        return;
    }
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16})
        for (auto run : {linear, head_loss, layernorm, embed, dropout, arenas}) {
            library.set("memory", "131072");
            library.set("blocks", "1");
            Device device(library, precision);
            int64_t bytes = 0;
            device.check(library.workspace_bytes(device, &bytes, kB, kT, kC, 12, 64, kF, kV, 1), "workspace_bytes");
            device.check(library.context_reserve(device, std::max(bytes, kUnbacked)), "context_reserve");
            run(device);
        }
    library.set("memory", "");
    library.set("blocks", "");
}
