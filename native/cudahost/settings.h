// settings: what the host build plays. From the environment, or from sn9_host_set while no work is under way:
//   SN9_HOST_PROFILE   sm_80 (default), sm_86, sm_89, sm_90, sm_100, sm_120: limits of the device
//   SN9_HOST_SEED      0 (default): blocks, warps and streams in their natural order; else: orders drawn from it
//   SN9_HOST_STREAMS   seeded (default), eldest, youngest: which of the streams that can run stays ahead of the others
//   SN9_HOST_ROUNDING  rn (default): sums of mma to nearest; rz: truncated as tensor cores are reported to do
//   SN9_HOST_CP_ASYNC  seeded (default), issue, wait: when a background copy lands
//   SN9_HOST_BLOCKS    0 (default): all blocks of a launch; n: the first, the last and n drawn by the seed
//   SN9_HOST_MEMORY    4096 (default): megabytes of device memory
//   SN9_HOST_DRIVER    0 (default), or the error of a driver that cannot be used: 35, 100, 802, 803, 999 from
//                      cudaGetDeviceCount, 46 (exclusive mode) from cudaSetDevice
// From the environment only, SN9_HOST_LAUNCHES: a file for what ran of each kernel (launches.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sn9::host {

// Limits of a device. Source: CUDA C++ programming guide, table of technical specifications per compute
// capability.
struct Profile {
    const char* name;
    int major, minor;
    size_t shared_opt_in;  // bytes of shared memory a block may have, opted in
    int multiprocessors;   // of a typical card
    int mma_step;          // products that a tensor core sums at once
    int mma_extra_bits;    // bits below the last place that it keeps while summing
};

constexpr size_t kSharedDefault = 48 * 1024;  // without opting in
constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kMaxGridYZ = 65535;

enum class Landing { seeded, issue, wait };
enum class Ahead { seeded, eldest, youngest };

struct Settings {
    const Profile* profile;
    uint64_t seed;
    Ahead ahead;
    bool round_to_zero;
    Landing landing;
    int64_t sampled_blocks;
    int64_t memory_megabytes;
    int driver_error;
};

// The settings in force.
const Settings& settings();

// Sets one by the name after SN9_HOST_, in lower case; an empty value means what the environment says, or the
// default. False where the name or the value is unknown.
bool set(const char* name, const char* value);

// The profiles, and their number.
extern const Profile kProfiles[];
extern const size_t kProfileCount;

// A small generator of even enough numbers (splitmix64).
struct Random {
    uint64_t state;
    uint64_t next() {
        uint64_t z = (state += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    // 0 to n - 1.
    uint64_t below(uint64_t n) { return next() % n; }
};

}  // namespace sn9::host
