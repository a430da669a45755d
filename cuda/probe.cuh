// probe: what the files of sn9_probe share.
#pragma once

#include "launch.cuh"

namespace sn9 {

// One probe: bytes of a case, and what puts the launches for so many cases into the stream.
struct Probe {
    const char* name;
    int64_t in_bytes, out_bytes;
    int32_t (*run)(sn9_context* context, void* out, const void* in, int64_t cases);
};

// The probe of that name of probe_sm90.cu, or null.
const Probe* find_sm90_probe(const char* name);

// SN9_OK where the device executes instructions of sm_90a and the library has that code for it.
int32_t expect_sm90a(sn9_context* context, const char* name);

}  // namespace sn9
