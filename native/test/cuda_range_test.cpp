// ranges of a CUDA library: every operation of the ABI names its stretch of a profiler's timeline, from entry to
// return, also when it refuses its arguments. A GPU's library gives its ranges to a profiler only: there nothing is
// checked but the refusals.
#include <set>
#include <type_traits>

#include "library.h"

using namespace sn9::test;

namespace {

typedef const char* (*Ranges)();

// Functions of sn9_device.h, and the questions of sn9_ops.h that do no work.
const std::set<std::string> kNoOperations = {"abi_version",
                                             "last_error",
                                             "device_count",
                                             "context_open",
                                             "context_close",
                                             "context_describe",
                                             "context_reserve",
                                             "alloc",
                                             "free",
                                             "upload",
                                             "download",
                                             "copy",
                                             "pinned_alloc",
                                             "pinned_free",
                                             "stream_select",
                                             "stream_native",
                                             "training_pass",
                                             "event_create",
                                             "event_free",
                                             "event_record",
                                             "event_wait",
                                             "event_synchronize",
                                             "event_elapsed",
                                             "range_push",
                                             "range_pop",
                                             "capture_begin",
                                             "capture_end",
                                             "graph_launch",
                                             "graph_free",
                                             "synchronize",
                                             "release_mapped",
                                             "padding",
                                             "workspace_bytes",
                                             "weight_bytes"};

// No operation takes null pointers with sizes and types of -1.
template <typename T>
T wrong() {
    if constexpr (std::is_pointer_v<T>)
        return nullptr;
    else
        return static_cast<T>(-1);
}

template <typename R, typename... A>
void refused(const char* name, R (*operation)(A...), Ranges ranges) {
    if (kNoOperations.count(name)) return;
    tally().current = std::string("range of ") + name;
    if constexpr (std::is_same_v<R, int32_t>) expect(operation(wrong<A>()...) != SN9_OK, "nonsense is refused");
    if (!ranges) return;
    std::string wanted = std::string("+") + name + " -" + name, found = ranges();
    expect(found == wanted, (wanted + " expected, found \"" + found + "\"").c_str());
}

// Operations that run, one that calls another, and a range of the caller's around them.
void nested(const Library& library, Ranges ranges) {
    tally().current = "nested ranges";
    Device device(library, SN9_PRECISION_BF16);  // whose weights are a cast of their source
    float* values = device.upload(std::vector<float>(64 * 64, 1.0f));
    int64_t bytes = 0;
    SN9_OK_OR_RETURN(library, library.weight_bytes(device, &bytes, 64, 64, SN9_LINEAR_WEIGHT, 0));
    void* storage = device.allocate<char>(bytes);
    sn9_weight weight = {};
    ranges();
    SN9_OK_OR_RETURN(library, library.range_push(device, "load"));
    SN9_OK_OR_RETURN(library, library.fill(device, values, 2.0f, 64 * 64));
    SN9_OK_OR_RETURN(library,
                     library.weight_prepare(device, &weight, storage, values, SN9_F32, 64, 64, SN9_LINEAR_WEIGHT, 0));
    SN9_OK_OR_RETURN(library, library.range_pop(device));
    std::string found = ranges();
    expect(found == "+load +fill -fill +weight_prepare +cast -cast -weight_prepare -load", found.c_str());
}

}  // namespace

void test_range(const Library& library) {
    auto ranges = reinterpret_cast<Ranges>(dlsym(library.handle, "sn9_host_ranges"));
    if (!ranges) printf("range: skipped but for refusals: only the host build tells its ranges\n");
    if (ranges) ranges();
#define SN9_TEST_REFUSED(name) refused(#name, library.name, ranges);
    SN9_TEST_FUNCTIONS(SN9_TEST_REFUSED)
#undef SN9_TEST_REFUSED
    if (ranges) nested(library, ranges);
}
