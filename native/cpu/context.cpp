// context: devices, memory and copies of the CPU library.
#include "context.h"

#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "error.h"

namespace sn9 {

const char* isa_name(Isa isa) {
    switch (isa) {
        case Isa::avx512:
            return "avx512";
        case Isa::avx2:
            return "avx2";
        default:
            return "portable";
    }
}

Isa choose_isa() {
    Isa best = Isa::portable;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = Isa::avx2;
    if (best == Isa::avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        best = Isa::avx512;
#endif
    const char* wanted = getenv("SN9_ISA");
    if (wanted && !strcmp(wanted, "portable")) return Isa::portable;
    if (wanted && !strcmp(wanted, "avx2") && best != Isa::portable) return Isa::avx2;
    return best;
}

}  // namespace sn9

using sn9::fail;

int32_t sn9_device_count(int32_t* count) {
    if (!count) return fail(SN9_BAD_ARGUMENT, "device_count: null argument");
    *count = 1;
    return SN9_OK;
}

int32_t sn9_context_open(int32_t device, int32_t threads, int32_t precision, sn9_context** context) {
    if (!context) return fail(SN9_BAD_ARGUMENT, "context_open: the result pointer is null");
    if (device != 0)
        return fail(SN9_BAD_ARGUMENT, "context_open: device %d; the CPU library has device 0 only", device);
    if (precision != SN9_PRECISION_FP32)
        return fail(SN9_UNSUPPORTED, "context_open: the CPU library computes in fp32 only");
    if (threads < 0 || threads > 1024)
        return fail(SN9_BAD_ARGUMENT, "context_open: %d threads, expected 0 (all) to 1024", threads);
    if (threads == 0) threads = omp_get_num_procs();
    // oneDNN asks OpenMP how many threads it may use outside of a parallel region of ours.
    omp_set_num_threads(threads);
    omp_set_dynamic(0);
    *context = new (std::nothrow) sn9_context{sn9::choose_isa(), threads, sn9::open_onednn(), nullptr, 0};
    return *context ? SN9_OK : fail(SN9_OUT_OF_MEMORY, "context_open: out of memory");
}

int32_t sn9_context_close(sn9_context* context) {
    if (!context) return fail(SN9_BAD_ARGUMENT, "context_close: the context is null");
    free(context->workspace);
    delete context;
    return SN9_OK;
}

int32_t sn9_context_describe(sn9_context* context, char* text, int64_t bytes) {
    if (!context || !text || bytes < 1) return fail(SN9_BAD_ARGUMENT, "context_describe: null argument");
    snprintf(text, static_cast<size_t>(bytes),
             "name=cpu\nisa=%s\nthreads=%d\nonednn=%s\nmemory_bytes=%lld\nhost_memory=1\ngraphs=0\n",
             sn9::isa_name(context->isa), context->threads, context->onednn ? context->onednn->version : "none",
             static_cast<long long>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE));
    return SN9_OK;
}

int32_t sn9_training_pass(sn9_context* context, int32_t) {
    return context ? SN9_OK : fail(SN9_BAD_ARGUMENT, "training_pass: the context is null");
}

int32_t sn9_alloc(sn9_context* context, int64_t bytes, void** memory) {
    if (!context || !memory || bytes < 0) return fail(SN9_BAD_ARGUMENT, "alloc: %lld bytes", (long long)bytes);
    // What fills huge pages asks for them: fewer faults at first touch, and products walk many rows of a page at once.
    constexpr size_t kHugePage = 2 << 20;
    size_t size = static_cast<size_t>(sn9::round_up(bytes + 1, sn9::kAlignment));
    bool huge = size >= 4 * kHugePage;
    *memory = aligned_alloc(huge ? kHugePage : static_cast<size_t>(sn9::kAlignment), size);
    if (huge && *memory) madvise(*memory, size, MADV_HUGEPAGE);  // a wish: without it all is as before, but slower
    return *memory ? SN9_OK
                   : fail(SN9_OUT_OF_MEMORY, "alloc: %lld bytes of host memory are not to be had", (long long)bytes);
}

int32_t sn9_free(sn9_context* context, void* memory) {
    if (!context) return fail(SN9_BAD_ARGUMENT, "free: the context is null");
    free(memory);
    return SN9_OK;
}

int32_t sn9_context_reserve(sn9_context* context, int64_t bytes) {
    if (!context || bytes < 0) return fail(SN9_BAD_ARGUMENT, "context_reserve: %lld bytes", (long long)bytes);
    if (bytes <= context->workspace_bytes) return SN9_OK;
    void* larger = nullptr;
    int32_t status = sn9_alloc(context, bytes, &larger);
    if (status != SN9_OK) return status;
    free(context->workspace);
    context->workspace = static_cast<char*>(larger);
    context->workspace_bytes = bytes;
    return SN9_OK;
}

int32_t sn9_copy(sn9_context* context, void* to, const void* from, int64_t bytes) {
    if (!context || bytes < 0 || (bytes > 0 && (!to || !from)))
        return fail(SN9_BAD_ARGUMENT, "copy: %lld bytes, or a null pointer", (long long)bytes);
    memcpy(to, from, static_cast<size_t>(bytes));
    return SN9_OK;
}

int32_t sn9_upload(sn9_context* context, void* device, const void* host, int64_t bytes) {
    return sn9_copy(context, device, host, bytes);
}

int32_t sn9_download(sn9_context* context, void* host, const void* device, int64_t bytes) {
    return sn9_copy(context, host, device, bytes);
}

int32_t sn9_synchronize(sn9_context* context) {
    return context ? SN9_OK : fail(SN9_BAD_ARGUMENT, "synchronize: the context is null");
}

int32_t sn9_stream_select(sn9_context* context, int32_t stream) {
    if (!context || (stream != SN9_STREAM_COMPUTE && stream != SN9_STREAM_LOAD))
        return fail(SN9_BAD_ARGUMENT, "stream_select: stream %d, expected 0 (compute) or 1 (load)", stream);
    return SN9_OK;
}

int32_t sn9_stream_native(sn9_context*, void**) {
    return fail(SN9_UNSUPPORTED, "stream_native: the CPU has no streams");
}

int32_t sn9_range_push(sn9_context*, const char*) {
    return SN9_OK;
}

int32_t sn9_range_pop(sn9_context*) {
    return SN9_OK;
}

int32_t sn9_pinned_alloc(sn9_context* context, int64_t bytes, void** memory) {
    return sn9_alloc(context, bytes, memory);
}

int32_t sn9_pinned_free(sn9_context* context, void* memory) {
    return sn9_free(context, memory);
}

// Everything is done when its call returns, so an event is the moment it was recorded.
struct sn9_event {
    std::chrono::steady_clock::time_point recorded;
};

int32_t sn9_event_create(sn9_context* context, sn9_event** event) {
    if (!context || !event) return fail(SN9_BAD_ARGUMENT, "event_create: null argument");
    *event = new (std::nothrow) sn9_event{};
    return *event ? SN9_OK : fail(SN9_OUT_OF_MEMORY, "event_create: out of memory");
}

int32_t sn9_event_free(sn9_context*, sn9_event* event) {
    delete event;
    return SN9_OK;
}

int32_t sn9_event_record(sn9_context*, sn9_event* event) {
    if (!event) return fail(SN9_BAD_ARGUMENT, "event_record: null argument");
    event->recorded = std::chrono::steady_clock::now();
    return SN9_OK;
}

int32_t sn9_event_wait(sn9_context*, sn9_event* event) {
    return event ? SN9_OK : fail(SN9_BAD_ARGUMENT, "event_wait: null argument");
}

int32_t sn9_event_synchronize(sn9_context*, sn9_event* event) {
    return event ? SN9_OK : fail(SN9_BAD_ARGUMENT, "event_synchronize: null argument");
}

int32_t sn9_event_elapsed(sn9_context*, sn9_event* from, sn9_event* to, float* milliseconds) {
    if (!from || !to || !milliseconds) return fail(SN9_BAD_ARGUMENT, "event_elapsed: null argument");
    *milliseconds = std::chrono::duration<float, std::milli>(to->recorded - from->recorded).count();
    return SN9_OK;
}

int32_t sn9_capture_begin(sn9_context*) {
    return fail(SN9_UNSUPPORTED, "capture_begin: the CPU library captures no graphs");
}

int32_t sn9_capture_end(sn9_context*, sn9_graph**) {
    return fail(SN9_UNSUPPORTED, "capture_end: the CPU library captures no graphs");
}

int32_t sn9_graph_launch(sn9_context*, sn9_graph*) {
    return fail(SN9_UNSUPPORTED, "graph_launch: the CPU library captures no graphs");
}

int32_t sn9_graph_free(sn9_context*, sn9_graph*) {
    return fail(SN9_UNSUPPORTED, "graph_free: the CPU library captures no graphs");
}
