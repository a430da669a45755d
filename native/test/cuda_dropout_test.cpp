// dropout of a CUDA library: the mask of the CPU library's own generator, element by element, at rows whose true width
// shifts every row's first element; out may be in or residual.
#include "../cpu/random.h"
#include "rows.h"

using namespace sn9::test;

namespace {

void dropout(Device& device, int64_t N, int64_t C, int64_t true_C, float probability) {
    start(device, "dropout N=%ld C=%ld true_C=%ld p=%g", N, C, true_C, static_cast<double>(probability));
    const Library& library = device.library();
    Noise noise;
    Floats in = device.round(noise.floats(N * C)), residual = device.round(noise.floats(N * C));
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
    sn9_step* step_memory = device.upload(std::vector<sn9_step>{step});
    void* in_memory = device.upload_activations(in);
    void* residual_memory = device.upload_activations(residual);
    void* out = device.upload_activations(nans(N * C));
    SN9_OK_OR_RETURN(
        library, library.dropout(device, out, in_memory, nullptr, step_memory, probability, layer, site, N, C, true_C));
    expect_same_bits("the CPU's mask", device.download_activations(out, N * C), device.round(alone));
    SN9_OK_OR_RETURN(library, library.dropout(device, residual_memory, in_memory, residual_memory, step_memory,
                                              probability, layer, site, N, C, true_C));
    expect_same_bits("out is residual", device.download_activations(residual_memory, N * C), device.round(added));
    SN9_OK_OR_RETURN(library, library.dropout(device, in_memory, in_memory, nullptr, step_memory, probability, layer,
                                              site, N, C, true_C));
    expect_same_bits("out is in", device.download_activations(in_memory, N * C), device.round(alone));
    expect(library.dropout(device, out, in_memory, nullptr, step_memory, 1.0f, layer, site, N, C, true_C) ==
               SN9_BAD_ARGUMENT,
           "probability 1 is refused");
}

}  // namespace

void test_dropout(const Library& library) {
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        Device device(library, precision);
        dropout(device, 1, 64, 1, 0.1f);
        dropout(device, 5, 64, 64, 0.1f);
        dropout(device, 9, 64, 61, 0.5f);
        dropout(device, 3, 768, 762, 0.1f);
        dropout(device, 2, 320, 319, 0.0f);
        dropout(device, 131, 128, 127, 0.25f);
    }
}
