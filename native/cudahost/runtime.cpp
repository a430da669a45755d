// runtime: memory, streams, events and capture of the CUDA runtime, on the host. Work runs when somebody waits for it,
// in an order that respects streams and events and is otherwise drawn by the seed.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cuda_runtime_on_host.h"
#include "scheduler.h"
#include "settings.h"

using sn9::host::Ahead;
using sn9::host::kSharedDefault;
using sn9::host::Launch;
using sn9::host::settings;

namespace {

struct EventState {
    int64_t recorded = 0, reached = 0;  // how often
    double milliseconds = 0;            // of the last time reached
};

// One thing a stream does: run something, reach an event or wait for one.
struct Work {
    std::function<void()> run = {};
    std::shared_ptr<EventState> reach = {}, wait = {};
    int64_t count = 0;    // which record of the event
    uint64_t number = 0;  // in the order asked for
};

}  // namespace

struct HostGraph {
    std::vector<std::function<void()>> nodes;
};

struct HostStream {
    uint64_t number = 0;  // in the order made
    std::deque<Work> queue;
    std::unique_ptr<HostGraph> capture;
    bool capture_broken = false;
    std::thread::id capturing_thread;
};

struct HostEvent {
    std::shared_ptr<EventState> state = std::make_shared<EventState>();
    bool timed = true;
    bool captured = false;
};

namespace {

constexpr size_t kDeviceAlignment = 256;
constexpr size_t kUnbackedBytes = size_t{256} << 20;  // allocations from here on are not filled

struct Allocation {
    size_t bytes;
    bool mapped;
};

struct Runtime {
    std::recursive_mutex lock;
    std::map<char*, Allocation> device, pinned;
    size_t device_bytes = 0;
    std::map<const void*, std::unique_ptr<HostStream>> streams;
    std::map<const void*, std::unique_ptr<HostEvent>> events;
    std::map<const void*, std::unique_ptr<HostGraph>> graphs;
    std::map<const void*, size_t> allowed_shared;
    std::set<const void*> seen_kernels;
    uint64_t works = 0, streams_made = 0;
    sn9::host::Random random{0};
    uint64_t ahead = 0;  // number of the stream that runs for the next `burst` steps while the others lag
    uint64_t burst = 0;
    std::string fault;   // sticky
    std::string detail;  // of last_error
    cudaError_t last_error = cudaSuccess;
};
Runtime& runtime() {
    // Never destroyed: a library may be asked for something until the very end of the process.
    static Runtime& made = *new Runtime;
    return made;
}
using Lock = std::lock_guard<std::recursive_mutex>;

[[gnu::format(printf, 2, 3)]] cudaError_t error(cudaError_t code, const char* format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    runtime().detail = text;
    return runtime().last_error = code;
}

// What went wrong in a kernel stays until the device is reset.
cudaError_t sticky() {
    if (runtime().fault.empty()) return cudaSuccess;
    return error(cudaErrorLaunchFailure, "%s", runtime().fault.c_str());
}

double clock_milliseconds() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool holds(const std::map<char*, Allocation>& allocations, const void* memory, size_t bytes) {
    char* first = static_cast<char*>(const_cast<void*>(memory));
    auto next = allocations.upper_bound(first);
    if (next == allocations.begin()) return false;
    --next;
    return first + bytes <= next->first + next->second.bytes;
}

HostStream* capturing_here() {
    for (auto& [handle, stream] : runtime().streams)
        if (stream->capture && stream->capturing_thread == std::this_thread::get_id()) return stream.get();
    return nullptr;
}

// Calls that a capture forbids break it.
cudaError_t refuse_in_capture(const char* what) {
    HostStream* stream = capturing_here();
    if (!stream) return cudaSuccess;
    stream->capture_broken = true;
    return error(cudaErrorStreamCaptureUnsupported, "%s inside a capture", what);
}

cudaError_t find(cudaStream_t handle, HostStream** stream) {
    if (cudaError_t failed = sticky()) return failed;
    if (!handle) {
        runtime().fault = "the legacy default stream was used: it waits for every other stream; pass a stream";
        return sticky();
    }
    auto found = runtime().streams.find(handle);
    if (found == runtime().streams.end())
        return error(cudaErrorInvalidResourceHandle, "a stream that does not exist, or not any more");
    *stream = found->second.get();
    return cudaSuccess;
}

cudaError_t find(cudaEvent_t handle, HostEvent** event) {
    if (cudaError_t failed = sticky()) return failed;
    auto found = runtime().events.find(handle);
    if (found == runtime().events.end())
        return error(cudaErrorInvalidResourceHandle, "an event that does not exist, or not any more");
    *event = found->second.get();
    return cudaSuccess;
}

void push(HostStream& stream, Work work) {
    work.number = ++runtime().works;
    stream.queue.push_back(std::move(work));
}

bool can_run(const Work& work) {
    return !work.wait || work.wait->reached >= work.count;
}

// One of the streams that can run. It stays ahead of the others for a while, short or long: what is ordered by luck
// alone shows only when one stream lags by more than a few works.
HostStream* drawn(const std::vector<HostStream*>& ready) {
    Runtime& at = runtime();
    auto found = std::find_if(ready.begin(), ready.end(), [&](const HostStream* s) { return s->number == at.ahead; });
    if (at.burst > 0 && found != ready.end()) {
        at.burst--;
        return *found;
    }
    HostStream* stream = ready[at.random.below(ready.size())];
    at.ahead = stream->number;
    at.burst = uint64_t{1} << at.random.below(10);
    return stream;
}

// Of the streams that can run, the one whose head runs next: that made first or last where the settings say so, one by
// the seed, or else the one whose head was asked for first.
HostStream* chosen(std::vector<HostStream*>& ready) {
    auto made_earlier = [](const HostStream* a, const HostStream* b) { return a->number < b->number; };
    if (settings().ahead == Ahead::eldest) return *std::min_element(ready.begin(), ready.end(), made_earlier);
    if (settings().ahead == Ahead::youngest) return *std::max_element(ready.begin(), ready.end(), made_earlier);
    // By age, not by address: addresses differ from run to run.
    std::sort(ready.begin(), ready.end(), [](const HostStream* a, const HostStream* b) {
        return a->queue.front().number < b->queue.front().number;
    });
    return settings().seed ? drawn(ready) : ready[0];
}

// Runs the head of one stream. False when none can run.
bool step() {
    std::vector<HostStream*> ready;
    for (auto& [handle, stream] : runtime().streams)
        if (!stream->queue.empty() && can_run(stream->queue.front())) ready.push_back(stream.get());
    if (ready.empty()) return false;
    HostStream* stream = chosen(ready);
    Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    if (work.run && runtime().fault.empty()) work.run();
    if (work.reach) {
        work.reach->reached = work.count;
        work.reach->milliseconds = clock_milliseconds();
    }
    return true;
}

template <typename Done>
cudaError_t run_until(Done done) {
    runtime().random.state ^= settings().seed;
    while (!done()) {
        if (!step()) {
            runtime().fault = "streams wait for events that nothing is going to record";
            for (auto& [handle, stream] : runtime().streams) stream->queue.clear();
        }
    }
    return sticky();
}

bool all_idle() {
    for (auto& [handle, stream] : runtime().streams)
        if (!stream->queue.empty()) return false;
    return true;
}

// Puts something to run into the stream, or into the graph it captures.
cudaError_t enqueue(HostStream& stream, std::function<void()> run) {
    if (stream.capture)
        stream.capture->nodes.push_back(std::move(run));
    else
        push(stream, {.run = std::move(run)});
    return cudaSuccess;
}

// A kernel is loaded when it is first launched, which breaks a capture.
cudaError_t note_first_use(HostStream& stream, const void* kernel) {
    if (stream.capture && !runtime().seen_kernels.contains(kernel)) {
        stream.capture_broken = true;
        return error(cudaErrorStreamCaptureUnsupported,
                     "the kernel was never launched before the capture: loading it then is not permitted");
    }
    runtime().seen_kernels.insert(kernel);
    return cudaSuccess;
}

cudaError_t allocate(std::map<char*, Allocation>& where, void** memory, size_t bytes) {
    bool mapped = bytes >= kUnbackedBytes;
    void* got = nullptr;
    if (mapped) {
        // Backed by nothing until touched: sampled launches use buffers larger than this machine.
        got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (got == MAP_FAILED) got = nullptr;
    } else if (posix_memalign(&got, kDeviceAlignment, std::max<size_t>(bytes, 1)) != 0) {
        got = nullptr;
    }
    if (!got) return error(cudaErrorMemoryAllocation, "%zu bytes are not to be had from the host", bytes);
    if (!mapped) memset(got, 0xFF, bytes);
    where[static_cast<char*>(got)] = {bytes, mapped};
    *memory = got;
    return cudaSuccess;
}

void release(char* memory, const Allocation& allocation) {
    if (allocation.mapped)
        munmap(memory, allocation.bytes);
    else
        free(memory);
}

const char* error_text(cudaError_t code) {
    switch (code) {
        case cudaSuccess:
            return "no error";
        case cudaErrorInvalidValue:
            return "invalid argument";
        case cudaErrorMemoryAllocation:
            return "out of memory";
        case cudaErrorInvalidConfiguration:
            return "invalid configuration argument";
        case cudaErrorInsufficientDriver:
            return "CUDA driver version is insufficient for CUDA runtime version";
        case cudaErrorDevicesUnavailable:
            return "CUDA-capable device(s) is/are busy or unavailable";
        case cudaErrorNoDevice:
            return "no CUDA-capable device is detected";
        case cudaErrorInvalidDevice:
            return "invalid device ordinal";
        case cudaErrorInvalidResourceHandle:
            return "invalid resource handle";
        case cudaErrorNotReady:
            return "device not ready";
        case cudaErrorLaunchFailure:
            return "unspecified launch failure";
        case cudaErrorSystemNotReady:
            return "system not yet initialized";
        case cudaErrorSystemDriverMismatch:
            return "system has unsupported display driver / cuda driver combination";
        case cudaErrorStreamCaptureUnsupported:
            return "operation not permitted when stream is capturing";
        case cudaErrorStreamCaptureInvalidated:
            return "operation failed due to a previous error during capture";
        case cudaErrorStreamCaptureUnmatched:
            return "capture was not initiated in this stream";
        case cudaErrorCapturedEvent:
            return "operation not permitted on an event last recorded in a capturing stream";
        default:
            return "unknown error";
    }
}

cudaError_t driver_error() {
    cudaError_t code = static_cast<cudaError_t>(settings().driver_error);
    return error(code, "%s", error_text(code));
}

}  // namespace

// ---- devices and errors -------------------------------------------------------------------------------------------

cudaError_t cudaDriverGetVersion(int* version) {
    *version = settings().driver_error == cudaErrorInsufficientDriver ? 12000 : 13000;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
    Lock lock(runtime().lock);
    if (settings().driver_error && settings().driver_error != cudaErrorDevicesUnavailable) return driver_error();
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    Lock lock(runtime().lock);
    if (settings().driver_error) return driver_error();
    if (device != 0) return error(cudaErrorInvalidDevice, "device %d; there is device 0 only", device);
    return sticky();
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
    Lock lock(runtime().lock);
    if (device != 0) return error(cudaErrorInvalidDevice, "device %d; there is device 0 only", device);
    const sn9::host::Profile& profile = *settings().profile;
    *properties = {};
    snprintf(properties->name, sizeof properties->name, "CUDA on the host, as %s", profile.name);
    properties->totalGlobalMem = static_cast<size_t>(settings().memory_megabytes) << 20;
    properties->major = profile.major;
    properties->minor = profile.minor;
    properties->multiProcessorCount = profile.multiprocessors;
    properties->sharedMemPerBlock = kSharedDefault;
    properties->sharedMemPerBlockOptin = profile.shared_opt_in;
    properties->regsPerBlock = 65536;
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
    Lock lock(runtime().lock);
    if (cudaError_t refused = refuse_in_capture("cudaDeviceSynchronize")) return refused;
    return run_until(all_idle);
}

cudaError_t cudaDeviceReset() {
    Lock lock(runtime().lock);
    Runtime& r = runtime();
    for (auto& [memory, allocation] : r.device) release(memory, allocation);
    for (auto& [memory, allocation] : r.pinned) release(memory, allocation);
    r.device.clear();
    r.pinned.clear();
    r.device_bytes = 0;
    r.streams.clear();
    r.events.clear();
    r.graphs.clear();
    r.allowed_shared.clear();
    r.seen_kernels.clear();
    r.fault.clear();
    r.last_error = cudaSuccess;
    return cudaSuccess;
}

cudaError_t cudaGetLastError() {
    Lock lock(runtime().lock);
    cudaError_t code = runtime().last_error;
    runtime().last_error = cudaSuccess;
    if (cudaError_t failed = sticky()) return failed;
    return code;
}

const char* cudaGetErrorName(cudaError_t code) {
    static thread_local char name[32];
    snprintf(name, sizeof name, "CUDA error %d", static_cast<int>(code));
    return name;
}

const char* cudaGetErrorString(cudaError_t code) {
    Lock lock(runtime().lock);
    static thread_local std::string text;
    text = error_text(code);
    if (code != cudaSuccess && !runtime().detail.empty()) text += ": " + runtime().detail;
    return text.c_str();
}

// ---- memory -------------------------------------------------------------------------------------------------------

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total) {
    Lock lock(runtime().lock);
    *total = static_cast<size_t>(settings().memory_megabytes) << 20;
    *free_bytes = *total - std::min(*total, runtime().device_bytes);
    return sticky();
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
    Lock lock(runtime().lock);
    if (cudaError_t failed = sticky()) return failed;
    if (cudaError_t refused = refuse_in_capture("cudaMalloc")) return refused;
    size_t total = static_cast<size_t>(settings().memory_megabytes) << 20;
    if (bytes > total - std::min(total, runtime().device_bytes))
        return error(cudaErrorMemoryAllocation, "%zu bytes asked for, %zu of %zu are in use (SN9_HOST_MEMORY)", bytes,
                     runtime().device_bytes, total);
    cudaError_t made = allocate(runtime().device, memory, bytes);
    if (made == cudaSuccess) runtime().device_bytes += bytes;
    return made;
}

cudaError_t cudaFree(void* memory) {
    Lock lock(runtime().lock);
    if (!memory) return cudaSuccess;
    if (cudaError_t refused = refuse_in_capture("cudaFree")) return refused;
    auto found = runtime().device.find(static_cast<char*>(memory));
    if (found == runtime().device.end())
        return error(cudaErrorInvalidValue, "cudaFree of %p, which cudaMalloc did not give or which is free", memory);
    cudaError_t ran = run_until(all_idle);
    runtime().device_bytes -= found->second.bytes;
    release(found->first, found->second);
    runtime().device.erase(found);
    return ran;
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
    Lock lock(runtime().lock);
    if (cudaError_t failed = sticky()) return failed;
    if (cudaError_t refused = refuse_in_capture("cudaMallocHost")) return refused;
    return allocate(runtime().pinned, memory, bytes);
}

cudaError_t cudaFreeHost(void* memory) {
    Lock lock(runtime().lock);
    if (!memory) return cudaSuccess;
    if (cudaError_t refused = refuse_in_capture("cudaFreeHost")) return refused;
    auto found = runtime().pinned.find(static_cast<char*>(memory));
    if (found == runtime().pinned.end())
        return error(cudaErrorInvalidValue, "cudaFreeHost of %p, which is not pinned memory", memory);
    cudaError_t ran = run_until(all_idle);
    release(found->first, found->second);
    runtime().pinned.erase(found);
    return ran;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
    Lock lock(runtime().lock);
    attributes->type = holds(runtime().device, memory, 1)   ? cudaMemoryTypeDevice
                       : holds(runtime().pinned, memory, 1) ? cudaMemoryTypeHost
                                                            : cudaMemoryTypeUnregistered;
    return sticky();
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t handle) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    bool to_device = kind != cudaMemcpyDeviceToHost, from_device = kind != cudaMemcpyHostToDevice;
    Runtime& r = runtime();
    if (!holds(to_device ? r.device : r.pinned, to, bytes))
        return error(cudaErrorInvalidValue, "copy of %zu bytes to %p, which is not inside one block of %s memory",
                     bytes, to, to_device ? "device" : "pinned");
    if (!holds(from_device ? r.device : r.pinned, from, bytes))
        return error(cudaErrorInvalidValue, "copy of %zu bytes from %p, which is not inside one block of %s memory",
                     bytes, from, from_device ? "device" : "pinned");
    return enqueue(*stream, [=] { memmove(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t handle) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    if (!holds(runtime().device, memory, bytes))
        return error(cudaErrorInvalidValue, "%zu bytes set at %p, which are not inside one block of device memory",
                     bytes, memory);
    return enqueue(*stream, [=] { memset(memory, value, bytes); });
}

// ---- streams and events -------------------------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned flags) {
    Lock lock(runtime().lock);
    if (cudaError_t failed = sticky()) return failed;
    if (flags != cudaStreamNonBlocking)
        return error(cudaErrorInvalidValue, "streams must be cudaStreamNonBlocking: others wait for the legacy stream");
    auto made = std::make_unique<HostStream>();
    made->number = ++runtime().streams_made;
    *handle = made.get();
    runtime().streams[*handle] = std::move(made);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
    Lock lock(runtime().lock);
    auto found = runtime().streams.find(handle);
    if (found == runtime().streams.end())
        return error(cudaErrorInvalidResourceHandle, "a stream that does not exist, or not any more");
    cudaError_t ran = run_until([&] { return found->second->queue.empty(); });
    runtime().streams.erase(found);
    return ran;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    if (cudaError_t refused = refuse_in_capture("cudaStreamSynchronize")) return refused;
    return run_until([&] { return stream->queue.empty(); });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    HostEvent* event = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    if (cudaError_t failed = find(event_handle, &event)) return failed;
    if (stream->capture || event->captured)
        return error(cudaErrorStreamCaptureUnsupported, "waits inside a capture are not played on the host");
    push(*stream, {.wait = event->state, .count = event->state->recorded});
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned flags) {
    Lock lock(runtime().lock);
    if (cudaError_t failed = sticky()) return failed;
    auto made = std::make_unique<HostEvent>();
    made->timed = flags != cudaEventDisableTiming;
    *handle = made.get();
    runtime().events[*handle] = std::move(made);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
    Lock lock(runtime().lock);
    if (runtime().events.erase(handle) == 0)
        return error(cudaErrorInvalidResourceHandle, "an event that does not exist, or not any more");
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event_handle, cudaStream_t handle) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    HostEvent* event = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    if (cudaError_t failed = find(event_handle, &event)) return failed;
    event->captured = stream->capture != nullptr;
    if (!event->captured) push(*stream, {.reach = event->state, .count = ++event->state->recorded});
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
    Lock lock(runtime().lock);
    HostEvent* event = nullptr;
    if (cudaError_t failed = find(handle, &event)) return failed;
    if (cudaError_t refused = refuse_in_capture("cudaEventSynchronize")) return refused;
    if (event->captured) return error(cudaErrorCapturedEvent, "%s", error_text(cudaErrorCapturedEvent));
    int64_t count = event->state->recorded;
    return run_until([&] { return event->state->reached >= count; });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from_handle, cudaEvent_t to_handle) {
    Lock lock(runtime().lock);
    HostEvent *from = nullptr, *to = nullptr;
    if (cudaError_t failed = find(from_handle, &from)) return failed;
    if (cudaError_t failed = find(to_handle, &to)) return failed;
    for (const HostEvent* event : {from, to}) {
        if (event->captured) return error(cudaErrorCapturedEvent, "%s", error_text(cudaErrorCapturedEvent));
        if (!event->timed || event->state->recorded == 0)
            return error(cudaErrorInvalidResourceHandle, "an event that was never recorded, or does not keep time");
        if (event->state->reached < event->state->recorded)
            return error(cudaErrorNotReady, "an event that the stream has not reached; wait for it first");
    }
    *milliseconds = static_cast<float>(to->state->milliseconds - from->state->milliseconds);
    return cudaSuccess;
}

// ---- capture ------------------------------------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    if (stream->capture) return error(cudaErrorInvalidValue, "the stream is capturing already");
    stream->capture = std::make_unique<HostGraph>();
    stream->capture_broken = false;
    stream->capturing_thread = std::this_thread::get_id();
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    if (!stream->capture || stream->capturing_thread != std::this_thread::get_id())
        return error(cudaErrorStreamCaptureUnmatched, "the stream is not capturing, or for another thread");
    std::unique_ptr<HostGraph> made = std::move(stream->capture);
    if (stream->capture_broken)
        return error(cudaErrorStreamCaptureInvalidated, "the capture was broken by a call it does not permit");
    *graph = made.get();
    runtime().graphs[*graph] = std::move(made);
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    *status = stream->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
    Lock lock(runtime().lock);
    auto found = runtime().graphs.find(graph);
    if (found == runtime().graphs.end()) return error(cudaErrorInvalidValue, "a graph that does not exist");
    if (cudaError_t refused = refuse_in_capture("cudaGraphInstantiate")) return refused;
    auto made = std::make_unique<HostGraph>(*found->second);
    *executable = made.get();
    runtime().graphs[*executable] = std::move(made);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t handle) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    auto found = runtime().graphs.find(executable);
    if (found == runtime().graphs.end()) return error(cudaErrorInvalidValue, "a graph that does not exist");
    if (stream->capture) return error(cudaErrorStreamCaptureUnsupported, "a graph launched inside a capture");
    for (const std::function<void()>& node : found->second->nodes) push(*stream, {.run = node});
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    Lock lock(runtime().lock);
    if (runtime().graphs.erase(graph) == 0) return error(cudaErrorInvalidValue, "a graph that does not exist");
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
    return cudaGraphDestroy(executable);
}

// ---- launches -----------------------------------------------------------------------------------------------------

namespace sn9::host {

cudaError_t allow_shared(const void* kernel, size_t bytes) {
    Lock lock(runtime().lock);
    if (cudaError_t failed = sticky()) return failed;
    if (bytes > settings().profile->shared_opt_in)
        return error(cudaErrorInvalidValue, "%zu bytes of dynamic shared memory, %s has %zu", bytes,
                     settings().profile->name, settings().profile->shared_opt_in);
    runtime().allowed_shared[kernel] = bytes;
    return cudaSuccess;
}

cudaError_t launch(Launch launch, cudaStream_t handle) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(handle, &stream)) return failed;
    const dim3 &grid = launch.grid, &block = launch.block;
    if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > INT32_MAX || grid.y > kMaxGridYZ || grid.z > kMaxGridYZ)
        return error(cudaErrorInvalidConfiguration, "grid (%u, %u, %u), at most (2^31 - 1, 65535, 65535), at least 1",
                     grid.x, grid.y, grid.z);
    uint64_t threads = static_cast<uint64_t>(block.x) * block.y * block.z;
    if (block.x < 1 || block.y < 1 || block.z < 1 || block.x > kMaxThreads || block.y > kMaxThreads || block.z > 64 ||
        threads > kMaxThreads)
        return error(cudaErrorInvalidConfiguration, "block (%u, %u, %u), at most 1024 threads, 64 along z, at least 1",
                     block.x, block.y, block.z);
    auto found = runtime().allowed_shared.find(launch.kernel);
    size_t allowed = found == runtime().allowed_shared.end() ? 0 : found->second;
    if (launch.dynamic_shared > std::max(kSharedDefault, allowed))
        return error(cudaErrorInvalidValue, "%zu bytes of dynamic shared memory, allowed are %zu (SN9_ALLOW_SHARED)",
                     launch.dynamic_shared, std::max(kSharedDefault, allowed));
    if (cudaError_t refused = note_first_use(*stream, launch.kernel)) return refused;
    return enqueue(*stream, [launch = std::move(launch), allowed] {
        std::string failure = run(launch, allowed);
        if (!failure.empty()) runtime().fault = failure;
    });
}

}  // namespace sn9::host

// ---- for substitutes of libraries that run on streams (native/test) -------------------------------------------------

// Whether the calling thread captures, which is broken by that: for calls that a capture does not permit.
extern "C" int32_t sn9_host_refuse_in_capture(const char* what) {
    Lock lock(runtime().lock);
    return refuse_in_capture(what);
}

// Whether so many bytes lie inside one block of device memory.
extern "C" int32_t sn9_host_holds(const void* memory, uint64_t bytes) {
    Lock lock(runtime().lock);
    return holds(runtime().device, memory, bytes);
}

// Puts something to run into a stream, or into the graph that it captures, under the address that stands for its
// kernel, which as any other must have run before a capture. A CUDA error.
extern "C" int32_t sn9_host_enqueue(void* handle, const void* kernel, const std::function<void()>* run) {
    Lock lock(runtime().lock);
    HostStream* stream = nullptr;
    if (cudaError_t failed = find(static_cast<cudaStream_t>(handle), &stream)) return failed;
    if (cudaError_t refused = note_first_use(*stream, kernel)) return refused;
    return enqueue(*stream, *run);
}

// Changes what is played (settings.h); "reset" forgets streams, memory and faults as cudaDeviceReset does. For tests.
extern "C" int32_t sn9_host_set(const char* name, const char* value) {
    Lock lock(runtime().lock);
    if (std::string_view(name) == "reset") return cudaDeviceReset();
    return sn9::host::set(name, value) ? 0 : 1;
}
