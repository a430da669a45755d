// sn9_device.h of a CUDA library: memory, copies of all kinds, events, capture and replay, and what must be refused.
#include <algorithm>
#include <numeric>

#include "library.h"

using namespace sn9::test;

namespace {

std::string property(const Library& library, sn9_context* context, const std::string& key) {
    char text[4096];
    if (library.context_describe(context, text, sizeof text) != SN9_OK) return "";
    std::string lines = std::string("\n") + text;
    size_t at = lines.find("\n" + key + "=");
    if (at == std::string::npos) return "";
    at += key.size() + 2;
    return lines.substr(at, lines.find('\n', at) - at);
}

std::vector<float> counting(int64_t n, float from) {
    std::vector<float> made(static_cast<size_t>(n));
    for (size_t i = 0; i < made.size(); i++) made[i] = from + static_cast<float>(i % 1000);
    return made;
}

// fp32 is a fixed choice by the device's kind, and either arithmetic can be asked for.
void arithmetic(const Library& library) {
    tally().current = "device arithmetic";
    auto fp32 = [&](int32_t precision) { return property(library, Device(library, precision), "fp32"); };
    expect(fp32(SN9_PRECISION_FP32_SIMT) == "simt", "FP32_SIMT");
    expect(fp32(SN9_PRECISION_FP32_SPLIT) == "bf16x3", "FP32_SPLIT");
    expect(property(library, Device(library, SN9_PRECISION_FP32_SPLIT), "precision") == "fp32", "both are fp32");
    sn9_context* context = nullptr;
    expect(library.context_open(0, 0, 4, &context) == SN9_BAD_ARGUMENT, "there is no precision 4");
    if (!library.host()) return;
    const char* simt = "simt";
    const char* split = "bf16x3";
    for (auto [profile, wanted] : {std::pair{"sm_80", split},
                                   {"sm_86", simt},
                                   {"sm_89", simt},
                                   {"sm_90", split},
                                   {"sm_100", split},
                                   {"sm_120", simt}}) {
        library.set("profile", profile);
        expect(fp32(SN9_PRECISION_FP32) == wanted, profile);
        expect(fp32(SN9_PRECISION_BF16) == wanted, profile);
    }
    library.set("profile", "");
}

// Sizes around the staging slots, from and to pageable memory.
void copies(const Library& library) {
    tally().current = "device copies";
    Device device(library);
    for (int64_t n : {1, 3, 1048575, 1048576, 1048577, 3000000}) {
        std::vector<float> values = counting(n, 0.5f);
        float* first = device.upload(values);
        float* second = device.allocate(n);
        SN9_OK_OR_RETURN(library, library.copy(device, second, first, n * 4));
        expect_same_bits("upload, copy, download", device.download(second, n), values);
    }
    float* memory = device.upload(counting(16, 0));
    expect(library.upload(device, memory, nullptr, 4) == SN9_BAD_ARGUMENT, "upload from null is refused");
    expect(library.upload(device, nullptr, nullptr, 0) == SN9_OK, "a copy of nothing is nothing");
    expect(library.copy(device, memory, memory, -1) == SN9_BAD_ARGUMENT, "a negative size is refused");
}

// Pinned memory: uploads read it when the stream gets there, so a later value must not show up in an earlier copy.
void pinned(const Library& library) {
    tally().current = "device pinned";
    Device device(library);
    void* memory = nullptr;
    SN9_OK_OR_RETURN(library, library.pinned_alloc(device, 4096, &memory));
    float* host = static_cast<float*>(memory);
    float* there = device.allocate(1024);
    for (int i = 0; i < 1024; i++) host[i] = static_cast<float>(i);
    SN9_OK_OR_RETURN(library, library.upload(device, there, host, 4096));
    SN9_OK_OR_RETURN(library, library.synchronize(device));
    std::fill(host, host + 1024, -1.0f);
    SN9_OK_OR_RETURN(library, library.download(device, host, there, 4096));
    SN9_OK_OR_RETURN(library, library.synchronize(device));
    expect(host[0] == 0 && host[1023] == 1023, "pinned memory comes back");
    SN9_OK_OR_RETURN(library, library.pinned_free(device, memory));
}

void events(const Library& library) {
    tally().current = "device events";
    Device device(library);
    sn9_event *from = nullptr, *to = nullptr;
    SN9_OK_OR_RETURN(library, library.event_create(device, &from));
    SN9_OK_OR_RETURN(library, library.event_create(device, &to));
    float* memory = device.upload(counting(100000, 0));
    SN9_OK_OR_RETURN(library, library.event_record(device, from));
    SN9_OK_OR_RETURN(library, library.copy(device, memory, memory + 50000, 200000));
    SN9_OK_OR_RETURN(library, library.event_record(device, to));
    float milliseconds = -1;
    SN9_OK_OR_RETURN(library, library.event_elapsed(device, from, to, &milliseconds));
    expect(milliseconds >= 0 && milliseconds < 10000, "time passes between events");
    SN9_OK_OR_RETURN(library, library.event_free(device, from));
    SN9_OK_OR_RETURN(library, library.event_free(device, to));
}

// What one stream makes and the other reads: in order only where an event says so. The host build runs streams late and
// in a seeded order, so that a missing event shows for some seed.
bool load_then_compute(const Library& library, bool with_event) {
    Device device(library);
    constexpr int64_t kCount = 4096;
    sn9_event *loaded = nullptr, *used = nullptr;
    if (library.event_create(device, &loaded) != SN9_OK || library.event_create(device, &used) != SN9_OK) return false;
    expect(library.event_wait(device, used) == SN9_OK && library.event_synchronize(device, used) == SN9_OK,
           "an event that was never recorded is past");
    void* pinned = nullptr;
    library.pinned_alloc(device, 3 * kCount * 4, &pinned);
    float* host = static_cast<float*>(pinned);
    for (int64_t i = 0; i < 3 * kCount; i++) host[i] = static_cast<float>(i);
    float *slot = device.upload(counting(kCount, -1)), *results = device.upload(counting(3 * kCount, -1));
    library.synchronize(device);
    for (int64_t model = 0; model < 3; model++) {
        library.stream_select(device, SN9_STREAM_LOAD);
        if (with_event) library.event_wait(device, used);
        library.upload(device, slot, host + model * kCount, kCount * 4);
        library.event_record(device, loaded);
        library.stream_select(device, SN9_STREAM_COMPUTE);
        if (with_event) library.event_wait(device, loaded);
        library.copy(device, results + model * kCount, slot, kCount * 4);
        library.event_record(device, used);
    }
    std::vector<float> found = device.download(results, 3 * kCount);
    bool right = std::equal(found.begin(), found.end(), host);
    library.event_free(device, loaded);
    library.event_free(device, used);
    library.pinned_free(device, pinned);
    return right;
}

void streams(const Library& library) {
    tally().current = "device streams";
    Device device(library);
    expect(library.stream_select(device, 2) == SN9_BAD_ARGUMENT, "stream 2 is refused");
    expect(library.stream_select(device, SN9_STREAM_LOAD) == SN9_OK, "the loading stream is selected");
    expect(library.capture_begin(device) == SN9_BAD_ARGUMENT, "the loading stream is not captured");
    expect(load_then_compute(library, true), "events order the two streams");
    expect(library.range_push(device, "forward") == SN9_OK && library.range_pop(device) == SN9_OK, "ranges");
}

// A graph knows the address of the workspace it was captured with.
void moved_workspace(const Library& library) {
    tally().current = "device moved workspace";
    Device device(library);
    library.context_reserve(device, 4096);
    float* there = device.upload(counting(16, 0));
    sn9_graph* graph = nullptr;
    SN9_OK_OR_RETURN(library, library.fill(device, there, 4, 16));  // a kernel runs once before it is captured
    SN9_OK_OR_RETURN(library, library.capture_begin(device));
    SN9_OK_OR_RETURN(library, library.fill(device, there, 5, 16));
    SN9_OK_OR_RETURN(library, library.capture_end(device, &graph));
    SN9_OK_OR_RETURN(library, library.graph_launch(device, graph));
    expect(device.download(there, 1)[0] == 5, "the graph runs");
    library.context_reserve(device, 1 << 22);
    expect(library.graph_launch(device, graph) == SN9_BAD_ARGUMENT, "a graph of the old workspace is refused");
    SN9_OK_OR_RETURN(library, library.graph_free(device, graph));
}

// A captured copy reads its pinned source at every replay; what may not be captured is refused.
void capture(const Library& library) {
    tally().current = "device capture";
    Device device(library);
    void* memory = nullptr;
    SN9_OK_OR_RETURN(library, library.pinned_alloc(device, 64, &memory));
    float* host = static_cast<float*>(memory);
    float* there = device.upload(counting(16, 100));
    sn9_graph* graph = nullptr;
    expect(library.capture_end(device, &graph) == SN9_BAD_ARGUMENT, "an end without a beginning is refused");
    SN9_OK_OR_RETURN(library, library.capture_begin(device));
    SN9_OK_OR_RETURN(library, library.upload(device, there, host, 64));
    void* refused = nullptr;
    std::vector<float> pageable(16);
    expect(library.alloc(device, 64, &refused) == SN9_BAD_ARGUMENT, "alloc inside a capture is refused");
    expect(library.synchronize(device) == SN9_BAD_ARGUMENT, "synchronize inside a capture is refused");
    expect(library.upload(device, there, pageable.data(), 64) == SN9_BAD_ARGUMENT,
           "a copy from pageable memory inside a capture is refused");
    expect(library.capture_begin(device) == SN9_BAD_ARGUMENT, "a capture inside a capture is refused");
    SN9_OK_OR_RETURN(library, library.capture_end(device, &graph));
    expect(device.download(there, 1)[0] == 100, "captured operations do not run");
    for (float value : {1.0f, 2.0f, 3.0f}) {
        host[0] = value;
        SN9_OK_OR_RETURN(library, library.graph_launch(device, graph));
        SN9_OK_OR_RETURN(library, library.synchronize(device));
        expect(device.download(there, 1)[0] == value, "every replay reads its source afresh");
    }
    SN9_OK_OR_RETURN(library, library.graph_free(device, graph));
    SN9_OK_OR_RETURN(library, library.pinned_free(device, memory));
}

void arguments(const Library& library) {
    tally().current = "device arguments";
    expect(library.abi_version() == SN9_ABI_VERSION, "the ABI is this one");
    int32_t count = 0;
    expect(library.device_count(&count) == SN9_OK && count >= 1, "there is a device");
    sn9_context* context = nullptr;
    expect(library.context_open(count, 0, SN9_PRECISION_FP32, &context) == SN9_BAD_ARGUMENT, "one device too far");
    expect(library.context_open(-1, 0, SN9_PRECISION_FP32, &context) == SN9_BAD_ARGUMENT, "device -1");
    expect(library.context_open(0, 0, 7, &context) == SN9_BAD_ARGUMENT, "precision 7");
    expect(library.synchronize(nullptr) == SN9_BAD_ARGUMENT, "no context");
    Device device(library, SN9_PRECISION_BF16);
    expect(property(library, device, "host_memory") == "0", "device memory is not the host's");
    expect(property(library, device, "graphs") == "1", "graphs are there");
    expect(property(library, device, "precision") == "bf16", "the precision is told");
    expect(library.context_reserve(device, 1 << 20) == SN9_OK, "a workspace");
    expect(library.context_reserve(device, 1 << 10) == SN9_OK, "a smaller one is there already");
    expect(library.context_reserve(device, -1) == SN9_BAD_ARGUMENT, "a negative one");
    void* memory = nullptr;
    expect(library.alloc(device, INT64_C(1) << 50, &memory) == SN9_OUT_OF_MEMORY, "a petabyte");
    expect(library.alloc(device, 0, &memory) == SN9_OK && memory, "nothing has an address, too");
    expect(reinterpret_cast<uintptr_t>(memory) % 64 == 0, "memory is aligned");
    expect(library.free(device, memory) == SN9_OK, "free");
}

// The sentences for drivers that cannot be used.
void drivers(const Library& library) {
    if (!library.host()) return;
    tally().current = "device drivers";
    const std::pair<const char*, const char*> states[] = {{"35", "older"},
                                                          {"100", "no device"},
                                                          {"802", "fabricmanager"},
                                                          {"803", "versions"},
                                                          {"999", "cannot be used"}};
    for (const auto& [code, word] : states) {
        library.set("driver", code);
        int32_t count = -1;
        expect(library.device_count(&count) == SN9_OK && count == 0, "no device is counted");
        expect(strstr(library.last_error(), word) != nullptr, word);
        sn9_context* context = nullptr;
        expect(library.context_open(0, 0, SN9_PRECISION_FP32, &context) == SN9_DEVICE_FAILED, "no context is opened");
    }
    library.set("driver", "46");  // the driver lists the device, but does not give it
    int32_t count = 0;
    expect(library.device_count(&count) == SN9_OK && count == 1, "a device in use is counted");
    sn9_context* context = nullptr;
    expect(library.context_open(0, 0, SN9_PRECISION_FP32, &context) == SN9_DEVICE_FAILED, "but not opened");
    expect(strstr(library.last_error(), "exclusive mode") != nullptr, "exclusive mode");
    library.set("driver", "");
}

}  // namespace

void test_device(const Library& library) {
    arithmetic(library);
    arguments(library);
    for (const char* seed : {"0", "1", "2"}) {
        library.set("seed", seed);
        copies(library);
        pinned(library);
        events(library);
        capture(library);
        streams(library);
        moved_workspace(library);
    }
    if (library.host()) {
        tally().current = "device streams";
        int wrong = 0;
        for (int seed = 0; seed < 8; seed++) {
            library.set("seed", std::to_string(seed).c_str());
            wrong += load_then_compute(library, false) ? 0 : 1;
        }
        expect(wrong > 0, "the host build shows a missing event");
    }
    library.set("seed", "");
    drivers(library);
}
