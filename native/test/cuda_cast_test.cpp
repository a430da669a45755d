// cast, fill, scale_add, sequence_mean and check_finite of a CUDA library: casts bit by bit against the CPU library's
// conversions, at every edge of the types, aligned to 16 bytes or to an element only.
#include <algorithm>

#include "../cpu/convert.h"
#include "rows.h"

using namespace sn9::test;

namespace {

void casts(Device& device, int64_t n, int64_t skip) {
    start(device, "cast n=%ld from element %ld", n, skip);
    const Library& library = device.library();
    Noise noise;
    Doubles values(static_cast<size_t>(n + skip));
    const Doubles edges = {0.0,    -0.0,   65504.0, 65519.996,        65520.0,  1e30,      -1e300,     6e-8,
                           2.9e-8, 1e-40,  3.05e-5, 6.1e-5,           HUGE_VAL, -HUGE_VAL, 1.00390625, 1.01171875,
                           2049.0, 2051.0, 1e-310,  __builtin_nan("")};
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = i < edges.size() ? edges[i] : noise.next() * std::exp2(std::floor(noise.next() * 30));
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
            char* source = device.upload(sources[from]);
            std::vector<char> dirty(static_cast<size_t>((n + skip + 1) * size[to]), 0x55);
            char* result = device.upload(dirty);
            SN9_OK_OR_RETURN(library,
                             library.cast(device, result + skip * size[to], to, source + skip * size[from], from, n));
            std::vector<char> got = device.download(result, (n + skip + 1) * size[to]);
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
            expect(right, ("from type " + std::to_string(from) + " to " + std::to_string(to)).c_str());
        }
}

void fill_and_add(Device& device, int64_t n) {
    start(device, "fill and scale_add n=%ld", n);
    const Library& library = device.library();
    Noise noise;
    Floats to = noise.floats(n + 1), from = noise.floats(n);
    float* to_memory = device.upload(to);
    float* from_memory = device.upload(from);
    SN9_OK_OR_RETURN(library, library.scale_add(device, to_memory, from_memory, 0.3f, n));
    Floats wanted = to;
    for (int64_t i = 0; i < n; i++) wanted[i] = std::fma(0.3f, from[i], to[i]);
    expect_same_bits("to += scale * from", device.download(to_memory, n + 1), wanted);
    SN9_OK_OR_RETURN(library, library.fill(device, to_memory, -2.5f, n));
    std::fill(wanted.begin(), wanted.end() - 1, -2.5f);
    expect_same_bits("to = value, and no further", device.download(to_memory, n + 1), wanted);
}

void sequence_mean(Device& device, int64_t B, int64_t T) {
    start(device, "sequence_mean B=%ld T=%ld", B, T);
    const Library& library = device.library();
    Noise noise;
    Floats losses = noise.floats(B * T, 10.0);
    for (float& loss : losses) loss = std::round(loss * 1024) / 1024;  // their sum is exact in f64, in any order
    Ints targets(losses.size());
    for (size_t i = 0; i < targets.size(); i++) {
        targets[i] = noise.next() < -0.4 || static_cast<int64_t>(i) / T == 1 ? -1 : 5;
        if (targets[i] < 0) losses[i] = kNan;  // not read into the mean
    }
    Doubles wanted;
    for (int64_t b = 0; b < B; b++) {
        double sum = 0, count = 0;
        for (int64_t i = b * T; i < (b + 1) * T; i++)
            if (targets[i] >= 0) sum += losses[i], count++;
        wanted.push_back(count > 0 ? sum / count : 0);
    }
    float* losses_memory = device.upload(losses);
    int32_t* targets_memory = device.upload(targets);
    double* means = device.upload(Doubles(wanted.size(), kNan));
    SN9_OK_OR_RETURN(library, library.sequence_mean(device, means, losses_memory, targets_memory, B, T));
    Doubles got = device.download(means, B);
    expect_same_bits("means", got, wanted);
    double* one = device.allocate<double>(1);
    SN9_OK_OR_RETURN(
        library, library.sequence_mean(device, one, losses_memory + (B - 1) * T, targets_memory + (B - 1) * T, 1, T));
    expect(device.download(one, 1)[0] == got.back(), "the last sequence alone");
}

void check_finite(Device& device) {
    start(device, "check_finite");
    const Library& library = device.library();
    const int64_t n = 40000;
    const int64_t size[] = {4, 2, 2, 8};
    const uint64_t bad[] = {0x7f800000, 0xff80, 0x7c01, 0x7ff0000000000001},
                   most[] = {0x7f7fffff, 0xff7f, 0x7bff, 0x7fefffffffffffff};
    for (int32_t type : {SN9_F32, SN9_BF16, SN9_F16, SN9_F64}) {
        std::vector<char> x(static_cast<size_t>(n * size[type]));
        for (int64_t i = 0; i < n; i++) memcpy(&x[i * size[type]], &most[type], static_cast<size_t>(size[type]));
        int64_t first = 0;
        SN9_OK_OR_RETURN(library, library.check_finite(device, &first, x.data(), type, n));
        expect(first == -1, "all finite");
        for (int64_t at : {n - 1, static_cast<int64_t>(16384), static_cast<int64_t>(16383), static_cast<int64_t>(0)}) {
            memcpy(&x[at * size[type]], &bad[type], static_cast<size_t>(size[type]));
            SN9_OK_OR_RETURN(library, library.check_finite(device, &first, x.data(), type, n));
            expect(first == at, "the first that is not");
        }
    }
}

}  // namespace

void test_cast(const Library& library) {
    Device device(library);
    for (int64_t n : {1, 7, 8, 2049}) casts(device, n, 0);
    casts(device, 100, 3);
    for (int64_t n : {1, 4, 1021, 1025}) fill_and_add(device, n);
    sequence_mean(device, 1, 1);
    sequence_mean(device, 9, 37);
    sequence_mean(device, 3, 1025);
    check_finite(device);
}
