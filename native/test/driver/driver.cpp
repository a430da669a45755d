// driver: a substitute libcuda.so.1 with the calls of the driver API that JCudaInterop and its test make. Device memory
// is the host build's (libsn9cudahost), which lies in this process; copies happen at once. What was asked of it in
// which context and stream is kept for sn9_driver_calls().
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

constexpr int kSuccess = 0, kInvalidValue = 1, kNotInitialized = 3, kInvalidContext = 201;
bool initialized;
int retained;
char primary_context;
thread_local void* current;
std::string calls;

int note(int status, const char* call, const void* handle = nullptr) {
    char line[128];
    snprintf(line, sizeof line, "%s %d %llu\n", call, status,
             static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(handle)));
    calls += line;
    return status;
}

int copy(const char* call, uint64_t to, const void* from, size_t bytes, void* stream) {
    if (current != &primary_context || retained == 0) return note(kInvalidContext, call, stream);
    if (!to || !from) return note(kInvalidValue, call, stream);
    memcpy(reinterpret_cast<void*>(to), from, bytes);
    return note(kSuccess, call, stream);
}

}  // namespace

extern "C" {

const char* sn9_driver_calls() {
    return calls.c_str();
}

int cuInit(unsigned flags) {
    initialized = flags == 0;
    return note(initialized ? kSuccess : kInvalidValue, "cuInit");
}
int cuDriverGetVersion(int* version) {
    *version = 13000;
    return kSuccess;
}
int cuDeviceGetCount(int* count) {
    *count = 1;
    return initialized ? kSuccess : kNotInitialized;
}
int cuDeviceGet(int* device, int ordinal) {
    if (!initialized) return note(kNotInitialized, "cuDeviceGet");
    *device = ordinal;
    return note(ordinal == 0 ? kSuccess : kInvalidValue, "cuDeviceGet");
}
int cuDevicePrimaryCtxRetain(void** context, int) {
    *context = &primary_context;
    retained++;
    return note(kSuccess, "cuDevicePrimaryCtxRetain");
}
int cuDevicePrimaryCtxRelease_v2(int) {
    return note(retained-- > 0 ? kSuccess : kInvalidContext, "cuDevicePrimaryCtxRelease");
}
int cuDevicePrimaryCtxRelease(int device) {
    return cuDevicePrimaryCtxRelease_v2(device);
}
int cuCtxSetCurrent(void* context) {
    if (context && context != &primary_context) return note(kInvalidContext, "cuCtxSetCurrent");
    current = context;
    return note(kSuccess, "cuCtxSetCurrent");
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
    return copy("cuMemcpyDtoDAsync", to, reinterpret_cast<const void*>(from), bytes, stream);
}
int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes) {
    return copy("cuMemcpyHtoD", to, from, bytes, nullptr);
}
int cuStreamSynchronize(void* stream) {
    return note(current ? kSuccess : kInvalidContext, "cuStreamSynchronize", stream);
}
}
