#include "onednn.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace sn9 {
namespace {

// The head of dnnl_version_t: int major, minor, patch.
struct VersionHead {
    int major, minor, patch;
};

OneDnn* load() {
    std::string beside = "libdnnl.so.3";
    Dl_info here;
    if (dladdr(reinterpret_cast<void*>(&open_onednn), &here) && here.dli_fname) {
        const char* slash = strrchr(here.dli_fname, '/');
        if (slash) beside = std::string(here.dli_fname, slash + 1) + beside;
    }
    void* library = dlopen(beside.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libdnnl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) return nullptr;
    static OneDnn api;
    api.sgemm = reinterpret_cast<decltype(api.sgemm)>(dlsym(library, "dnnl_sgemm"));
    auto version = reinterpret_cast<const VersionHead* (*)()>(dlsym(library, "dnnl_version"));
    if (!api.sgemm || !version) return nullptr;
    snprintf(api.version, sizeof api.version, "%d.%d.%d", version()->major, version()->minor, version()->patch);
    return &api;
}

}  // namespace

const OneDnn* open_onednn() {
    static OneDnn* api = load();
    return api;
}

}  // namespace sn9
