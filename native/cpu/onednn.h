// onednn: the few functions of oneDNN that are used, opened at run time so that nothing depends on it.
#pragma once

#include <cstdint>

namespace sn9 {

struct OneDnn {
    // Row-major C (M, N) = alpha * op(A) * op(B) + beta * C.
    int (*sgemm)(char transa, char transb, int64_t M, int64_t N, int64_t K, float alpha, const float* A, int64_t lda,
                 const float* B, int64_t ldb, float beta, float* C, int64_t ldc);
    char version[32];
};

// oneDNN from the folder of this library, else by the system's search; null when it cannot be had.
const OneDnn* open_onednn();

}  // namespace sn9
