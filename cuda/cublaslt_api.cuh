// cublaslt_api: the part of cuBLASLt's C API that cublaslt.cu calls, in our own declarations, because the library is
// opened at run time and its header need not be there when ours is built. Values and structures: cuBLAS 13.0
// documentation, sections 2.2, 2.3, 3.3 and 3.4; the same in 12.0 and later.
#pragma once

#include <cstddef>
#include <cstdint>

#include "context.cuh"

namespace sn9::lt {

typedef int32_t Status;  // cublasStatus_t: 0 for success
constexpr Status kSuccess = 0, kNotSupported = 15;

enum DataType : int32_t { kF32 = 0, kBf16 = 14 };  // CUDA_R_32F, CUDA_R_16BF
constexpr int32_t kComputeF32 = 68;                // CUBLAS_COMPUTE_32F
enum Operation : int32_t { kPlain = 0, kTransposed = 1 };

enum DescAttribute : int32_t {  // CUBLASLT_MATMUL_DESC_
    kTransA = 3,                // int32_t
    kTransB = 4,                // int32_t
    kEpilogue = 7,              // uint32_t
    kBiasPointer = 8,           // const void*, of D's type
    kAuxPointer = 11,           // void*, of D's type
    kAuxLd = 12                 // int64_t; a multiple of 8, at least D's rows
};
enum Epilogue : uint32_t {  // CUBLASLT_EPILOGUE_
    kNone = 1,
    kBias = 4,    // + bias[row of D]
    kDGelu = 192  // * gelu'(aux), of the tanh form
};
enum PreferenceAttribute : int32_t {  // CUBLASLT_MATMUL_PREF_
    kMaxWorkspace = 1,                // uint64_t
    kReductionMask = 3,               // uint32_t
    kMinAlignmentA = 5,               // uint32_t, and for B, C and D behind it
    kMinAlignmentD = 8
};
// Sums of parts of k are kept in f32 in the workspace and added in a separate step: the one scheme, beside none, that
// neither rounds a part nor depends on which part is done first.
constexpr uint32_t kReduceInComputeType = 2;

typedef struct HandleStruct* Handle;
typedef struct DescStruct* Desc;
typedef struct LayoutStruct* MatrixLayout;
typedef struct PreferenceStruct* Preference;

struct Algorithm {
    uint64_t data[8];
};
struct HeuristicResult {
    Algorithm algorithm;
    size_t workspace_bytes;
    Status state;
    float waves;
    int32_t reserved[4];
};

// clang-format off
#define SN9_LT_FUNCTIONS(X) \
    X(size_t, GetVersion, (void)) \
    X(Status, Create, (Handle*)) \
    X(Status, Destroy, (Handle)) \
    X(Status, MatmulDescCreate, (Desc*, int32_t compute_type, int32_t scale_type)) \
    X(Status, MatmulDescDestroy, (Desc)) \
    X(Status, MatmulDescSetAttribute, (Desc, int32_t attribute, const void* value, size_t bytes)) \
    X(Status, MatrixLayoutCreate, (MatrixLayout*, int32_t type, uint64_t rows, uint64_t columns, int64_t ld)) \
    X(Status, MatrixLayoutDestroy, (MatrixLayout)) \
    X(Status, MatmulPreferenceCreate, (Preference*)) \
    X(Status, MatmulPreferenceDestroy, (Preference)) \
    X(Status, MatmulPreferenceSetAttribute, (Preference, int32_t attribute, const void* value, size_t bytes)) \
    X(Status, MatmulAlgoGetHeuristic, (Handle, Desc, MatrixLayout a, MatrixLayout b, MatrixLayout c, MatrixLayout d, \
                                       Preference, int asked, HeuristicResult*, int* found)) \
    X(Status, Matmul, (Handle, Desc, const void* alpha, const void* a, MatrixLayout, const void* b, MatrixLayout, \
                       const void* beta, const void* c, MatrixLayout, void* d, MatrixLayout, const Algorithm*, \
                       void* workspace, size_t workspace_bytes, cudaStream_t))
// clang-format on

// The functions of an opened library, without cublasLt in their names.
struct Api {
#define SN9_LT_MEMBER(result, name, parameters) result(*name) parameters;
    SN9_LT_FUNCTIONS(SN9_LT_MEMBER)
#undef SN9_LT_MEMBER
};

}  // namespace sn9::lt
