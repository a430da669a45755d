// device: devices, memory, copies, events and capture of the CUDA library (sn9_device.h). Two non-blocking streams per
// context, one that computes and one that loads what comes next; the legacy stream is never used. Copies from and to
// memory that is not pinned go through two pinned slots in turn, each with an event behind its last use.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "cublaslt.cuh"
#include "launch.cuh"

struct sn9_event {
    cudaEvent_t event;
};

struct sn9_graph {
    cudaGraphExec_t executable;
    const char* workspace;  // of the context when it was captured
};

namespace sn9 {
namespace {

constexpr int kOldestCapability = 80;              // mma of bf16, cp.async
constexpr size_t kStagingBytes = size_t{4} << 20;  // long enough for the full speed of PCIe
// Whether f32 products are faster on tensor cores, as three of bf16, than on the ordinary cores. Dense bf16 rate / 3
// over f32 rate, from NVIDIA's data sheets: A100 5.3, H100 4.9; RTX 4090 0.67, RTX 5090 0.67. Among 8.9
// an L40S would gain (1.3), but has the same capability as the cards that would lose: all of 8.9 keeps the ordinary
// cores.
constexpr bool prefers_split(int compute_capability) {
    return compute_capability == 80 || compute_capability / 10 == 9 || compute_capability / 10 == 10;
}

// What cudaMalloc aligns to; blocks are rounded up to it, so that 16-byte accesses at a block's end stay inside.
constexpr int64_t kMemoryAlignment = 256;

// What to do about a driver that cannot be used.
const char* advice(cudaError_t error) {
    switch (static_cast<int>(error)) {
        case 35: {
            int version = 0;
            if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) return "no NVIDIA driver is installed";
            return "the NVIDIA driver is older than CUDA 13 needs: update it to 580 or newer";
        }
        case 46:
            return "every NVIDIA device is in use by a process that has it for itself (exclusive mode)";
        case 100:
            return "the NVIDIA driver finds no device: look at nvidia-smi and CUDA_VISIBLE_DEVICES";
        case 802:
            return "the NVIDIA driver is not ready: on NVSwitch machines start nvidia-fabricmanager";
        case 803:
            return "the NVIDIA driver and its libraries have different versions: reboot, or reinstall the driver";
        default:
            return "the NVIDIA driver cannot be used";
    }
}

int32_t refuse(cudaError_t error) {
    cudaGetLastError();  // forgets it: the next launch is not to blame
    return fail(SN9_DEVICE_FAILED, "%s (CUDA error %d)", advice(error), static_cast<int>(error));
}

int32_t count_devices(int32_t* count) {
    int found = 0;
    cudaError_t error = cudaGetDeviceCount(&found);
    *count = error == cudaSuccess ? found : 0;
    return error == cudaSuccess ? SN9_OK : refuse(error);
}

// Makes the context's device the current one of this thread. For every function of the ABI that calls the runtime.
int32_t enter(const sn9_context* context, const char* what) {
    if (!context) return fail(SN9_BAD_ARGUMENT, "%s: the context is null", what);
    return check(cudaSetDevice(context->device), what);
}

int32_t refuse_in_capture(const sn9_context* context, const char* what) {
    return context->capturing ? fail(SN9_BAD_ARGUMENT, "%s: not inside a capture", what) : SN9_OK;
}

bool is_pinned(const void* memory, int64_t bytes) {
    for (const char* at : {static_cast<const char*>(memory), static_cast<const char*>(memory) + bytes - 1}) {
        cudaPointerAttributes attributes;
        if (cudaPointerGetAttributes(&attributes, at) != cudaSuccess) return false;
        if (attributes.type != cudaMemoryTypeHost) return false;
    }
    return true;
}

int32_t upload_pageable(sn9_context* context, char* device, const char* host, size_t bytes) {
    for (size_t offset = 0, chunk = 0; offset < bytes; offset += kStagingBytes, chunk++) {
        const Staging& slot = context->staging[chunk % kStagingSlots];
        size_t size = std::min(kStagingBytes, bytes - offset);
        if (int32_t failed = check(cudaEventSynchronize(slot.used), "upload")) return failed;
        memcpy(slot.memory, host + offset, size);
        if (int32_t failed = check(
                cudaMemcpyAsync(device + offset, slot.memory, size, cudaMemcpyHostToDevice, context->stream), "upload"))
            return failed;
        if (int32_t failed = check(cudaEventRecord(slot.used, context->stream), "upload")) return failed;
    }
    return SN9_OK;
}

int32_t download_pageable(sn9_context* context, char* host, const char* device, size_t bytes) {
    size_t chunks = (bytes + kStagingBytes - 1) / kStagingBytes;
    // The device fills one slot while the host empties the other.
    for (size_t chunk = 0; chunk < chunks + 1; chunk++) {
        if (chunk < chunks) {
            const Staging& slot = context->staging[chunk % kStagingSlots];
            size_t offset = chunk * kStagingBytes;
            if (int32_t failed =
                    check(cudaMemcpyAsync(slot.memory, device + offset, std::min(kStagingBytes, bytes - offset),
                                          cudaMemcpyDeviceToHost, context->stream),
                          "download"))
                return failed;
            if (int32_t failed = check(cudaEventRecord(slot.used, context->stream), "download")) return failed;
        }
        if (chunk > 0) {
            const Staging& slot = context->staging[(chunk - 1) % kStagingSlots];
            size_t offset = (chunk - 1) * kStagingBytes;
            if (int32_t failed = check(cudaEventSynchronize(slot.used), "download")) return failed;
            memcpy(host + offset, slot.memory, std::min(kStagingBytes, bytes - offset));
        }
    }
    return SN9_OK;
}

// Gives back what a context holds; also one that was opened half.
int32_t release(sn9_context* context) {
    int32_t status = SN9_OK;
    auto note = [&](cudaError_t error) {
        if (error != cudaSuccess && status == SN9_OK) status = check(error, "context_close");
    };
    for (cudaStream_t stream : context->streams)
        if (stream) note(cudaStreamSynchronize(stream));
    if (int32_t failed = cublaslt_close(context); failed && status == SN9_OK) status = failed;
    for (Staging& slot : context->staging) {
        if (slot.used) note(cudaEventDestroy(slot.used));
        if (slot.memory) note(cudaFreeHost(slot.memory));
    }
    for (cudaStream_t stream : context->streams)
        if (stream) note(cudaStreamDestroy(stream));
    if (context->workspace) note(cudaFree(context->workspace));
    delete context;
    return status;
}

int32_t open(sn9_context* context) {
    // The first call that needs the device itself: a driver may list one that it does not give.
    if (cudaError_t error = cudaSetDevice(context->device)) return refuse(error);
    cudaDeviceProp properties;
    if (int32_t failed = check(cudaGetDeviceProperties(&properties, context->device), "context_open")) return failed;
    context->compute_capability = properties.major * 10 + properties.minor;
    if (context->precision == SN9_PRECISION_FP32) context->split = prefers_split(context->compute_capability);
    if (context->precision == SN9_PRECISION_FP32_SPLIT) context->split = true;
    if (context->precision != SN9_PRECISION_BF16) context->precision = SN9_PRECISION_FP32;
    context->multiprocessors = properties.multiProcessorCount;
    context->shared_limit = static_cast<int64_t>(properties.sharedMemPerBlockOptin);
    if (context->compute_capability < kOldestCapability)
        return fail(SN9_UNSUPPORTED, "device %d (%s) has compute capability %d.%d; sn9 needs 8.0 or newer",
                    context->device, properties.name, properties.major, properties.minor);
    for (cudaStream_t& stream : context->streams)
        if (int32_t failed = check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "context_open: stream"))
            return failed;
    context->stream = context->streams[SN9_STREAM_COMPUTE];
    for (Staging& slot : context->staging) {
        if (int32_t failed = check(cudaMallocHost(reinterpret_cast<void**>(&slot.memory), kStagingBytes),
                                   "context_open: pinned memory"))
            return failed;
        if (int32_t failed = check(cudaEventCreateWithFlags(&slot.used, cudaEventDisableTiming), "context_open: event"))
            return failed;
    }
    return SN9_OK;
}

}  // namespace
}  // namespace sn9

using sn9::check;
using sn9::enter;
using sn9::fail;
using sn9::refuse_in_capture;

int32_t sn9_device_count(int32_t* count) {
    if (!count) return fail(SN9_BAD_ARGUMENT, "device_count: the result pointer is null");
    sn9::count_devices(count);
    return SN9_OK;
}

int32_t sn9_context_open(int32_t device, int32_t, int32_t precision, sn9_context** context) {
    if (!context) return fail(SN9_BAD_ARGUMENT, "context_open: the result pointer is null");
    if (precision < SN9_PRECISION_FP32 || precision > SN9_PRECISION_FP32_SPLIT)
        return fail(SN9_BAD_ARGUMENT,
                    "context_open: precision %d, expected 0 (fp32), 1 (bf16), 2 (fp32, SIMT) or 3 (fp32, split)",
                    precision);
    int32_t count = 0;
    if (int32_t failed = sn9::count_devices(&count)) return failed;
    if (device < 0 || device >= count)
        return fail(SN9_BAD_ARGUMENT, "context_open: device %d; there are %d, counted from 0", device, count);
    sn9_context* made = new (std::nothrow) sn9_context{};
    if (!made) return fail(SN9_OUT_OF_MEMORY, "context_open: out of memory");
    made->device = device;
    made->precision = precision;
    if (int32_t failed = sn9::open(made)) {
        char reason[512];
        snprintf(reason, sizeof reason, "%s", sn9_last_error());
        sn9::release(made);
        return fail(failed, "%s", reason);
    }
    *context = made;
    return SN9_OK;
}

int32_t sn9_context_close(sn9_context* context) {
    if (int32_t failed = enter(context, "context_close")) {
        if (context) sn9::release(context);
        return failed;
    }
    return sn9::release(context);
}

int32_t sn9_context_describe(sn9_context* context, char* text, int64_t bytes) {
    if (int32_t failed = enter(context, "context_describe")) return failed;
    if (!text || bytes < 1) return fail(SN9_BAD_ARGUMENT, "context_describe: null argument");
    cudaDeviceProp properties;
    if (int32_t failed = check(cudaGetDeviceProperties(&properties, context->device), "context_describe"))
        return failed;
    bool bf16 = context->precision == SN9_PRECISION_BF16;
    bool split = bf16 ? sn9::prefers_split(context->compute_capability) : context->split;
    int driver = 0, runtime = 0;
    size_t free_bytes = 0, total_bytes = 0;
    if (int32_t failed = check(cudaDriverGetVersion(&driver), "context_describe")) return failed;
    if (int32_t failed = check(cudaRuntimeGetVersion(&runtime), "context_describe")) return failed;
    if (int32_t failed = check(cudaMemGetInfo(&free_bytes, &total_bytes), "context_describe")) return failed;
    int written = snprintf(
        text, static_cast<size_t>(bytes),
        "name=%s\nisa=sm_%d\nthreads=0\nprecision=%s\nfp32=%s\nmultiprocessors=%d\nshared_bytes=%lld\nmemory_"
        "bytes=%lld\n"
        "free_bytes=%lld\ndriver=%d.%d\nruntime=%d.%d\nhost_memory=0\ngraphs=1\n",
        properties.name, context->compute_capability, bf16 ? "bf16" : "fp32", split ? "bf16x3" : "simt",
        context->multiprocessors, static_cast<long long>(context->shared_limit), static_cast<long long>(total_bytes),
        static_cast<long long>(free_bytes), driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
    if (written < bytes) sn9::cublaslt_describe(context, text + written, bytes - written);
    return SN9_OK;
}

int32_t sn9_context_reserve(sn9_context* context, int64_t bytes) {
    if (int32_t failed = enter(context, "context_reserve")) return failed;
    if (bytes < 0) return fail(SN9_BAD_ARGUMENT, "context_reserve: %lld bytes", static_cast<long long>(bytes));
    if (bytes <= context->workspace_bytes) return SN9_OK;
    if (int32_t failed = refuse_in_capture(context, "context_reserve")) return failed;
    // The old one first: both may not fit. Operations under way still use it.
    if (int32_t failed = sn9_synchronize(context)) return failed;
    if (int32_t failed = check(cudaFree(context->workspace), "context_reserve")) return failed;
    context->workspace = nullptr;
    context->workspace_bytes = 0;
    void* larger = nullptr;
    if (int32_t failed = sn9_alloc(context, bytes, &larger)) return failed;
    context->workspace = static_cast<char*>(larger);
    context->workspace_bytes = bytes;
    return SN9_OK;
}

int32_t sn9_training_pass(sn9_context* context, int32_t training) {
    if (int32_t failed = enter(context, "training_pass")) return failed;
    if (training)
        if (int32_t failed = sn9::cublaslt_open(context)) return failed;
    context->training = training != 0;
    return SN9_OK;
}

int32_t sn9_alloc(sn9_context* context, int64_t bytes, void** memory) {
    if (int32_t failed = enter(context, "alloc")) return failed;
    if (!memory || bytes < 0) return fail(SN9_BAD_ARGUMENT, "alloc: %lld bytes", static_cast<long long>(bytes));
    if (int32_t failed = refuse_in_capture(context, "alloc")) return failed;
    int64_t rounded = std::max<int64_t>(bytes + sn9::kMemoryAlignment - 1, sn9::kMemoryAlignment) /
                      sn9::kMemoryAlignment * sn9::kMemoryAlignment;
    cudaError_t error = cudaMalloc(memory, static_cast<size_t>(rounded));
    if (error != cudaErrorMemoryAllocation) return check(error, "alloc");
    cudaGetLastError();
    size_t free_bytes = 0, total_bytes = 0;
    cudaMemGetInfo(&free_bytes, &total_bytes);
    return fail(SN9_OUT_OF_MEMORY, "alloc: %lld bytes of device memory are not to be had; %lld of %lld are free",
                static_cast<long long>(rounded), static_cast<long long>(free_bytes),
                static_cast<long long>(total_bytes));
}

int32_t sn9_free(sn9_context* context, void* memory) {
    if (int32_t failed = enter(context, "free")) return failed;
    if (int32_t failed = refuse_in_capture(context, "free")) return failed;
    return check(cudaFree(memory), "free");
}

namespace {

// What copies have in common: arguments, and no copy of nothing.
int32_t expect_copy(sn9_context* context, const char* what, const void* to, const void* from, int64_t bytes) {
    if (int32_t failed = enter(context, what)) return failed;
    if (bytes < 0 || (bytes > 0 && (!to || !from)))
        return fail(SN9_BAD_ARGUMENT, "%s: %lld bytes, or a null pointer", what, static_cast<long long>(bytes));
    return SN9_OK;
}

}  // namespace

int32_t sn9_upload(sn9_context* context, void* device, const void* host, int64_t bytes) {
    if (int32_t failed = expect_copy(context, "upload", device, host, bytes)) return failed;
    if (bytes == 0) return SN9_OK;
    size_t size = static_cast<size_t>(bytes);
    if (sn9::is_pinned(host, bytes))
        return check(cudaMemcpyAsync(device, host, size, cudaMemcpyHostToDevice, context->stream), "upload");
    if (int32_t failed = refuse_in_capture(context, "upload from memory that is not pinned")) return failed;
    return sn9::upload_pageable(context, static_cast<char*>(device), static_cast<const char*>(host), size);
}

int32_t sn9_download(sn9_context* context, void* host, const void* device, int64_t bytes) {
    if (int32_t failed = expect_copy(context, "download", host, device, bytes)) return failed;
    if (bytes == 0) return SN9_OK;
    size_t size = static_cast<size_t>(bytes);
    if (sn9::is_pinned(host, bytes))
        return check(cudaMemcpyAsync(host, device, size, cudaMemcpyDeviceToHost, context->stream), "download");
    if (int32_t failed = refuse_in_capture(context, "download to memory that is not pinned")) return failed;
    return sn9::download_pageable(context, static_cast<char*>(host), static_cast<const char*>(device), size);
}

int32_t sn9_copy(sn9_context* context, void* to, const void* from, int64_t bytes) {
    if (int32_t failed = expect_copy(context, "copy", to, from, bytes)) return failed;
    if (bytes == 0) return SN9_OK;
    return check(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice, context->stream),
                 "copy");
}

int32_t sn9_pinned_alloc(sn9_context* context, int64_t bytes, void** memory) {
    if (int32_t failed = enter(context, "pinned_alloc")) return failed;
    if (!memory || bytes < 0) return fail(SN9_BAD_ARGUMENT, "pinned_alloc: %lld bytes", static_cast<long long>(bytes));
    if (int32_t failed = refuse_in_capture(context, "pinned_alloc")) return failed;
    return check(cudaMallocHost(memory, static_cast<size_t>(std::max<int64_t>(bytes, 1))), "pinned_alloc");
}

int32_t sn9_pinned_free(sn9_context* context, void* memory) {
    if (int32_t failed = enter(context, "pinned_free")) return failed;
    if (int32_t failed = refuse_in_capture(context, "pinned_free")) return failed;
    return check(cudaFreeHost(memory), "pinned_free");
}

int32_t sn9_stream_select(sn9_context* context, int32_t stream) {
    if (int32_t failed = enter(context, "stream_select")) return failed;
    if (stream != SN9_STREAM_COMPUTE && stream != SN9_STREAM_LOAD)
        return fail(SN9_BAD_ARGUMENT, "stream_select: stream %d, expected 0 (compute) or 1 (load)", stream);
    if (int32_t failed = refuse_in_capture(context, "stream_select")) return failed;
    context->stream = context->streams[stream];
    return SN9_OK;
}

int32_t sn9_stream_native(sn9_context* context, void** stream) {
    if (int32_t failed = enter(context, "stream_native")) return failed;
    if (!stream) return fail(SN9_BAD_ARGUMENT, "stream_native: the result pointer is null");
    *stream = context->streams[SN9_STREAM_COMPUTE];
    return SN9_OK;
}

int32_t sn9_event_create(sn9_context* context, sn9_event** event) {
    if (int32_t failed = enter(context, "event_create")) return failed;
    if (!event) return fail(SN9_BAD_ARGUMENT, "event_create: the result pointer is null");
    std::unique_ptr<sn9_event> made(new (std::nothrow) sn9_event{});
    if (!made) return fail(SN9_OUT_OF_MEMORY, "event_create: out of memory");
    if (int32_t failed = check(cudaEventCreateWithFlags(&made->event, cudaEventDefault), "event_create")) return failed;
    *event = made.release();
    return SN9_OK;
}

int32_t sn9_event_free(sn9_context* context, sn9_event* event) {
    if (int32_t failed = enter(context, "event_free")) return failed;
    if (!event) return SN9_OK;
    std::unique_ptr<sn9_event> dying(event);
    return check(cudaEventDestroy(event->event), "event_free");
}

int32_t sn9_event_record(sn9_context* context, sn9_event* event) {
    if (int32_t failed = enter(context, "event_record")) return failed;
    if (!event) return fail(SN9_BAD_ARGUMENT, "event_record: the event is null");
    if (int32_t failed = refuse_in_capture(context, "event_record")) return failed;
    return check(cudaEventRecord(event->event, context->stream), "event_record");
}

int32_t sn9_event_wait(sn9_context* context, sn9_event* event) {
    if (int32_t failed = enter(context, "event_wait")) return failed;
    if (!event) return fail(SN9_BAD_ARGUMENT, "event_wait: the event is null");
    if (int32_t failed = refuse_in_capture(context, "event_wait")) return failed;
    return check(cudaStreamWaitEvent(context->stream, event->event, 0), "event_wait");
}

int32_t sn9_event_synchronize(sn9_context* context, sn9_event* event) {
    if (int32_t failed = enter(context, "event_synchronize")) return failed;
    if (!event) return fail(SN9_BAD_ARGUMENT, "event_synchronize: the event is null");
    if (int32_t failed = refuse_in_capture(context, "event_synchronize")) return failed;
    return check(cudaEventSynchronize(event->event), "event_synchronize");
}

int32_t sn9_event_elapsed(sn9_context* context, sn9_event* from, sn9_event* to, float* milliseconds) {
    if (int32_t failed = enter(context, "event_elapsed")) return failed;
    if (!from || !to || !milliseconds) return fail(SN9_BAD_ARGUMENT, "event_elapsed: null argument");
    if (int32_t failed = refuse_in_capture(context, "event_elapsed")) return failed;
    if (int32_t failed = check(cudaEventSynchronize(to->event), "event_elapsed")) return failed;
    return check(cudaEventElapsedTime(milliseconds, from->event, to->event), "event_elapsed");
}

int32_t sn9_capture_begin(sn9_context* context) {
    if (int32_t failed = enter(context, "capture_begin")) return failed;
    if (int32_t failed = refuse_in_capture(context, "capture_begin")) return failed;
    if (context->stream != context->streams[SN9_STREAM_COMPUTE])
        return fail(SN9_BAD_ARGUMENT, "capture_begin: only the computing stream is captured, and it is not selected");
    if (int32_t failed =
            check(cudaStreamBeginCapture(context->stream, cudaStreamCaptureModeThreadLocal), "capture_begin"))
        return failed;
    context->capturing = true;
    return SN9_OK;
}

int32_t sn9_capture_end(sn9_context* context, sn9_graph** graph) {
    if (int32_t failed = enter(context, "capture_end")) return failed;
    if (!context->capturing) return fail(SN9_BAD_ARGUMENT, "capture_end: there was no capture_begin");
    context->capturing = false;
    cudaGraph_t captured = nullptr;
    if (int32_t failed = check(cudaStreamEndCapture(context->stream, &captured), "capture_end")) {
        cudaGetLastError();
        return failed;
    }
    std::unique_ptr<sn9_graph> made(graph ? new (std::nothrow) sn9_graph{} : nullptr);
    if (!made) {
        cudaGraphDestroy(captured);
        return fail(graph ? SN9_OUT_OF_MEMORY : SN9_BAD_ARGUMENT, "capture_end: %s",
                    graph ? "out of memory" : "the result pointer is null");
    }
    int32_t status = check(cudaGraphInstantiate(&made->executable, captured, 0), "capture_end");
    int32_t destroyed = check(cudaGraphDestroy(captured), "capture_end");
    if (status != SN9_OK) return status;
    made->workspace = context->workspace;
    *graph = made.release();
    return destroyed;
}

int32_t sn9_graph_launch(sn9_context* context, sn9_graph* graph) {
    if (int32_t failed = enter(context, "graph_launch")) return failed;
    if (!graph) return fail(SN9_BAD_ARGUMENT, "graph_launch: the graph is null");
    if (int32_t failed = refuse_in_capture(context, "graph_launch")) return failed;
    if (graph->workspace != context->workspace)
        return fail(SN9_BAD_ARGUMENT, "graph_launch: the workspace has moved since the graph was captured");
    return check(cudaGraphLaunch(graph->executable, context->stream), "graph_launch");
}

int32_t sn9_graph_free(sn9_context* context, sn9_graph* graph) {
    if (int32_t failed = enter(context, "graph_free")) return failed;
    if (!graph) return SN9_OK;
    std::unique_ptr<sn9_graph> dying(graph);
    return check(cudaGraphExecDestroy(graph->executable), "graph_free");
}

int32_t sn9_range_push(sn9_context* context, const char* name) {
    if (!context || !name) return fail(SN9_BAD_ARGUMENT, "range_push: null argument");
    sn9::push_range(name);
    return SN9_OK;
}

int32_t sn9_range_pop(sn9_context* context) {
    if (!context) return fail(SN9_BAD_ARGUMENT, "range_pop: the context is null");
    sn9::pop_range();
    return SN9_OK;
}

int32_t sn9_synchronize(sn9_context* context) {
    if (int32_t failed = enter(context, "synchronize")) return failed;
    if (int32_t failed = refuse_in_capture(context, "synchronize")) return failed;
    for (cudaStream_t stream : context->streams)
        if (int32_t failed = check(cudaStreamSynchronize(stream), "synchronize")) return failed;
    return SN9_OK;
}
