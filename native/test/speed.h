// speed: how long work of a device takes, by its own clock.
#pragma once

#include <algorithm>

#include "rows.h"

namespace sn9::test {

// Seconds of so many runs, shortest first, after one that is not counted. Work returns a status.
template <typename Work>
std::vector<double> seconds(const Device& device, int runs, Work work) {
    const Library& library = device.library();
    sn9_event *from = nullptr, *to = nullptr;
    device.check(library.event_create(device, &from), "event_create");
    device.check(library.event_create(device, &to), "event_create");
    std::vector<double> taken;
    for (int run = 0; run <= runs; run++) {
        float milliseconds = 0;
        device.check(library.event_record(device, from), "event_record");
        device.check(work(), "work");
        device.check(library.event_record(device, to), "event_record");
        device.check(library.synchronize(device), "synchronize");
        device.check(library.event_elapsed(device, from, to, &milliseconds), "event_elapsed");
        if (run > 0) taken.push_back(milliseconds / 1e3);
    }
    device.check(library.event_free(device, from), "event_free");
    device.check(library.event_free(device, to), "event_free");
    std::sort(taken.begin(), taken.end());
    return taken;
}

// The value of a line of context_describe; empty where there is none.
inline std::string described(const Device& device, const std::string& key) {
    char text[4096];
    device.check(device.library().context_describe(device, text, sizeof text), "context_describe");
    std::string all = std::string("\n") + text;
    size_t at = all.find("\n" + key + "=");
    if (at == std::string::npos) return "";
    at += key.size() + 2;
    return all.substr(at, all.find('\n', at) - at);
}

// n even numbers in (-1, 1), f32 or of the activation type. A device draws less power from zeros, and none from
// NaN: its clock would tell of another load. The first million is drawn, the others repeat it.
inline void* noise(Device& device, int64_t n, bool f32) {
    const Library& library = device.library();
    int64_t drawn = std::min<int64_t>(n, 1 << 20), e = f32 || !device.bf16() ? 4 : 2;
    Floats values = Noise(static_cast<uint64_t>(n)).floats(drawn);
    char* to = device.allocate<char>(n * e);
    const void* first = f32 ? device.upload(values) : device.upload_activations(values);
    for (int64_t at = 0; at < n; at += drawn)
        device.check(library.copy(device, to + at * e, first, std::min(drawn, n - at) * e), "copy");
    return to;
}

}  // namespace sn9::test
