/* sn9_device.h: devices, memory and the context every operation takes. Plain C; three libraries implement it
 * (sn9cpu, sn9cuda, sn9cudahost) and Java binds it once.
 *
 * Every function returns a status, SN9_OK or the reason, and never exits, prints or throws; sn9_last_error() has the
 * sentence for the calling thread. A context belongs to the thread that opened it. */
#ifndef SN9_DEVICE_H
#define SN9_DEVICE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SN9_ABI_VERSION 4

enum {
    SN9_OK = 0,
    SN9_BAD_ARGUMENT = 1,  /* a size, type or pointer the operation does not take */
    SN9_OUT_OF_MEMORY = 2, /* host or device memory */
    SN9_UNSUPPORTED = 3,   /* this library or device cannot do it */
    SN9_DEVICE_FAILED = 4  /* the device or its driver failed */
};

/* A device with its stream, threads and workspace. */
typedef struct sn9_context sn9_context;

/* SN9_ABI_VERSION of the library; Java refuses any other than its own. */
int32_t sn9_abi_version(void);

/* What went wrong in this thread's last call that did not return SN9_OK. Valid until the next call. */
const char* sn9_last_error(void);

/* What activations and the operands of products are; sums, statistics, losses and parameters are f32 in both.
 * FP32 is one of two arithmetics, chosen by the device's kind, never by a clock: FP32_SIMT multiplies f32 everywhere;
 * FP32_SPLIT takes the products of evaluation as three of bf16 (high high', high low', low high') on tensor cores, off
 * by at most 2^-15 of a product, and trains as FP32_SIMT. The last two are for tests and for comparing; the CPU library
 * has FP32 only. */
enum { SN9_PRECISION_FP32 = 0, SN9_PRECISION_BF16 = 1, SN9_PRECISION_FP32_SIMT = 2, SN9_PRECISION_FP32_SPLIT = 3 };

/* How many devices the library can open, 0 with the reason in sn9_last_error() when there is none. */
int32_t sn9_device_count(int32_t* count);

/* Opens a device. threads: worker threads of the CPU library, 0 for one per processor; ignored elsewhere. */
int32_t sn9_context_open(int32_t device, int32_t threads, int32_t precision, sn9_context** context);

/* Frees the context and its workspace. Memory of sn9_alloc must have been freed before. */
int32_t sn9_context_close(sn9_context* context);

/* Writes lines of key=value about the device: name, isa, threads, memory_bytes, host_memory (1 where device memory can
 * be read by the host), graphs (1 where capture works), and what else the library has to say: on CUDA fp32, what FP32
 * is here, simt or bf16x3; gemm, what multiplies in training passes of bf16 as far as is known, own or cuBLASLt and its
 * version; gemm_reason, why own; gemm_workspace_bytes, what cuBLASLt takes where it multiplies, on the devices where it
 * may. */
int32_t sn9_context_describe(sn9_context* context, char* text, int64_t bytes);

/* Makes the workspace at least this large; to be called before a step, never inside one. */
int32_t sn9_context_reserve(sn9_context* context, int64_t bytes);

/* Says whether what follows belongs to a training pass (1) or not (0, as at first). In a training pass the products of
 * bf16 may be a library's, where a fixed table of devices has it and it is found: the same bits for the same inputs and
 * sizes, but a row's may depend on N. Elsewhere, and always on the CPU, the library's own kernels multiply. The first
 * pass may allocate, and is refused inside a capture. */
int32_t sn9_training_pass(sn9_context* context, int32_t training);

/* Device memory, 64-byte aligned, contents undefined. */
int32_t sn9_alloc(sn9_context* context, int64_t bytes, void** memory);
int32_t sn9_free(sn9_context* context, void* memory);

/* Copies between the host and the device, and inside the device; complete on return on the CPU, in stream order
 * elsewhere. */
int32_t sn9_upload(sn9_context* context, void* device, const void* host, int64_t bytes);
int32_t sn9_download(sn9_context* context, void* host, const void* device, int64_t bytes);
int32_t sn9_copy(sn9_context* context, void* to, const void* from, int64_t bytes);

/* Host memory that copies reach without a detour (pinned on a GPU). */
int32_t sn9_pinned_alloc(sn9_context* context, int64_t bytes, void** memory);
int32_t sn9_pinned_free(sn9_context* context, void* memory);

/* Copies and operations go to the selected stream, the computing one at first. Each stream keeps its order; nothing
 * orders one after the other but an event. The loading stream takes copies, casts and weight_prepare only: whatever
 * needs the workspace belongs to the computing one. One and the same on the CPU. */
enum { SN9_STREAM_COMPUTE = 0, SN9_STREAM_LOAD = 1 };
int32_t sn9_stream_select(sn9_context* context, int32_t stream);

/* The device's own handle of the computing stream (a cudaStream_t), for other libraries that work on this context's
 * memory in its order. It lies in the device's primary context. SN9_UNSUPPORTED on the CPU. */
int32_t sn9_stream_native(sn9_context* context, void** stream);

/* Events: a point in the order of the stream that was selected at the record. wait: the selected stream goes on after
 * that point; synchronize: the host does. An event that was never recorded is past. */
typedef struct sn9_event sn9_event;
int32_t sn9_event_create(sn9_context* context, sn9_event** event);
int32_t sn9_event_free(sn9_context* context, sn9_event* event);
int32_t sn9_event_record(sn9_context* context, sn9_event* event);
int32_t sn9_event_wait(sn9_context* context, sn9_event* event);
int32_t sn9_event_synchronize(sn9_context* context, sn9_event* event);
int32_t sn9_event_elapsed(sn9_context* context, sn9_event* from, sn9_event* to, float* milliseconds);

/* Captures the operations between begin and end instead of running them, to be launched any number of times. Inside,
 * nothing may allocate, synchronise or copy from or to host memory that is not pinned. A graph knows the addresses it
 * was captured with: one that was captured before the workspace moved is refused (SN9_BAD_ARGUMENT). SN9_UNSUPPORTED on
 * the CPU. */
typedef struct sn9_graph sn9_graph;
int32_t sn9_capture_begin(sn9_context* context);
int32_t sn9_capture_end(sn9_context* context, sn9_graph** graph);
int32_t sn9_graph_launch(sn9_context* context, sn9_graph* graph);
int32_t sn9_graph_free(sn9_context* context, sn9_graph* graph);

/* Names what follows in a profiler's timeline, until the matching pop. Nothing without a profiler. */
int32_t sn9_range_push(sn9_context* context, const char* name);
int32_t sn9_range_pop(sn9_context* context);

/* Waits for everything asked of this context, in both streams. */
int32_t sn9_synchronize(sn9_context* context);

/* Tells the system that the whole pages inside a read-only file mapping are not needed in memory for now. Only for
 * file mappings: other memory would lose its contents. */
int32_t sn9_release_mapped(const void* memory, int64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
