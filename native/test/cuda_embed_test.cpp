// embed of a CUDA library: against plain loops, which both passes follow to the bit: forward is one f32 addition and
// the rounding to the type, and backward adds in the order of rows. Tokens that fill more than one tile of the sort,
// that need one, two and three digits, that are no words, and GPT-2's 50,257 words. Every order of blocks gives these
// bits.
#include <algorithm>
#include <climits>

#include "rows.h"

using namespace sn9::test;

namespace {

void embed(Device& device, int64_t B, int64_t T, int64_t C, int64_t V, int64_t words) {
    start(device, "embed B=%ld T=%ld C=%ld V=%ld words=%ld", B, T, C, V, words);
    const Library& library = device.library();
    Noise noise;
    int64_t N = B * T;
    Floats wte = device.round(noise.floats(V * C)), wpe = noise.floats(T * C), dout = device.round(noise.floats(N * C)),
           dwte = noise.floats(V * C), dwpe = noise.floats(T * C);
    Ints tokens(static_cast<size_t>(N));
    // Every fourth token or so is the same one, whose low digit is that of V, which stands for what is no word.
    int32_t frequent = static_cast<int32_t>(V > 256 ? V - 256 : V - 1);
    for (auto& token : tokens) {
        int64_t spread = static_cast<int64_t>((noise.next() + 1) / 2 * static_cast<double>(words));
        token = noise.next() < -0.5 ? frequent : static_cast<int32_t>(V - 1 - spread);
    }
    Floats dwte_wanted = dwte, dwpe_wanted = dwpe;  // the same sums in the same order: the same bits
    Floats wanted(static_cast<size_t>(N * C));
    for (int64_t i = 0; i < N; i++)
        for (int64_t c = 0; c < C; c++) {
            wanted[i * C + c] = device.round(wte[tokens[i] * C + c] + wpe[i % T * C + c]);
            dwte_wanted[tokens[i] * C + c] += dout[i * C + c];
            dwpe_wanted[i % T * C + c] += dout[i * C + c];
        }
    void* words_memory = device.upload_activations(wte);
    float* wpe_memory = device.upload(wpe);
    int32_t* tokens_memory = device.upload(tokens);
    sn9_weight weight = {};
    weight.packed = words_memory;
    weight.rows = V, weight.cols = C, weight.kind = SN9_EMBEDDING_WEIGHT;
    void* out = device.upload_activations(nans(N * C));
    SN9_OK_OR_RETURN(library, library.embed_forward(device, out, tokens_memory, &weight, wpe_memory, B, T, C));
    expect_same_bits("out =", device.download_activations(out, N * C), wanted);
    float* dwte_memory = device.upload(dwte);
    float* dwpe_memory = device.upload(dwpe);
    void* dout_memory = device.upload_activations(dout);
    SN9_OK_OR_RETURN(library,
                     library.embed_backward(device, dwte_memory, dwpe_memory, dout_memory, tokens_memory, B, T, C, V));
    expect_same_bits("dwte +=", device.download(dwte_memory, V * C), dwte_wanted);
    expect_same_bits("dwpe +=", device.download(dwpe_memory, T * C), dwpe_wanted);
    expect_same_in_every_order(library, "dwpe in another order", [&] {
        device.upload_to(dwte_memory, dwte);
        device.upload_to(dwpe_memory, dwpe);
        device.check(library.embed_backward(device, dwte_memory, dwpe_memory, dout_memory, tokens_memory, B, T, C, V),
                     "embed_backward");
        expect_same_bits("dwte in another order", device.download(dwte_memory, V * C), dwte_wanted);
        return device.download(dwpe_memory, T * C);
    });
}

// The loops' sums are the gradient of the sum of dout * out, which is linear in wte and wpe.
void reference(const Library& library) {
    Device device(library);
    start(device, "embed reference");
    const int64_t B = 2, T = 3, C = 2, V = 4;
    const Ints tokens = {3, 0, 3, 3, 1, 0};
    Noise noise;
    Doubles dout = doubles(noise.floats(B * T * C)), wte = doubles(noise.floats(V * C)),
            wpe = doubles(noise.floats(T * C));
    Doubles dwte(wte.size()), dwpe(wpe.size());
    auto total = [&](const Doubles& words, const Doubles& positions) {
        double sum = 0;
        for (int64_t i = 0; i < B * T * C; i++)
            sum += dout[i] * (words[tokens[i / C] * C + i % C] + positions[i / C % T * C + i % C]);
        return sum;
    };
    for (int64_t i = 0; i < B * T * C; i++) {
        dwte[tokens[i / C] * C + i % C] += dout[i];
        dwpe[i / C % T * C + i % C] += dout[i];
    }
    expect_gradient(
        "dwte", [&](const Doubles& x) { return total(x, wpe); }, wte, dwte);
    expect_gradient(
        "dwpe", [&](const Doubles& x) { return total(wte, x); }, wpe, dwpe);
}

void embed_refuses(Device& device) {
    start(device, "embed of what is no word");
    const Library& library = device.library();
    const int64_t B = 2, T = 5, C = 64, V = 128;
    const Ints tokens = {0, -1, 127, 128, INT_MAX, INT_MIN, 5, 0, 1 << 20, 5};
    void* wte = device.upload_activations(Floats(V * C, 1.0f));
    float* wpe = device.upload(Floats(T * C, 1.0f));
    int32_t* ids = device.upload(tokens);
    void* out = device.upload_activations(Floats(B * T * C));
    sn9_weight weight = {};
    weight.packed = wte;
    weight.rows = V, weight.cols = C, weight.kind = SN9_EMBEDDING_WEIGHT;
    SN9_OK_OR_RETURN(library, library.embed_forward(device, out, ids, &weight, wpe, B, T, C));
    Floats got = device.download_activations(out, B * T * C);
    bool right = true;
    for (size_t i = 0; i < got.size(); i++) {
        int32_t token = tokens[i / C];
        right &= token >= 0 && token < V ? got[i] == 2 : std::isnan(got[i]);
    }
    expect(right, "rows of no word are NaN, the others are not");
    float* dwte = device.upload(Floats(V * C));
    float* dwpe = device.upload(Floats(T * C));
    void* dout = device.upload_activations(Floats(B * T * C, 1.0f));
    SN9_OK_OR_RETURN(library, library.embed_backward(device, dwte, dwpe, dout, ids, B, T, C, V));
    Floats sums = device.download(dwte, V * C);
    bool sums_right = true;
    for (size_t i = 0; i < sums.size(); i++)
        sums_right &= sums[i] == static_cast<float>(std::count(tokens.begin(), tokens.end(), static_cast<int>(i / C)));
    expect(sums_right, "dwte has the words only");
    expect(library.embed_backward(device, dwte, dwpe, dout, ids, B, T, 63, V) == SN9_BAD_ARGUMENT,
           "C that is not padded is refused");
}

}  // namespace

void test_embed(const Library& library) {
    reference(library);
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        Device device(library, precision);
        device.check(library.context_reserve(device, 1 << 20), "context_reserve");
        embed(device, 1, 1, 64, 128, 1);
        embed(device, 3, 5, 64, 128, 30);
        embed(device, 11, 3, 320, 256, 3);
        embed(device, 1, 1025, 64, 65536, 65000);
        if (!small()) {
            embed(device, 3, 701, 64, 50257, 40000);  // GPT-2's words
            embed(device, 3, 701, 64, 50304, 40000);  // and padded
            embed(device, 2, 1024, 64, 65535, 1);     // two words
        }
        // More counts than the scan takes at once; the sort does not know the type.
        if (!small() || precision == SN9_PRECISION_FP32) embed(device, 17, 1031, 64, 384, 384);
        embed_refuses(device);
    }
}
