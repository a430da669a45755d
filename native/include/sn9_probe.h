/* sn9_probe.h: one instruction of the CUDA library at a time, for the check of a GPU (native/test/probe_test.cpp).
 * Plain C; sn9cuda and sn9cudahost implement it, sn9cpu does not. Java has no use for it. */
#ifndef SN9_PROBE_H
#define SN9_PROBE_H

#include <stdint.h>

#include "sn9_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the instruction on every case of in. in and out are host memory; both hold the same number of cases, one or
 * more, of the bytes that cuda/probe.cu and cuda/probe_sm90.cu state for the name. Allocates and waits, so it has no
 * place inside a capture. SN9_UNSUPPORTED where the device, or the library's code for it, lacks the instruction. */
int32_t sn9_probe(sn9_context* context, const char* name, const void* in, int64_t in_bytes, void* out,
                  int64_t out_bytes);

#ifdef __cplusplus
}
#endif
#endif
