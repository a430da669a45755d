// device_speed LIBRARY [MIB]: what a device does at most, through our own calls: GB/s of copies within it (read and
// written bytes both counted), to it and from it, and GFLOP/s of our own f32 matrix product. Prints one line of JSON,
// best of kRuns each. MIB: size of the copies, 256 unless said.
#include <algorithm>
#include <functional>

#include "library.h"

using namespace sn9::test;

namespace {

constexpr int kRuns = 10;

// The shortest of kRuns, in seconds, by the device's clock.
double seconds(const Device& device, const std::function<int32_t()>& work) {
    const Library& library = device.library();
    sn9_event *from = nullptr, *to = nullptr;
    device.check(library.event_create(device, &from), "event_create");
    device.check(library.event_create(device, &to), "event_create");
    double best = INFINITY;
    for (int run = 0; run <= kRuns; run++) {
        float milliseconds = 0;
        device.check(library.event_record(device, from), "event_record");
        device.check(work(), "work");
        device.check(library.event_record(device, to), "event_record");
        device.check(library.synchronize(device), "synchronize");
        device.check(library.event_elapsed(device, from, to, &milliseconds), "event_elapsed");
        if (run > 0 && milliseconds > 0) best = std::min(best, milliseconds / 1e3);
    }
    device.check(library.event_free(device, from), "event_free");
    device.check(library.event_free(device, to), "event_free");
    return best;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2 || count > 3) {
        printf("usage: device_speed LIBRARY [MIB]\n");
        return 2;
    }
    Library library(arguments[1]);
    Device device(library);
    int64_t mib = count == 3 ? std::max(1, atoi(arguments[2])) : 256, bytes = mib << 20;
    char* first = device.allocate<char>(bytes);
    char* second = device.allocate<char>(bytes);
    void* pinned = nullptr;
    device.check(library.pinned_alloc(device, bytes, &pinned), "pinned_alloc");
    memset(pinned, 0, static_cast<size_t>(bytes));
    double copy = seconds(device, [&] { return library.copy(device, second, first, bytes); });
    double upload = seconds(device, [&] { return library.upload(device, first, pinned, bytes); });
    double download = seconds(device, [&] { return library.download(device, pinned, first, bytes); });
    device.check(library.pinned_free(device, pinned), "pinned_free");

    int64_t N = library.host() ? 128 : 4096;
    float* a = device.upload(Noise(1).floats(N * N));
    float* b = device.upload(Noise(2).floats(N * N));
    float* out = device.allocate(N * N);
    double product = seconds(device, [&] { return library.matmul(device, out, a, b, N, N, N, 0); });
    double gigabytes = static_cast<double>(bytes) / 1e9, operations = 2.0 * static_cast<double>(N * N * N) / 1e9;
    printf("{\"copy_mib\":%lld,\"copy_gb_s\":%.4g,\"upload_gb_s\":%.4g,\"download_gb_s\":%.4g,\"fp32_gflops\":%.4g}\n",
           static_cast<long long>(mib), 2 * gigabytes / copy, gigabytes / upload, gigabytes / download,
           operations / product);
    return 0;
}
