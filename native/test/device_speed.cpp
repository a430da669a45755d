// device_speed LIBRARY [MIB]: what a device does at most, through our own calls: GB/s of copies within it (read and
// written bytes both counted), to it and from it, GFLOP/s of our own f32 matrix product, and of a large one of bf16 as
// training asks for it, which is cuBLASLt's where the library takes that. Prints one line of JSON, best of kRuns each.
// MIB: size of the copies, 256 unless said.
#include "speed.h"

using namespace sn9::test;

namespace {

constexpr int kRuns = 10;

// GFLOP/s of N cubed in bf16 on random numbers, and what multiplied.
std::pair<double, std::string> bf16_product(const Library& library) {
    Device device(library, SN9_PRECISION_BF16);
    int64_t N = library.host() ? 128 : 8192;
    Floats values = Noise(3).floats(N * N);
    sn9_weight weight = prepare(device, values, N, N, SN9_LINEAR_WEIGHT);
    void *in = device.upload_activations(Noise(4).floats(N * N)), *out = device.allocate_activations(N * N);
    device.check(library.training_pass(device, 1), "training_pass");
    double best = seconds(device, kRuns, [&] {
        return library.linear_forward(device, out, nullptr, in, &weight, nullptr, nullptr, SN9_NO_ACTIVATION, N);
    })[0];
    return {2.0 * static_cast<double>(N * N * N) / 1e9 / best, described(device, "gemm")};
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2 || count > 3) {
        printf("usage: device_speed LIBRARY [MIB]\n");
        return 2;
    }
    Library library(arguments[1]);
    auto [bf16_gflops, gemm] = bf16_product(library);
    Device device(library);
    int64_t mib = count == 3 ? std::max(1, atoi(arguments[2])) : 256, bytes = mib << 20;
    char* first = device.allocate<char>(bytes);
    char* second = device.allocate<char>(bytes);
    void* pinned = nullptr;
    device.check(library.pinned_alloc(device, bytes, &pinned), "pinned_alloc");
    memset(pinned, 0, static_cast<size_t>(bytes));
    double copy = seconds(device, kRuns, [&] { return library.copy(device, second, first, bytes); })[0];
    double upload = seconds(device, kRuns, [&] { return library.upload(device, first, pinned, bytes); })[0];
    double download = seconds(device, kRuns, [&] { return library.download(device, pinned, first, bytes); })[0];
    device.check(library.pinned_free(device, pinned), "pinned_free");

    int64_t N = library.host() ? 128 : 4096;
    float* a = device.upload(Noise(1).floats(N * N));
    float* b = device.upload(Noise(2).floats(N * N));
    float* out = device.allocate(N * N);
    double product = seconds(device, kRuns, [&] { return library.matmul(device, out, a, b, N, N, N, 0); })[0];
    double gigabytes = static_cast<double>(bytes) / 1e9, operations = 2.0 * static_cast<double>(N * N * N) / 1e9;
    printf(
        "{\"copy_mib\":%lld,\"copy_gb_s\":%.4g,\"upload_gb_s\":%.4g,\"download_gb_s\":%.4g,\"fp32_gflops\":%.4g,"
        "\"bf16_gflops\":%.4g,\"bf16_gemm\":\"%s\"}\n",
        static_cast<long long>(mib), 2 * gigabytes / copy, gigabytes / upload, gigabytes / download,
        operations / product, bf16_gflops, gemm.c_str());
    return 0;
}
