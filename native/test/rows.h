// rows: what the tests of operations on rows of activations share: names of cases, padding, orders of blocks.
#pragma once

#include "tolerance.h"

namespace sn9::test {

constexpr float kNan = __builtin_nanf("");

// n NaN, for results to be written over.
inline Floats nans(int64_t n) {
    return Floats(static_cast<size_t>(n), kNan);
}

// Device memory of activations that holds NaN.
inline void* nothing(Device& device, int64_t n) {
    return device.upload_activations(nans(n));
}

// A weight of these values.
inline sn9_weight prepare(Device& device, const Floats& values, int64_t rows, int64_t cols, int32_t kind,
                          int32_t trained = 1) {
    const Library& library = device.library();
    int64_t bytes = 0;
    device.check(library.weight_bytes(device, &bytes, rows, cols, kind, trained), "weight_bytes");
    void* storage = bytes ? device.allocate<char>(bytes) : nullptr;
    sn9_weight weight;
    device.check(
        library.weight_prepare(device, &weight, storage, device.upload(values), SN9_F32, rows, cols, kind, trained),
        "weight_prepare");
    return weight;
}

// Names the case that follows.
[[gnu::format(printf, 2, 3)]] inline void start(const Device& device, const char* format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tally().current = std::string(text) + " " + device.arithmetic();
}

// The memory so many activations in.
inline void* skip(const Device& device, void* activations, int64_t count) {
    return static_cast<char*>(activations) + count * (device.bf16() ? 2 : 4);
}

// Runs a case in other orders of blocks and warps of the host build, and ends with the order that the environment asks
// for. The case returns what must be the same bits every time. Left out at the small size, which runs once.
template <typename Case>
void expect_same_in_every_order(const Library& library, const char* what, Case run) {
    if (small()) return;
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

}  // namespace sn9::test
