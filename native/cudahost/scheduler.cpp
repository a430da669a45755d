// scheduler: blocks one after another, and in a block its threads in turn. A thread runs until it waits: at a barrier
// of the block, or in its warp for a shuffle or a matrix instruction, which the scheduler computes once every lane
// named has come. Under the thread sanitizer this file is compiled without it, so that its own accesses are not taken
// for the kernel's; only __syncthreads and __syncwarp order memory there, as the CUDA model has it.
#include "scheduler.h"

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include "fiber.h"
#include "launches.h"
#include "settings.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif
#if defined(SN9_TSAN)
extern "C" {
void __tsan_acquire(void*);
void __tsan_release(void*);
void __tsan_read16(void*);
void __tsan_write16(void*);
}
#endif

namespace sn9::host {

const uint3* thread_index;
uint3 block_index;
dim3 block_size, grid_size;

namespace {

constexpr int kLanes = 32;
constexpr size_t kSharedAlignment = 16;
constexpr int kMaxArrays = 64;       // __shared__ arrays of a kernel
constexpr int kMostBulkCopies = 64;  // at once
constexpr uint64_t kPoison = ~UINT64_C(0);

enum class Operation { none, shuffle, ballot, syncwarp, mma, ldmatrix, meeting };
const char* const kOperationNames[] = {"nothing", "a shuffle", "a ballot", "__syncwarp", "mma", "ldmatrix", "wgmma"};

// A copy by cp.async that was issued and is not there yet.
struct Copy {
    void* shared;
    const void* global;  // null for zeros
    int64_t group;
    bool late;  // lands at the wait only
    bool landed;
};

struct Warp;

struct Thread {
    Fiber fiber;
    uint3 index;
    int lane;
    Warp* warp;
    // What the thread waits for in its warp.
    Operation operation;
    unsigned mask;
    uint64_t value;  // in: the lane's own; out: the result
    int source;
    float* d;
    const uint32_t *a, *b;
    uint32_t* r;
    const void* row;
    int matrices;  // of ldmatrix, twice, plus 1 when transposed
    void (*meeting)(void* const*);
    void* own;
    // What the thread waits for between steps.
    bool (*ready)(const void*);
    const void* state;

    std::vector<Copy> copies;
    int64_t groups;  // committed
    unsigned warp_generation, block_generation;
};

struct Warp {
    Thread* lanes;
    unsigned existing, runnable, waiting, polling, at_barrier, exited;  // lanes as bits
    uint64_t* keys;                                                     // of the thread sanitizer
};

struct SharedArray {
    const void* tag;
    char* memory;
};

// Shared memory of the running block, keys of the thread sanitizer included.
struct Arena {
    char* base = nullptr;
    size_t bytes = 0;
    char* dynamic = nullptr;
    char* top = nullptr;
    size_t counted = 0;  // what a device would give out
    SharedArray arrays[kMaxArrays];
    int array_count = 0;
};

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kRedZone = 64;
#else
constexpr size_t kRedZone = 0;
#endif
constexpr size_t kKeyBytes = 4096;  // two keys for the block and two for each of 32 warps, 16 bytes apart

struct Running {
    const Launch* launch = nullptr;
    size_t allowed = 0;
    std::string failure;
    Random random{0};
    Arena arenas[2];  // one for each set of threads
    Arena* arena = nullptr;
    void *earlier_key = nullptr, *later_key = nullptr;
    Thread* current = nullptr;
    std::vector<std::unique_ptr<Thread[]>> sets;  // two sets of threads: blocks take turns, see run()
    Thread* threads = nullptr;
    int count = 0;
    Warp warps[kLanes];
    int pending_copies = 0;
    BulkCopy bulk_copies[kMostBulkCopies];  // under way
    int bulk_count = 0;
    int64_t most_groups = 0;  // of cp.async, that a thread of the launch committed
    int predicate_or = 0, predicate_result = 0;
    char launch_key, done_key, set_keys[2][2];
    bool turns[2] = {};
};
Running now;

void acquire([[maybe_unused]] void* key) {
#if defined(SN9_TSAN)
    __tsan_acquire(key);
#endif
}
void release([[maybe_unused]] void* key) {
#if defined(SN9_TSAN)
    __tsan_release(key);
#endif
}

size_t aligned(size_t bytes) {
    return (bytes + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment;
}

// Fills with 0xFF unseen by the thread sanitizer, to which the scheduler's memset would be a write that races.
void poison(char* memory, size_t bytes) {
#if defined(SN9_TSAN)
    for (size_t i = 0; i < bytes; i++) static_cast<volatile char*>(memory)[i] = static_cast<char>(0xFF);
#else
    memset(memory, 0xFF, bytes);
#endif
}

// Shared memory for the next block, all 0xFF.
void arena_reset(size_t dynamic) {
    Arena& arena = *now.arena;
    size_t bytes = kKeyBytes + settings().profile->shared_opt_in + 64 * 1024;
    if (arena.bytes < bytes) {
        if (arena.base) munmap(arena.base, arena.bytes);
        void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) abort();
        arena = {};
        arena.base = static_cast<char*>(memory);
        arena.bytes = bytes;
        arena.top = arena.base + bytes;
    }
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(arena.base, arena.bytes);
#endif
    // What the last block had, and what this one is given at once.
    poison(arena.base + kKeyBytes, static_cast<size_t>(arena.top - arena.base) - kKeyBytes);
    // 16-byte aligned and no more: what needs more must say so.
    arena.dynamic = arena.base + kKeyBytes + kSharedAlignment;
    arena.top = arena.dynamic + aligned(dynamic) + kRedZone;
    poison(arena.dynamic, aligned(dynamic));
    arena.counted = aligned(dynamic);
    arena.array_count = 0;
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(arena.dynamic + dynamic,
                                static_cast<size_t>(arena.base + arena.bytes - arena.dynamic) - dynamic);
#endif
}

void describe_thread(char* text, size_t bytes) {
    const Thread* t = now.current;
    if (t)
        snprintf(text, bytes, "%s, block (%u, %u, %u), thread (%u, %u, %u): ", now.launch->name, block_index.x,
                 block_index.y, block_index.z, t->index.x, t->index.y, t->index.z);
    else
        snprintf(text, bytes, "%s, block (%u, %u, %u): ", now.launch->name, block_index.x, block_index.y,
                 block_index.z);
}

[[gnu::format(printf, 1, 0)]] void record(const char* format, va_list arguments) {
    if (!now.failure.empty()) return;
    char where[256], what[512];
    describe_thread(where, sizeof where);
    vsnprintf(what, sizeof what, format, arguments);
    now.failure = std::string(where) + what;
}
[[gnu::format(printf, 1, 2)]] void fail_block(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    record(format, arguments);
    va_end(arguments);
}

// ---- cp.async -----------------------------------------------------------------------------------------------------

void land(Copy& copy) {
    if (copy.landed) return;
    copy.landed = true;
    now.pending_copies--;
    if (copy.global)
        __builtin_memcpy(copy.shared, copy.global, 16);
    else
        __builtin_memset(copy.shared, 0, 16);
}

// Lands the copies of groups before the given one.
void land_groups(Thread& t, int64_t before) {
    size_t kept = 0;
    for (size_t i = 0; i < t.copies.size(); i++) {
        if (t.copies[i].group < before) {
#if defined(SN9_TSAN)
            if (t.copies[i].global) __tsan_read16(const_cast<void*>(t.copies[i].global));
            __tsan_write16(t.copies[i].shared);
#endif
            land(t.copies[i]);
        } else {
            t.copies[kept++] = t.copies[i];
        }
    }
    t.copies.resize(kept);
}

// Lands some of the copies that may land at any time.
void land_some(Thread& t) {
    for (Copy& copy : t.copies)
        if (!copy.late && now.random.below(4) == 0) land(copy);
}

// ---- matrix instructions ------------------------------------------------------------------------------------------

float bf16_to_float(uint32_t bits) {
    return std::bit_cast<float>(bits << 16);
}

// accumulator + sum of products as a tensor core does it that truncates: every addend is cut off at a place given by
// the largest, then summed exactly, then cut to 24 bits.
float truncated_sum(float accumulator, const double* products, int count, int extra_bits) {
    double addends[17];
    addends[0] = accumulator;
    for (int i = 0; i < count; i++) addends[i + 1] = products[i];
    int largest = -126;
    for (int i = 0; i <= count; i++) {
        int exponent = static_cast<int>((std::bit_cast<uint64_t>(addends[i]) >> 52) & 2047) - 1023;
        if (exponent == 1024) {  // infinite or not a number: any order gives that
            float sum = accumulator;
            for (int k = 0; k < count; k++) sum += static_cast<float>(products[k]);
            return sum;
        }
        largest = std::max(largest, exponent);
    }
    int place = largest - 23 - extra_bits;
    double scale = std::bit_cast<double>(static_cast<uint64_t>(1023 - place) << 52);
    int64_t sum = 0;
    for (int i = 0; i <= count; i++) sum += static_cast<int64_t>(addends[i] * scale);
    bool negative = sum < 0;
    uint64_t magnitude = static_cast<uint64_t>(negative ? -sum : sum);
    while (magnitude >> 24) {
        magnitude >>= 1;
        place++;
    }
    float result = static_cast<float>(std::ldexp(static_cast<double>(magnitude), place));
    return negative ? -result : result;
}

// c + products, summed in the groups of the profile.
float truncated_products(float c, const double* products) {
    const Profile& profile = *settings().profile;
    for (int k = 0; k < 16; k += profile.mma_step)
        c = truncated_sum(c, products + k, profile.mma_step, profile.mma_extra_bits);
    return c;
}

void compute_mma(Warp& warp) {
    float a[16][16], b[16][8], c[16][8];
    for (int l = 0; l < kLanes; l++) {
        const Thread& t = warp.lanes[l];
        int g = l >> 2, q = l & 3;
        for (int i = 0; i < 4; i++) {
            int row = g + (i & 1) * 8, column = q * 2 + (i >> 1) * 8;
            a[row][column] = bf16_to_float(t.a[i] & 0xFFFF);
            a[row][column + 1] = bf16_to_float(t.a[i] >> 16);
        }
        for (int i = 0; i < 2; i++) {
            b[q * 2 + i * 8][g] = bf16_to_float(t.b[i] & 0xFFFF);
            b[q * 2 + i * 8 + 1][g] = bf16_to_float(t.b[i] >> 16);
        }
        for (int i = 0; i < 4; i++) c[g + (i >> 1) * 8][q * 2 + (i & 1)] = t.d[i];
    }
    if (settings().round_to_zero) {
        for (int i = 0; i < 16; i++)
            for (int j = 0; j < 8; j++) {
                double products[16];
                for (int k = 0; k < 16; k++) products[k] = static_cast<double>(a[i][k]) * static_cast<double>(b[k][j]);
                c[i][j] = truncated_products(c[i][j], products);
            }
    } else {
        for (int i = 0; i < 16; i++) {
            float sums[8];
            for (int j = 0; j < 8; j++) sums[j] = c[i][j];
            for (int k = 0; k < 16; k++)
                for (int j = 0; j < 8; j++) sums[j] += a[i][k] * b[k][j];
            for (int j = 0; j < 8; j++) c[i][j] = sums[j];
        }
    }
    for (int l = 0; l < kLanes; l++) {
        int g = l >> 2, q = l & 3;
        for (int i = 0; i < 4; i++) warp.lanes[l].d[i] = c[g + (i >> 1) * 8][q * 2 + (i & 1)];
    }
}

void compute_ldmatrix(Warp& warp) {
    int matrices = warp.lanes[0].matrices / 2;
    for (int m = 0; m < matrices; m++) {
        uint16_t rows[8][8];
        for (int row = 0; row < 8; row++) __builtin_memcpy(rows[row], warp.lanes[m * 8 + row].row, 16);
        for (int l = 0; l < kLanes; l++) {
            const Thread& t = warp.lanes[l];
            bool transpose = t.matrices & 1;
            int g = l >> 2, q = l & 3;
            uint32_t low = transpose ? rows[2 * q][g] : rows[g][2 * q];
            uint32_t high = transpose ? rows[2 * q + 1][g] : rows[g][2 * q + 1];
            t.r[m] = low | high << 16;
        }
    }
}

// ---- warps and blocks ---------------------------------------------------------------------------------------------

// Completes the operation of the lanes in mask, all of which wait for it.
void complete(Warp& warp, unsigned mask) {
    Operation operation = warp.lanes[std::countr_zero(mask)].operation;
    if (operation == Operation::shuffle) {
        uint64_t values[kLanes];
        for (int l = 0; l < kLanes; l++) values[l] = (mask >> l) & 1 ? warp.lanes[l].value : kPoison;
        for (unsigned rest = mask; rest; rest &= rest - 1) {
            Thread& t = warp.lanes[std::countr_zero(rest)];
            t.value = values[t.source & (kLanes - 1)];
        }
    } else if (operation == Operation::ballot) {
        unsigned votes = 0;
        for (unsigned rest = mask; rest; rest &= rest - 1) {
            int l = std::countr_zero(rest);
            if (warp.lanes[l].value) votes |= 1u << l;
        }
        for (unsigned rest = mask; rest; rest &= rest - 1) warp.lanes[std::countr_zero(rest)].value = votes;
    } else if (operation == Operation::mma) {
        compute_mma(warp);
    } else if (operation == Operation::ldmatrix) {
        compute_ldmatrix(warp);
    } else if (operation == Operation::meeting) {
        void* own[kLanes];
        for (int l = 0; l < kLanes; l++) own[l] = warp.lanes[l].own;
        warp.lanes[0].meeting(own);
    }
    warp.waiting &= ~mask;
    warp.runnable |= mask;
}

// Lets every group of waiting lanes go on that is complete.
void complete_groups(Warp& warp) {
    for (unsigned seen = warp.waiting; seen;) {
        int first = std::countr_zero(seen);
        const Thread& leader = warp.lanes[first];
        unsigned mask = leader.mask & warp.existing;
        if (mask & warp.exited) {
            now.current = &warp.lanes[first];
            fail_block("%s names lanes that have exited: mask %08x, exited %08x",
                       kOperationNames[static_cast<int>(leader.operation)], leader.mask, warp.exited);
            return;
        }
        if ((mask & warp.waiting) != mask) {
            seen &= seen - 1;
            continue;
        }
        for (unsigned rest = mask; rest; rest &= rest - 1) {
            const Thread& other = warp.lanes[std::countr_zero(rest)];
            if (other.operation != leader.operation || other.mask != leader.mask ||
                (leader.operation == Operation::ldmatrix && other.matrices != leader.matrices) ||
                (leader.operation == Operation::meeting && other.meeting != leader.meeting)) {
                now.current = &warp.lanes[first];
                fail_block("lanes of one warp meet in different operations: %s with mask %08x, %s with mask %08x",
                           kOperationNames[static_cast<int>(leader.operation)], leader.mask,
                           kOperationNames[static_cast<int>(other.operation)], other.mask);
                return;
            }
        }
        complete(warp, mask);
        seen &= ~mask;
    }
}

unsigned lane_bit(const Thread& t) {
    return 1u << t.lane;
}

// Gives the processor back until the scheduler lets the thread go on.
void sleep_in_warp(Thread& t, Operation operation, unsigned mask) {
    if (!(mask & lane_bit(t)))
        fault("%s whose mask %08x does not name the calling lane %d", kOperationNames[static_cast<int>(operation)],
              mask, t.lane);
    t.operation = operation;
    t.mask = mask;
    t.warp->runnable &= ~lane_bit(t);
    t.warp->waiting |= lane_bit(t);
    fiber_yield(t.fiber);
}

// For instructions of a whole warp.
void sleep_in_full_warp(Thread& t, Operation operation) {
    if (t.warp->existing != ~0u)
        fault("%s in a warp of %d lanes: all 32 must exist", kOperationNames[static_cast<int>(operation)],
              std::popcount(t.warp->existing));
    sleep_in_warp(t, operation, ~0u);
}

void sleep_at_barrier() {
    Thread& t = *now.current;
    // Two keys in turn: with one, a late thread would acquire what was released for the next barrier.
    void* key = now.arena->base + (t.block_generation++ & 1) * 16;
    release(key);
    t.warp->runnable &= ~lane_bit(t);
    t.warp->at_barrier |= lane_bit(t);
    fiber_yield(t.fiber);
    acquire(key);
}

void thread_main() {
    Thread& t = *now.current;
    fiber_entered(t.fiber);
    acquire(&now.launch_key);
    acquire(now.earlier_key);
    now.launch->thread();
    land_groups(t, INT64_MAX);
    now.most_groups = std::max(now.most_groups, t.groups);
    release(now.later_key);
    release(&now.done_key);
    t.warp->runnable &= ~lane_bit(t);
    t.warp->exited |= lane_bit(t);
    fiber_leave(t.fiber);
}

void prepare_block(int threads) {
    now.count = threads;
    now.pending_copies = 0;
    now.bulk_count = 0;
    start_block_of_sm90();
    now.predicate_or = now.predicate_result = 0;
    arena_reset(now.launch->dynamic_shared);
    for (int w = 0; w * kLanes < threads; w++) {
        int lanes = std::min(kLanes, threads - w * kLanes);
        unsigned existing = lanes == kLanes ? ~0u : (1u << lanes) - 1;
        now.warps[w] = {now.threads + w * kLanes,
                        existing,
                        existing,
                        0,
                        0,
                        0,
                        0,
                        reinterpret_cast<uint64_t*>(now.arena->base + 64 + w * 32)};
    }
    for (int i = 0; i < threads; i++) {
        Thread& t = now.threads[i];
        unsigned u = static_cast<unsigned>(i);
        t.index = {u % block_size.x, u / block_size.x % block_size.y, u / block_size.x / block_size.y};
        t.lane = i % kLanes;
        t.warp = &now.warps[i / kLanes];
        t.operation = Operation::none;
        t.matrices = 0;
        t.copies.clear();
        t.groups = 0;
        t.warp_generation = t.block_generation = 0;
        fiber_start(t.fiber, i, thread_main);
    }
    release(&now.launch_key);
}

void deadlock(int warps) {
    int at_barrier = 0, in_warp = 0, polling = 0, exited = 0;
    const Thread* example = nullptr;
    for (int w = 0; w < warps; w++) {
        at_barrier += std::popcount(now.warps[w].at_barrier);
        in_warp += std::popcount(now.warps[w].waiting);
        exited += std::popcount(now.warps[w].exited);
        polling += std::popcount(now.warps[w].polling);
        if (now.warps[w].waiting && !example) example = &now.warps[w].lanes[std::countr_zero(now.warps[w].waiting)];
    }
    now.current = nullptr;
    fail_block(
        "deadlock: of %d threads %d wait at __syncthreads, %d in their warp (%s with mask %08x), %d for an mbarrier's "
        "phase that does not end, %d have exited; a barrier or a shuffle stands in divergent code, or a phase waits "
        "for "
        "other arrivals or bytes than come",
        now.count, at_barrier, in_warp, example ? kOperationNames[static_cast<int>(example->operation)] : "none",
        example ? example->mask : 0, polling, exited);
}

// Lets threads go on whose condition holds by now. Whether there was one.
bool wake_polling(Warp& warp) {
    bool woken = false;
    for (unsigned rest = warp.polling; rest; rest &= rest - 1) {
        unsigned bit = rest & -rest;
        Thread& t = warp.lanes[std::countr_zero(bit)];
        if (!t.ready(t.state)) continue;
        warp.polling &= ~bit;
        warp.runnable |= bit;
        woken = true;
    }
    return woken;
}

void land_one_bulk_copy() {
    BulkCopy& landing = now.bulk_copies[now.random.below(static_cast<uint64_t>(now.bulk_count))];
    land(landing);
    landing = now.bulk_copies[--now.bulk_count];
}

// Runs the runnable lanes of a warp once each.
void run_lanes(Warp& warp, unsigned order) {
    for (unsigned i = 0; i < kLanes; i++) {
        unsigned l = i ^ order;
        if (!((warp.runnable >> l) & 1)) continue;
        Thread& t = warp.lanes[l];
        now.current = &t;
        thread_index = &t.index;
        fiber_resume(t.fiber);
        if (!now.failure.empty()) return;
    }
}

void run_block() {
    bool seeded = settings().seed != 0;
    int warps = (now.count + kLanes - 1) / kLanes;
    int order[kLanes];
    std::iota(order, order + warps, 0);
    for (;;) {
        bool moved = false;
        int exited = 0, at_barrier = 0;
        if (seeded)
            for (int w = warps - 1; w > 0; w--)
                std::swap(order[w], order[now.random.below(static_cast<uint64_t>(w) + 1)]);
        for (int i = 0; i < warps; i++) {
            Warp& warp = now.warps[order[i]];
            int64_t rounds = seeded && now.random.below(2) ? 1 + static_cast<int64_t>(now.random.below(4)) : INT64_MAX;
            for (; warp.runnable && rounds > 0; rounds--) {
                moved = true;
                run_lanes(warp, seeded ? static_cast<unsigned>(now.random.below(kLanes)) : 0);
                if (now.failure.empty()) complete_groups(warp);
                if (!now.failure.empty()) return;
            }
            if (now.pending_copies > 0)
                land_some(warp.lanes[now.random.below(static_cast<uint64_t>(std::popcount(warp.existing)))]);
            if (now.bulk_count > 0 && settings().landing == Landing::seeded && now.random.below(4) == 0)
                land_one_bulk_copy();
            if (warp.polling && wake_polling(warp)) moved = true;
            exited += std::popcount(warp.exited);
            at_barrier += std::popcount(warp.at_barrier);
        }
        if (exited == now.count) {
            if (now.bulk_count > 0) fail_block("the block ends while a bulk copy is under way: wait for it");
            return;
        }
        if (at_barrier == now.count) {
            now.predicate_result = now.predicate_or;
            now.predicate_or = 0;
            for (int w = 0; w < warps; w++) {
                now.warps[w].runnable = now.warps[w].at_barrier;
                now.warps[w].at_barrier = 0;
            }
        } else if (!moved && now.bulk_count > 0) {
            land_one_bulk_copy();
        } else if (!moved) {
            deadlock(warps);
            return;
        }
    }
}

// The blocks to run, in order: all, or the sample. Numbers are x + grid.x * (y + grid.y * z).
std::vector<uint64_t> sampled_blocks(uint64_t blocks, uint64_t count) {
    std::vector<uint64_t> chosen{0, blocks - 1};
    for (uint64_t i = 0; i < count; i++) chosen.push_back(now.random.below(blocks));
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    return chosen;
}

void run_one(uint64_t block, bool odd) {
    now.threads = now.sets[odd].get();
    now.arena = &now.arenas[odd];
    // Two keys in turn, so that a thread that starts late acquires nothing of its own block.
    now.earlier_key = &now.set_keys[odd][now.turns[odd]];
    now.turns[odd] = !now.turns[odd];
    now.later_key = &now.set_keys[odd][now.turns[odd]];
    block_index = {static_cast<unsigned>(block % grid_size.x), static_cast<unsigned>(block / grid_size.x % grid_size.y),
                   static_cast<unsigned>(block / grid_size.x / grid_size.y)};
    prepare_block(static_cast<int>(block_size.x * block_size.y * block_size.z));
    run_block();
    if (!now.failure.empty())
        for (int i = 0; i < now.count; i++) fiber_abandon(now.threads[i].fiber);
}

}  // namespace

std::string run(const Launch& launch, size_t allowed) {
    static uint64_t launches = 0;
    now.launch = &launch;
    now.allowed = allowed;
    now.failure.clear();
    now.current = nullptr;
    now.most_groups = 0;
    now.random = {settings().seed * 0x2545F4914F6CDD1Du + ++launches};
    block_size = launch.block;
    grid_size = launch.grid;
    int threads = static_cast<int>(block_size.x * block_size.y * block_size.z);
    // Blocks take two sets of threads and shared memory in turn. The blocks of one set are ordered, since they use the
    // same memory; what one block does is not ordered before what the next one does, of the other set, and so the
    // thread sanitizer sees races between blocks.
    while (now.sets.size() < 2) now.sets.push_back(std::make_unique<Thread[]>(kMaxThreads));
    for (auto& set : now.sets)
        for (int i = 0; i < threads; i++)
            if (!set[i].fiber.stack) fiber_create(set[i].fiber, i);

    uint64_t blocks = static_cast<uint64_t>(grid_size.x) * grid_size.y * grid_size.z;
    uint64_t ran = blocks;
    const Settings& play = settings();
    if (play.sampled_blocks > 0 && blocks > static_cast<uint64_t>(play.sampled_blocks) + 2) {
        bool odd = false;
        ran = 0;
        for (uint64_t block : sampled_blocks(blocks, static_cast<uint64_t>(play.sampled_blocks))) {
            ran++;
            run_one(block, odd = !odd);
            if (!now.failure.empty()) break;
        }
    } else {
        // A seeded order of all: i * stride + start, with a stride that has no factor in common with the number.
        uint64_t stride = 1, start = 0;
        if (play.seed != 0 && blocks > 1) {
            do stride = 1 + now.random.below(blocks - 1);
            while (std::gcd(stride, blocks) != 1);
            start = now.random.below(blocks);
        }
        for (uint64_t i = 0; i < blocks && now.failure.empty(); i++)
            run_one(static_cast<uint64_t>((static_cast<unsigned __int128>(i) * stride + start) % blocks), i & 1);
    }
    acquire(&now.done_key);
    if (now.failure.empty()) count_launch(launch, ran, now.most_groups);
    now.current = nullptr;
    now.launch = nullptr;
    return now.failure;
}

void fault(const char* format, ...) {
    Thread* t = now.current;
    if (!t) {
        fprintf(stderr, "sn9cudahost: device code called outside of a kernel\n");
        abort();
    }
    va_list arguments;
    va_start(arguments, format);
    record(format, arguments);
    va_end(arguments);
    release(now.later_key);
    release(&now.done_key);
    fiber_leave(t->fiber);
}

void* shared_array(const void* tag, const char* name, size_t bytes) {
    Arena& arena = *now.arena;
    for (int i = 0; i < arena.array_count; i++)
        if (arena.arrays[i].tag == tag) return arena.arrays[i].memory;
    if (arena.array_count == kMaxArrays) fault("shared array %s: there are %d already", name, kMaxArrays);
    size_t limit = now.allowed == 0 ? kSharedDefault : settings().profile->shared_opt_in;
    if (arena.counted + aligned(bytes) > limit)
        fault("shared array %s of %zu bytes: with it the block has %zu, the limit is %zu", name, bytes,
              arena.counted + aligned(bytes), limit);
    char* memory = arena.top;
    arena.top += aligned(bytes) + kRedZone;
    arena.counted += aligned(bytes);
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(memory, bytes);
#endif
    arena.arrays[arena.array_count++] = {tag, memory};
    return memory;
}

void* dynamic_shared(size_t most) {
    if (now.launch->dynamic_shared > most)
        fault("launched with %zu bytes of dynamic shared memory, the kernel states %zu (SN9_DYNAMIC_SHARED)",
              now.launch->dynamic_shared, most);
    return now.arena->dynamic;
}

uint64_t shuffle(unsigned mask, uint64_t value, int source) {
    Thread& t = *now.current;
    t.value = value;
    t.source = source;
    sleep_in_warp(t, Operation::shuffle, mask);
    return t.value;
}

unsigned ballot(unsigned mask, bool predicate) {
    Thread& t = *now.current;
    t.value = predicate;
    sleep_in_warp(t, Operation::ballot, mask);
    return static_cast<unsigned>(t.value);
}

void mma_bf16_m16n8k16(float* d, const uint32_t* a, const uint32_t* b) {
    Thread& t = *now.current;
    t.d = d;
    t.a = a;
    t.b = b;
    sleep_in_full_warp(t, Operation::mma);
}

void ldmatrix(uint32_t* r, const void* shared, int matrices, bool transpose) {
    Thread& t = *now.current;
    if (t.lane < 8 * matrices) {
        check_aligned(shared, 16, "ldmatrix row");
        if (!is_shared(shared, 16)) fault("ldmatrix row at %p, which is not shared memory of this block", shared);
#if defined(SN9_TSAN)
        __tsan_read16(const_cast<void*>(shared));
#endif
    }
    t.r = r;
    t.row = shared;
    t.matrices = matrices * 2 + transpose;
    sleep_in_full_warp(t, Operation::ldmatrix);
}

void cp_async_16(void* shared, const void* global, bool valid) {
    Thread& t = *now.current;
    check_aligned(shared, 16, "cp.async to shared memory");
    if (!is_shared(shared, 16)) fault("cp.async to %p, which is not shared memory of this block", shared);
    if (valid) check_aligned(global, 16, "cp.async from global memory");
#if defined(SN9_TSAN)
    if (valid) __tsan_read16(const_cast<void*>(global));
    __tsan_write16(shared);
#endif
    if (valid) {
        // Reads now in any case, so that a sanitizer or a fault names this thread.
        uint64_t seen[2];
        __builtin_memcpy(seen, global, 16);
        asm volatile("" ::"r"(seen) : "memory");
    }
    Landing landing = settings().landing;
    uint64_t choice = now.random.below(3);
    t.copies.push_back({shared, valid ? global : nullptr, t.groups, landing == Landing::wait || choice == 1, false});
    now.pending_copies++;
    if (landing == Landing::issue || (landing == Landing::seeded && choice == 0)) land(t.copies.back());
}

void cp_async_commit() {
    now.current->groups++;
}

void cp_async_wait(int pending) {
    Thread& t = *now.current;
    land_groups(t, t.groups - pending);
}

int thread_number() {
    return static_cast<int>(now.current - now.threads);
}

void meet_in_warp(const char* what, void (*function)(void* const* lanes), void* own) {
    Thread& t = *now.current;
    if (now.count % 128) fault("%s in a block of %d threads: a warpgroup has 128", what, now.count);
    t.meeting = function;
    t.own = own;
    sleep_in_full_warp(t, Operation::meeting);
}

void wait_until(bool (*ready)(const void* state), const void* state) {
    if (ready(state)) return;
    Thread& t = *now.current;
    t.ready = ready;
    t.state = state;
    t.warp->runnable &= ~lane_bit(t);
    t.warp->polling |= lane_bit(t);
    fiber_yield(t.fiber);
}

void land_later(const BulkCopy& copy) {
    if (now.bulk_count == kMostBulkCopies) fault("more than %d bulk copies under way at once", kMostBulkCopies);
    if (settings().landing == Landing::issue)
        land(copy);
    else
        now.bulk_copies[now.bulk_count++] = copy;
}

std::span<char> shared_window() {
    return {now.arena->base, now.arena->bytes};
}

bool is_shared(const void* memory, size_t bytes) {
    const char* first = static_cast<const char*>(memory);
    return first >= now.arena->dynamic && first + bytes <= now.arena->top;
}

// Unseen by the sanitizers: red zones lie in between, and another thread's write may be under way.
[[gnu::no_sanitize("address")]] void copy_shared(unsigned char* to) {
    for (const char* from = now.arena->dynamic; from < now.arena->top; from++)
        to[from - now.arena->base] = static_cast<unsigned char>(*const_cast<volatile const char*>(from));
}

float tensor_core_sum(float c, const float* a, const float* b) {
    if (settings().round_to_zero) {
        double products[16];
        for (int k = 0; k < 16; k++) products[k] = static_cast<double>(a[k]) * static_cast<double>(b[k]);
        return truncated_products(c, products);
    }
    for (int k = 0; k < 16; k++) c += a[k] * b[k];
    return c;
}

float perturb(float result, float argument) {
    uint64_t seed = settings().seed;
    if (seed == 0 || !(std::fabs(result) < INFINITY) || result == 0) return result;
    Random random{seed ^ (static_cast<uint64_t>(std::bit_cast<uint32_t>(argument)) << 20)};
    int ulps = static_cast<int>(random.below(5)) - 2;
    for (; ulps > 0; ulps--) result = std::nextafterf(result, INFINITY);
    for (; ulps < 0; ulps++) result = std::nextafterf(result, -INFINITY);
    return result;
}

}  // namespace sn9::host

void __syncthreads() {
    sn9::host::sleep_at_barrier();
}

int __syncthreads_or(int predicate) {
    sn9::host::now.predicate_or |= predicate != 0;
    sn9::host::sleep_at_barrier();
    return sn9::host::now.predicate_result;
}

void __syncwarp(unsigned mask) {
    using namespace sn9::host;
    Thread& t = *now.current;
    void* key = t.warp->keys + (t.warp_generation++ & 1) * 2;
    release(key);
    sleep_in_warp(t, Operation::syncwarp, mask);
    acquire(key);
}
