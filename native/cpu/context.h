// context: what the CPU library keeps for one engine thread.
#pragma once

#include <cstdint>

#include "onednn.h"
#include "sn9_ops.h"

namespace sn9 {

enum class Isa { portable, avx2, avx512 };

// The widest instruction set that this processor and the environment variable SN9_ISA (portable, avx2, avx512) allow.
Isa choose_isa();
const char* isa_name(Isa isa);

constexpr int64_t kAlignment = 64;

// Rounds up to a multiple of a power of two.
constexpr int64_t round_up(int64_t value, int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}
constexpr int64_t ceil_div(int64_t value, int64_t divisor) {
    return (value + divisor - 1) / divisor;
}

}  // namespace sn9

struct sn9_context {
    sn9::Isa isa;
    int threads;
    const sn9::OneDnn* onednn;  // null when it is not used
    char* workspace;            // one block: shared part first, then one equal part per thread
    int64_t workspace_bytes;
};
