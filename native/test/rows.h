// rows: what the tests of operations on rows of activations share: names of cases, padding, tolerances.
// Tolerances: f32 sums of K terms of size s are off by about 6e-8 * s * sqrt(K), allowed 16 times; a bf16 result is off
// by half a unit in its last place, 2^-9 of its size, allowed twice.
#pragma once

#include "library.h"

namespace sn9::test {

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;
typedef std::vector<int32_t> Ints;

constexpr float kNan = __builtin_nanf("");

// n NaN, for results to be written over.
inline Floats nans(int64_t n) {
    return Floats(static_cast<size_t>(n), kNan);
}

// Names the case that follows.
[[gnu::format(printf, 2, 3)]] inline void start(const Device& device, const char* format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tally().current = std::string(text) + (device.bf16() ? " bf16" : " f32");
}

// What a result of the activation type may be off by where one of f32 may be off by f32.
inline double tolerance(const Device& device, double f32) {
    return device.bf16() ? 0x1p-8 + f32 : f32;
}

// The memory so many activations in.
inline void* skip(const Device& device, void* activations, int64_t count) {
    return static_cast<char*>(activations) + count * (device.bf16() ? 2 : 4);
}

// Runs a case in other orders of blocks and warps of the host build, and ends with the order that the environment asks
// for. The case returns what must be the same bits every time.
template <typename Case>
void expect_same_in_every_order(const Library& library, const char* what, Case run) {
    Floats wanted = run();
    for (const char* seed : {"5", "12"}) {
        library.set("seed", seed);
        expect_same_bits(what, run(), wanted);
    }
    const char* seed = getenv("SN9_HOST_SEED");
    library.set("seed", seed ? seed : "0");
}

// Rows of true_C values inside rows of C; the rest holds filling.
inline Floats padded(const Floats& from, int64_t rows, int64_t C, int64_t true_C, float filling) {
    Floats to(static_cast<size_t>(rows * C), filling);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < true_C; c++) to[r * C + c] = from[r * true_C + c];
    return to;
}

// Fails unless all columns from true_C on hold this very value.
inline void expect_padding(const char* what, const Floats& x, int64_t C, int64_t true_C, float value) {
    bool all = true;
    for (int64_t i = 0; i < static_cast<int64_t>(x.size()); i++)
        if (i % C >= true_C) all &= !memcmp(&x[i], &value, 4);
    expect(all, what);
}

// expect_close over the columns before true_C: wanted is (rows, true_C).
inline void expect_rows(const char* what, const Floats& x, const Doubles& wanted, int64_t C, int64_t true_C,
                        double tolerance) {
    Floats rows(wanted.size());
    for (int64_t i = 0; i < static_cast<int64_t>(wanted.size()); i++) rows[i] = x[i / true_C * C + i % true_C];
    expect_close(what, rows, wanted, tolerance);
}

}  // namespace sn9::test
