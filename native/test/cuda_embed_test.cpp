// embed of a CUDA library: against plain loops, which the backward pass follows to the bit, since both add in the order
// of rows; tokens that fill more than one tile of the sort, that need one, two and three digits, and that are no words.
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
    for (auto& token : tokens) {  // one token in four is always the same, the others spread over `words`
        int64_t spread = static_cast<int64_t>((noise.next() + 1) / 2 * static_cast<double>(words));
        token = static_cast<int32_t>(noise.next() < -0.5 ? V - 1 : V - 1 - spread);
    }
    Floats dwte_wanted = dwte, dwpe_wanted = dwpe;  // the same sums in the same order: the same bits
    Doubles wanted(static_cast<size_t>(N * C));
    for (int64_t i = 0; i < N; i++)
        for (int64_t c = 0; c < C; c++) {
            wanted[i * C + c] = static_cast<double>(wte[tokens[i] * C + c]) + wpe[i % T * C + c];
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
    expect_close("out", device.download_activations(out, N * C), wanted, tolerance(device, 1e-7));
    float* dwte_memory = device.upload(dwte);
    float* dwpe_memory = device.upload(dwpe);
    void* dout_memory = device.upload_activations(dout);
    SN9_OK_OR_RETURN(library,
                     library.embed_backward(device, dwte_memory, dwpe_memory, dout_memory, tokens_memory, B, T, C, V));
    expect_same_bits("dwte +=", device.download(dwte_memory, V * C), dwte_wanted);
    expect_same_bits("dwpe +=", device.download(dwpe_memory, T * C), dwpe_wanted);
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
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        Device device(library, precision);
        device.check(library.context_reserve(device, 1 << 20), "context_reserve");
        embed(device, 1, 1, 64, 128, 1);
        embed(device, 3, 5, 64, 128, 30);
        embed(device, 11, 3, 320, 256, 3);
        embed(device, 3, 701, 64, 50304, 40000);
        embed(device, 1, 1025, 64, 65536, 65000);
        embed(device, 2, 1024, 64, 65535, 1);  // the same word 2,048 times
        embed_refuses(device);
    }
}
