// cuda_attention_causal_test: what a position of attention may depend on, bit for bit, in every precision. A sequence
// does not depend on the number of sequences beside it, on its place or on their values. In the forward pass and in dq
// a position does not depend on later ones, be there none or be they NaN; dk and dv do not depend on earlier ones.
#include "attention_case.h"

namespace {

using namespace sn9::test::attention;
using sn9::test::Device;
using sn9::test::expect;
using sn9::test::expect_same_bits;
using sn9::test::Library;
using sn9::test::Noise;

Noise noise;

// Rows `from` to `to` of each sequence, of columns `first` to `end` of width ones.
Floats part(const Floats& tensor, int64_t T, int64_t width, int64_t from, int64_t to, int64_t first, int64_t end) {
    Floats rows;
    for (size_t at = 0; at < tensor.size(); at += static_cast<size_t>(T * width))
        for (int64_t t = from; t < to; t++)
            rows.insert(rows.end(), tensor.begin() + static_cast<int64_t>(at) + t * width + first,
                        tensor.begin() + static_cast<int64_t>(at) + t * width + end);
    return rows;
}

enum Filling { kNan, kInfinity, kHuge, kMixed, kFillings };
const char* const kNames[] = {"NaN", "infinity", "1e30", "a mixture"};

// Overwrites rows `from` to `to` of each sequence of a (B, rows, width) tensor.
void fill(Floats& tensor, int64_t rows, int64_t width, int64_t from, int64_t to, Filling filling) {
    const float values[] = {NAN, INFINITY, 1e30f};
    for (size_t i = 0; i < tensor.size(); i++) {
        int64_t row = static_cast<int64_t>(i) / width % rows;
        if (row < from || row >= to) continue;
        float value = values[filling == kMixed ? noise.next() > 0 : static_cast<int>(filling)];
        tensor[i] = filling != kMixed && i % 2 ? -value : filling == kMixed && i % 5 ? 1.0f : value;
    }
}

// Where positions from `cut` on of all tensors are filled: nothing before them changes, as if they were not there.
void later_ones(Device& device, const Case& c, const Inputs& inputs, const Results& clean, int64_t cut) {
    int64_t A = c.width();
    auto compare = [&](const Results& got, int64_t rows) {
        expect_same_bits("out of earlier positions", part(got.out, rows, A, 0, cut, 0, A),
                         part(clean.out, c.T, A, 0, cut, 0, A));
        expect_same_bits("lse of earlier positions", part(got.lse, rows, 1, 0, cut, 0, 1),
                         part(clean.lse, c.T, 1, 0, cut, 0, 1));
        expect_same_bits("dq of earlier positions", part(got.dqkv, rows, 3 * A, 0, cut, 0, A),
                         part(clean.dqkv, c.T, 3 * A, 0, cut, 0, A));
    };
    for (int filling = 0; filling < kFillings; filling++) {
        start(device, kNames[filling], c);
        Inputs filled = inputs;
        fill(filled.qkv, c.T, 3 * A, cut, c.T, static_cast<Filling>(filling));
        fill(filled.dout, c.T, A, cut, c.T, static_cast<Filling>(filling));
        Results got;
        if (!run(got, device, c, filled)) return;
        compare(got, c.T);
        // Positions that see something that is not finite are not finite, first of all the last one.
        if (filling < kHuge) {
            bool finite = false;
            for (float v : part(got.out, c.T, A, cut, c.T, 0, A)) finite |= std::isfinite(v);
            expect(!finite, "positions from the first NaN or infinity on are not finite");
        }
    }
    start(device, "a prefix alone", c);
    Case prefix = c;
    prefix.T = cut;
    Results alone;
    if (run(alone, device, prefix,
            {part(inputs.qkv, c.T, 3 * A, 0, cut, 0, 3 * A), part(inputs.dout, c.T, A, 0, cut, 0, A)}))
        compare(alone, cut);
}

// Where positions before `cut` of all that the gradient reads are filled: dk and dv from there on do not change.
void earlier_ones(Device& device, const Case& c, const Inputs& inputs, const Results& clean, int64_t cut) {
    int64_t A = c.width();
    for (int filling = 0; filling < kFillings; filling++) {
        start(device, kNames[filling], c);
        Inputs filled = inputs;
        Results got = clean;
        fill(filled.qkv, c.T, 3 * A, 0, cut, static_cast<Filling>(filling));
        fill(filled.dout, c.T, A, 0, cut, static_cast<Filling>(filling));
        fill(got.out, c.T, A, 0, cut, static_cast<Filling>(filling));
        fill(got.lse, c.T, 1, 0, cut, static_cast<Filling>(filling));
        if (!run_backward(got, device, c, filled)) return;
        expect_same_bits("dk and dv of later positions", part(got.dqkv, c.T, 3 * A, cut, c.T, A, 3 * A),
                         part(clean.dqkv, c.T, 3 * A, cut, c.T, A, 3 * A));
    }
}

// One value of v, or of dout, that is not finite: it reaches the column of those rows of out, or of dv, that see it.
void one_value(Device& device, const Case& c, const Inputs& inputs, const Results& clean, int64_t at) {
    int64_t A = c.width(), column = at % A;
    for (float value : {NAN, INFINITY}) {
        start(device, "one value", c);
        Inputs filled = inputs;
        filled.qkv[at * 3 * A + 2 * A + column] = value;
        Results got = clean;
        if (!run_forward(got, device, c, filled.qkv)) return;
        filled = inputs;
        filled.dout[at * A + column] = value;
        got.lse = clean.lse;
        if (!run_backward(got, device, c, filled)) return;
        bool out = true, dv = true;
        for (int64_t t = 0; t < c.T; t++)
            for (int64_t i = 0; i < A; i++) {
                out &= std::isfinite(got.out[t * A + i]) == !(i == column && t >= at);
                dv &= std::isfinite(got.dqkv[t * 3 * A + 2 * A + i]) == !(i == column && t <= at);
            }
        expect(out, "out is not finite where it sees the value, and only there");
        expect(dv, "dv is not finite where it sees the value, and only there");
    }
}

void positions(Device& device, int64_t HS) {
    Case c{1, 131, 1, HS, HS};
    Inputs inputs = noise_of(device, c, noise);
    Results clean;
    start(device, "positions", c);
    if (!run(clean, device, c, inputs)) return;
    for (int64_t cut : {15, 64, 129}) {
        later_ones(device, c, inputs, clean, cut);
        earlier_ones(device, c, inputs, clean, cut);
        one_value(device, c, inputs, clean, cut);
    }
}

// A sequence in each slot of batches of every size, beside noise and beside NaN.
void slots(Device& device, int64_t HS) {
    Case one{1, 67, 2, HS, HS};
    Inputs inputs = noise_of(device, one, noise);
    Results alone;
    start(device, "slots", one);
    if (!run(alone, device, one, inputs)) return;
    for (int64_t B : {2, 5})
        for (int64_t slot = 0; slot < B; slot++) {
            Case c = one;
            c.B = B;
            start(device, "slots", c);
            Inputs batch = noise_of(device, c, noise);
            int64_t spoiled = (slot + 1) % B, rows = c.T * c.width();
            std::fill_n(batch.qkv.begin() + spoiled * 3 * rows, 3 * rows, NAN);
            std::fill_n(batch.dout.begin() + spoiled * rows, rows, NAN);
            std::copy(inputs.qkv.begin(), inputs.qkv.end(), batch.qkv.begin() + slot * 3 * rows);
            std::copy(inputs.dout.begin(), inputs.dout.end(), batch.dout.begin() + slot * rows);
            Results got;
            if (!run(got, device, c, batch)) return;
            expect_same_bits("out of a sequence", sequence(got.out, c, slot), alone.out);
            expect_same_bits("lse of a sequence", sequence(got.lse, c, slot), alone.lse);
            expect_same_bits("dqkv of a sequence", sequence(got.dqkv, c, slot), alone.dqkv);
        }
}

}  // namespace

void test_attention_causal(const Library& library) {
    for (int32_t precision : {SN9_PRECISION_FP32_SIMT, SN9_PRECISION_FP32_SPLIT, SN9_PRECISION_BF16})
        for (int64_t HS : {16, 64, 80, 128}) {  // each of the tile sizes
            if (precision == SN9_PRECISION_FP32_SPLIT && HS < 64) continue;
            Device device(library, precision);
            positions(device, HS);
            slots(device, HS);
        }
}
