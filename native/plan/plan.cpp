// plan: the CUDA runtime that sn9plan runs on: three cards with no memory behind their addresses. Allocations are
// numbers, copies and waits do nothing, so that the program which trains or evaluates on a card can be asked what it
// would allocate there. The plan has no end: whoever asks compares it with the card.
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "cuda_runtime_on_host.h"

namespace {

// What the choices of the library depend on. sn9.engine.Card names them in this order, with their memory.
struct Card {
    const char* name;
    int major, minor, multiprocessors;
    size_t shared_opt_in;
};
constexpr Card kCards[] = {
    {"h100", 9, 0, 132, 227 * 1024},
    {"a100", 8, 0, 108, 163 * 1024},
    {"4090", 8, 9, 128, 99 * 1024},
};

constexpr size_t kAlignment = 256;
size_t next_address = size_t{1} << 40;  // where no program has memory
char handle;                            // stands for every stream, event and graph

template <typename T>
cudaError_t give(T* to) {
    *to = reinterpret_cast<T>(&handle);
    return cudaSuccess;
}

}  // namespace

cudaError_t cudaDriverGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
    return cudaDriverGetVersion(version);
}
cudaError_t cudaGetDeviceCount(int* count) {
    *count = static_cast<int>(std::size(kCards));
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
    const Card& card = kCards[device];
    *properties = {};
    strncpy(properties->name, card.name, sizeof properties->name - 1);
    properties->major = card.major;
    properties->minor = card.minor;
    properties->multiProcessorCount = card.multiprocessors;
    properties->sharedMemPerBlockOptin = card.shared_opt_in;
    return cudaSuccess;
}
cudaError_t cudaGetLastError() {
    return cudaSuccess;
}
const char* cudaGetErrorName(cudaError_t) {
    return "no error";
}
const char* cudaGetErrorString(cudaError_t) {
    return "a plan does not fail";
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total) {
    *free_bytes = *total = 0;
    return cudaSuccess;
}
cudaError_t cudaMalloc(void** memory, size_t bytes) {
    *memory = reinterpret_cast<void*>(next_address);
    next_address += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return cudaSuccess;
}
cudaError_t cudaFree(void*) {
    return cudaSuccess;
}
cudaError_t cudaMallocHost(void** memory, size_t bytes) {
    *memory = calloc(bytes, 1);
    return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFreeHost(void* memory) {
    free(memory);
    return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
    attributes->type = cudaMemoryTypeHost;  // no detour: nothing is copied
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void*, const void*, size_t, cudaMemcpyKind, cudaStream_t) {
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void*, int, size_t, cudaStream_t) {
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    return give(stream);
}
cudaError_t cudaStreamDestroy(cudaStream_t) {
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
    return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) {
    return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    return give(event);
}
cudaError_t cudaEventDestroy(cudaEvent_t) {
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) {
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
    *milliseconds = 0;
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
    return give(graph);
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
    *status = cudaStreamCaptureStatusNone;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t, unsigned long long) {
    return give(executable);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) {
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t) {
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) {
    return cudaSuccess;
}
