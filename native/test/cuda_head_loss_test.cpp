// head_loss of a CUDA library against plain double-precision loops: rows 1, primes and past a chunk, vocabularies that
// end inside a tile, inside a block's share and at GPT-2's 50,257, garbage in the padding rows of wte, targets that
// count nothing, dwte += into a dirty buffer, the same bits of a row for every N, in training and in evaluation, and in
// every order of blocks. Tolerances: tolerance.h and the comments of Head; logits are f32 in both precisions.
#include "rows.h"
#include "split.h"

using namespace sn9::test;

namespace {

// A head's inputs, and what the loops make of them with a loss scale of kScale.
// With logits l_v off by b_v, p_v = exp(l_v - top) / total: the log of the total is off by the mean of the b_v,
// weighted by p_v, and by what f32 makes of the sum: expf 2 units in the last place at most, its argument |l_v - top|
// u, and the roundings of a sum of terms of one sign that passes 16 columns, 4 lanes and two more for every tile and
// part that are joined. A factor g_v = kScale (p_v - [v is the target]) is off by kScale p_v times all of that, the
// error of the total together with all others of its row, b_v on its own; in bf16 it is rounded besides, on its own as
// well.
struct Head {
    static constexpr double kScale = 4;
    int64_t N, C, V, true_V;
    Floats in, wte;  // as the device has them; rows of wte from true_V on hold garbage
    Ints targets;
    Wanted logits, losses;  // (N, true_V), (N)
    Sums din, dwte;         // (N, C), (V, C)

    Head(const Device& device, int64_t N_, int64_t C_, int64_t V_, int64_t true_V_)
        : N(N_), C(C_), V(V_), true_V(true_V_), targets(static_cast<size_t>(N)), din(N * C), dwte(V * C) {
        Noise noise;
        in = device.round(noise.floats(N * C));
        wte = device.round(noise.floats(V * C, 0.5));
        for (size_t i = static_cast<size_t>(true_V * C); i < wte.size(); i++) wte[i] *= 4;
        for (int64_t i = 0; i < N; i++)
            targets[i] = i % 5 == 4 ? -1 : static_cast<int32_t>((i * 7919 + true_V - 1) % true_V);
        compute(device);
    }

    // The results, of in and wte as they are now.
    void compute(const Device& device) {
        logits = losses = {};
        for (int64_t i = 0; i < N; i++) compute_row(device, i);
    }

  private:
    void compute_row(const Device& device, int64_t i) {
        Sums products(true_V);
        for (int64_t v = 0; v < true_V; v++)
            for (int64_t c = 0; c < C; c++) products.add(v, static_cast<double>(in[i * C + c]) * wte[v * C + c]);
        Wanted row = wanted_of(products, [&](int64_t v) { return products.product_bound(device, v, C); });
        for (int64_t v = 0; v < true_V; v++) logits.add(row.value[v], row.bound[v]);
        if (targets[i] < 0) return losses.add(0, 0);
        double top = *std::max_element(row.value.begin(), row.value.end()), total = 0;
        for (double l : row.value) total += std::exp(l - top);
        double joined = 16 + 4 + 2 * std::ceil(static_cast<double>(true_V) / 128);
        double total_bound = roundings(joined, 1);
        for (int64_t v = 0; v < true_V; v++) {
            double p = std::exp(row.value[v] - top) / total;
            total_bound += p * (row.bound[v] + kF32 * (4 + top - row.value[v]));
        }
        double l = row.value[targets[i]], loss = top - l + std::log(total);
        losses.add(loss, total_bound + row.bound[targets[i]] +
                             kF32 * (2 * std::log(total) + (top - l) + loss + row.bound[targets[i]]));
        for (int64_t v = 0; v < true_V; v++) {
            double p = std::exp(row.value[v] - top) / total, g = kScale * (p - (v == targets[i]));
            double own = kScale * p * (row.bound[v] + kF32 * (8 + top - row.value[v])) + kF32 * std::fabs(g);
            if (device.bf16()) own += kBf16 * std::fabs(g);
            for (int64_t c = 0; c < C; c++) {
                double w = wte[v * C + c], x = in[i * C + c], together = kScale * p * total_bound;
                din.add(i * C + c, g * w, own * w, together * std::fabs(w));
                dwte.add(v * C + c, g * x, own * x + together * x);
            }
        }
    }
};

// The loops' gradients are those of kScale times the sum of their losses.
void reference(const Library& library) {
    tally().current = "head_loss reference";
    if (unwanted()) return;
    Device device(library);
    const int64_t N = 6, C = 5, V = 7, true_V = 6;
    Head head(device, N, C, V, true_V);
    auto total = [&](const Doubles& in, const Doubles& wte) {
        double sum = 0;
        for (int64_t i = 0; i < N; i++) {
            if (head.targets[i] < 0) continue;
            double exponentials = 0, wanted = 0;
            for (int64_t v = 0; v < true_V; v++) {
                double logit = 0;
                for (int64_t c = 0; c < C; c++) logit += in[i * C + c] * wte[v * C + c];
                exponentials += std::exp(logit);
                if (v == head.targets[i]) wanted = logit;
            }
            sum += Head::kScale * (std::log(exponentials) - wanted);
        }
        return sum;
    };
    Doubles in = doubles(head.in), wte = doubles(head.wte);
    expect_gradient(
        "din", [&](const Doubles& x) { return total(x, wte); }, in, head.din.value);
    expect_gradient(
        "dwte", [&](const Doubles& x) { return total(in, x); }, wte, head.dwte.value);
}

// The losses' bits.
Floats forward(Device& device, const Head& head, int32_t trained) {
    const Library& library = device.library();
    int64_t N = head.N, C = head.C, true_V = head.true_V;
    sn9_weight weight = prepare(device, head.wte, head.V, C, SN9_EMBEDDING_WEIGHT, trained);
    void* in = device.upload_activations(head.in);
    int32_t* targets = device.upload(head.targets);
    float* losses = device.upload(nans(N));
    device.check(library.head_loss_forward(device, losses, in, &weight, targets, N, true_V), "head_loss_forward");
    Floats kept = device.download(losses, N);
    expect_within(device, "losses", kept, head.losses);

    void* one = device.upload_activations(Floats(head.in.end() - C, head.in.end()));
    int32_t* target = device.upload(Ints{head.targets.back()});
    float* loss = device.upload(nans(1));
    device.check(library.head_loss_forward(device, loss, one, &weight, target, 1, true_V), "head_loss_forward");
    expect_same_bits("a row alone", device.download(loss, 1), Floats{kept.back()});

    int32_t* rows = device.upload(Ints{static_cast<int32_t>(N - 1), 0});
    float* logits = device.upload(nans(2 * true_V));
    device.check(library.head_logits(device, logits, in, &weight, rows, 2, true_V), "head_logits");
    Wanted wanted;
    for (int64_t i : {N - 1, int64_t{0}})
        for (int64_t v = 0; v < true_V; v++)
            wanted.add(head.logits.value[i * true_V + v], head.logits.bound[i * true_V + v]);
    expect_within(device, "logits", device.download(logits, 2 * true_V), wanted);
    return kept;
}

// A chain over all words, by the chunk over all rows, which then are added to dwte: N roundings at most either way.
void backward(Device& device, const Head& head, const Floats& losses_wanted) {
    const Library& library = device.library();
    int64_t N = head.N, C = head.C, V = head.V, true_V = head.true_V;
    sn9_weight weight = prepare(device, head.wte, V, C, SN9_EMBEDDING_WEIGHT, 1);
    sn9_step step = {};
    step.loss_scale = static_cast<float>(Head::kScale);
    Floats dirt = Noise(5).floats(V * C);
    float *losses = device.upload(nans(N)), *dwte = device.upload(dirt);
    void *in = device.upload_activations(head.in), *din = device.upload_activations(nans(N * C));
    int32_t* targets = device.upload(head.targets);
    sn9_step* step_memory = device.upload(std::vector<sn9_step>{step});
    auto run = [&] {
        device.check(
            library.head_loss_backward(device, losses, din, dwte, in, &weight, targets, step_memory, N, true_V),
            "head_loss_backward");
    };
    run();
    expect_same_bits("the training loss has the bits of evaluation", device.download(losses, N), losses_wanted);
    expect_within(device, "din =", device.download_activations(din, N * C),
                  products(device, head.din, V).stored(device));
    Floats got = device.download(dwte, V * C);
    expect_within(device, "dwte +=", got, products(device, head.dwte, N).onto(dirt));
    expect_same_bits("padding words get no gradient", Floats(got.begin() + true_V * C, got.end()),
                     Floats(dirt.begin() + true_V * C, dirt.end()));
    if (V > 1000 || N > 1000) return;
    expect_same_in_every_order(library, "dwte and losses in another order", [&] {
        device.upload_to(dwte, dirt);
        run();
        Floats both = device.download(dwte, V * C), more = device.download(losses, N);
        both.insert(both.end(), more.begin(), more.end());
        return both;
    });
}

void head(const Library& library, int32_t precision, int64_t N, int64_t C, int64_t V, int64_t true_V) {
    Device device(library, precision);
    start(device, "head_loss N=%ld C=%ld true_V=%ld", N, C, true_V);
    if (unwanted()) return;
    Head made(device, N, C, V, true_V);
    int64_t bytes = 0;
    device.check(library.workspace_bytes(device, &bytes, 1, N, C, 1, 64, C, V, 1), "workspace_bytes");
    device.check(library.context_reserve(device, bytes), "context_reserve");
    if (device.split()) {
        forward(device, made, 0);
        return;  // trains as FP32_SIMT
    }
    Floats losses = forward(device, made, 1);
    if (V < 50000) expect_same_bits("either form of weight", forward(device, made, 0), losses);
    backward(device, made, losses);
}

// A row that all rows of wte have in common puts a large number into every logit, which no loss may feel: split, wte
// lies in memory without it. f32 rounds the row's sum with the words themselves: bounds of the words as they are then.
void common_row(const Library& library) {
    Device device(library, SN9_PRECISION_FP32_SPLIT);
    start(device, "head_loss with a common row");
    const int64_t N = 5, C = 128, V = 384, true_V = 257;
    Head shifted(device, N, C, V, true_V);
    auto common = [](size_t i) { return i % 2 ? 64.0f : -64.0f; };
    for (size_t i = 0; i < shifted.wte.size(); i++) shifted.wte[i] += common(i);
    Head rounded = shifted;
    for (size_t i = 0; i < rounded.wte.size(); i++) rounded.wte[i] -= common(i);
    rounded.compute(device);
    int64_t bytes = 0;
    device.check(library.workspace_bytes(device, &bytes, 1, N, C, 1, 64, C, V, 0), "workspace_bytes");
    device.check(library.context_reserve(device, bytes), "context_reserve");
    sn9_weight weight = prepare(device, shifted.wte, V, C, SN9_EMBEDDING_WEIGHT, 0);
    float* losses = device.upload(nans(N));
    SN9_OK_OR_RETURN(library, library.head_loss_forward(device, losses, device.upload_activations(shifted.in), &weight,
                                                        device.upload(shifted.targets), N, true_V));
    expect_within(device, "losses with a common row", device.download(losses, N), rounded.losses);
}

void refusals(const Library& library) {
    tally().current = "head_loss refuses";
    if (unwanted()) return;
    Device device(library);
    Floats values(128 * 64, 0.125f);
    sn9_weight weight = prepare(device, values, 128, 64, SN9_EMBEDDING_WEIGHT, 0);
    float *x = device.upload(values), *loss = device.upload(Floats{NAN});
    int32_t* target = device.upload(Ints{120});
    sn9_step* step = device.upload(std::vector<sn9_step>(1));
    expect(library.head_loss_forward(device, loss, x, &weight, target, 1, 100) == SN9_BAD_ARGUMENT,
           "a workspace that is not there");
    int64_t bytes = 0;
    device.check(library.workspace_bytes(device, &bytes, 1, 1, 64, 1, 64, 64, 128, 1), "workspace_bytes");
    device.check(library.context_reserve(device, bytes), "context_reserve");
    SN9_OK_OR_RETURN(library, library.head_loss_forward(device, loss, x, &weight, target, 1, 100));
    expect(std::isnan(device.download(loss, 1)[0]), "a target that is no word makes its loss NaN");
    SN9_OK_OR_RETURN(library, library.head_loss_forward(device, loss, x, &weight, target, 1, 121));
    expect(std::fabs(device.download(loss, 1)[0] - std::log(121.0f)) < 1e-5f, "equal words share the probability");
    expect(library.head_loss_forward(device, loss, x, &weight, target, 1, 129) == SN9_BAD_ARGUMENT,
           "more words than rows");
    expect(library.head_loss_backward(device, loss, x, x, x, &weight, target, step, 1, 100) == SN9_BAD_ARGUMENT,
           "an embedding that is not trained");
}

}  // namespace

void test_head_loss(const Library& library) {
    refusals(library);
    reference(library);
    common_row(library);
    for (int32_t precision : kPrecisions) {
        head(library, precision, 1, 64, 128, 1);
        head(library, precision, 131, 128, 384, 257);
        head(library, precision, 3, 64, 4224, 4111);
        head(library, precision, sn9::test::small() ? 257 : 4099, 64, 128, 101);
        if (sn9::test::small()) continue;  // more chunks and tiles of the same
        head(library, precision, 2, 64, 50304, 50257);
    }
}
