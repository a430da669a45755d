// sm90: twins of sm_90a's asynchronous instructions, from the text of the PTX ISA alone. They show what a reading of
// that text can: a missing fence or wait, a wrong stride, swizzle or phase. Whether the reading is right, a device
// says.
//
// The asynchronous proxy has a view of shared memory of its own, all 0xFF at first: fence_proxy_async brings into it
// what threads have written, bulk copies write to both. Sums of wgmma are NaN until the wait.
#include <cstring>

#include "scheduler.h"
#include "settings.h"
#include "tensor_map.h"

namespace sn9::host {
namespace {

constexpr int kSums = 32;  // of a lane
constexpr int64_t kOpen = INT64_MAX;

// Products of one accumulator that are under way.
struct Sums {
    float* d;
    float values[kSums];
    int64_t group;  // kOpen until the commit
};

constexpr int kMostSums = 4;  // under way in a thread at once
struct State {
    bool fenced;
    int64_t groups;
    int count;
    Sums under_way[kMostSums];
};

struct Products {
    Sums* sums;
    uint64_t a, b;
    int warp;
};

// Nothing here is allocated by CUDA threads, and copies are plain loops: what the thread sanitizer sees of either it
// would take for the kernel's.
State states[kMaxThreads];
bool states_used;
constexpr size_t kMostView = 512 * 1024;
unsigned char view[kMostView];  // of the asynchronous proxy
bool view_open;                 // false: it is all 0xFF

State& own_state() {
    states_used = true;
    return states[thread_number()];
}

void copy(volatile float* to, const volatile float* from) {
    for (int i = 0; i < kSums; i++) to[i] = from[i];
}

void expect_sm90(const char* what) {
    if (settings().profile->major != 9)
        fault("%s on %s: only sm_90a has it; other code ends in __trap", what, settings().profile->name);
}

void open_view() {
    if (view_open) return;
    view_open = true;
    for (volatile unsigned char& byte : view) byte = 0xFF;
}

// An element of an operand: PTX ISA, wgmma's "Register Fragments and Shared Memory Matrix Layouts" (descriptor, k
// contiguous).
float operand(uint64_t descriptor, int row, int k) {
    auto field = [&](int bit, int bits) { return static_cast<uint32_t>(descriptor >> bit & ((1u << bits) - 1)); };
    uint32_t start = field(0, 14) << 4, leading = field(16, 14) << 4, stride = field(32, 14) << 4, mode = field(62, 2);
    uint32_t i = static_cast<uint32_t>(row), chunk = static_cast<uint32_t>(k) / 8;
    uint32_t address = start + i / 8 * stride;
    if (mode == 0) {
        address += i % 8 * 16 + chunk * leading;
    } else {
        uint32_t width = 256u >> mode;  // 128, 64, 32 bytes
        address += i % 8 * width + chunk * 16;
        address ^= address >> 3 & (width - 16);
    }
    address += static_cast<uint32_t>(k) % 8 * 2;
    uint16_t bits = 0xFFFF;
    if (view_open && address + 2 <= kMostView) memcpy(&bits, view + address, 2);
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// The 16 rows of a warp.
void multiply(void* const* lanes) {
    const Products& first = *static_cast<const Products*>(lanes[0]);
    float b[64][16];
    for (int n = 0; n < 64; n++)
        for (int k = 0; k < 16; k++) b[n][k] = operand(first.b, n, k);
    for (int row = 0; row < 16; row++) {
        float a[16];
        for (int k = 0; k < 16; k++) a[k] = operand(first.a, first.warp * 16 + row, k);
        for (int n = 0; n < 64; n++) {
            Sums& sums = *static_cast<Products*>(lanes[row % 8 * 4 + n % 8 / 2])->sums;
            float& value = sums.values[n / 8 * 4 + row / 8 * 2 + n % 2];
            value = tensor_core_sum(value, a, b[n]);
        }
    }
}

// A barrier's word: arrivals that complete a phase, those still missing, the phase's parity, bytes still missing.
struct Barrier {
    uint64_t arrivals : 15, missing : 15, phase : 1, made : 1;
    int64_t bytes : 32;
};
static_assert(sizeof(Barrier) == 8, "a barrier has 8 bytes");

Barrier read(const uint64_t* word) {
    if (!is_shared(word, 8)) fault("mbarrier at %p, which is not shared memory of this block", word);
    check_aligned(word, 8, "mbarrier");
    return std::bit_cast<Barrier>(*word);
}

Barrier read_made(const uint64_t* word) {
    Barrier barrier = read(word);
    if (!barrier.made || *word == ~uint64_t{0}) fault("mbarrier at %p that was never initialised", word);
    return barrier;
}

void write(uint64_t* word, Barrier barrier) {
    if (barrier.missing == 0 && barrier.bytes == 0) {
        barrier.phase ^= 1;
        barrier.missing = barrier.arrivals;
    }
    *word = std::bit_cast<uint64_t>(barrier);
}

struct Wanted {
    const uint64_t* barrier;
    uint32_t parity;
};

}  // namespace

void start_block_of_sm90() {
    if (states_used)
        for (State& state : states) state.fenced = false, state.groups = state.count = 0;
    states_used = false;
    view_open = false;
}

void land(const BulkCopy& copy) {
    const TensorMap& map = copy.map;
    open_view();
    uint32_t base = shared_address(copy.shared), bytes = 0;
    for (int row = 0; row < map.box_rows; row++)
        for (int column = 0; column < map.box_columns; column++, bytes += 2) {
            int64_t from_row = int64_t{copy.y} + row, from_column = int64_t{copy.x} + column;
            uint16_t element = 0;
            if (from_row >= 0 && from_row < map.rows && from_column >= 0 && from_column < map.columns)
                memcpy(&element, map.memory + from_row * map.stride + from_column * 2, 2);
            uint32_t to = base + bytes;
            // 16-byte chunks move by the address bits that count the rows of the pattern.
            if (map.swizzle != CU_TENSOR_MAP_SWIZZLE_NONE) to ^= to >> 3 & ((16u << map.swizzle) - 16);
            memcpy(shared_window().data() + to, &element, 2);
            memcpy(view + to, &element, 2);
        }
    Barrier counted = std::bit_cast<Barrier>(*copy.barrier);
    counted.bytes -= static_cast<int32_t>(bytes);
    write(copy.barrier, counted);
}

uint32_t shared_address(const void* shared) {
    return static_cast<uint32_t>(static_cast<const char*>(shared) - shared_window().data());
}

void fence_proxy_async() {
    expect_sm90("fence.proxy.async");
    if (shared_window().size() > kMostView) fault("a window of %zu bytes", shared_window().size());
    open_view();
    copy_shared(view);
}

void wgmma_fence() {
    expect_sm90("wgmma.fence");
    own_state().fenced = true;
}

void wgmma_bf16_m64n64k16(float* d, uint64_t a, uint64_t b) {
    expect_sm90("wgmma");
    State& state = own_state();
    if (!state.fenced) fault("wgmma whose registers no wgmma.fence precedes");
    Sums* sums = nullptr;
    for (int i = 0; i < state.count; i++)
        if (state.under_way[i].d == d) sums = &state.under_way[i];
    if (!sums) {
        if (state.count == kMostSums) fault("more than %d sums of wgmma under way in a thread", kMostSums);
        sums = &state.under_way[state.count++];
        sums->d = d;
        copy(sums->values, d);
    }
    sums->group = kOpen;
    for (int i = 0; i < kSums; i++) d[i] = std::bit_cast<float>(~0u);
    Products products{sums, a, b, thread_number() / 32 % 4};
    meet_in_warp("wgmma", multiply, &products);
}

void wgmma_commit() {
    State& state = own_state();
    for (int i = 0; i < state.count; i++)
        if (state.under_way[i].group == kOpen) state.under_way[i].group = state.groups;
    state.groups++;
}

void wgmma_wait(int pending) {
    State& state = own_state();
    int kept = 0;
    for (int i = 0; i < state.count; i++) {
        Sums& sums = state.under_way[i];
        if (sums.group < state.groups - pending) {
            copy(sums.d, sums.values);
            continue;
        }
        Sums& place = state.under_way[kept++];
        if (&place == &sums) continue;
        place.d = sums.d, place.group = sums.group;
        copy(place.values, sums.values);
    }
    state.count = kept;
    state.fenced = false;
}

void mbarrier_init(uint64_t* barrier, uint32_t arrivals) {
    expect_sm90("mbarrier.init");
    read(barrier);
    Barrier made{};
    made.arrivals = made.missing = arrivals & 0x7FFF;
    made.made = 1;
    *barrier = std::bit_cast<uint64_t>(made);
}

void mbarrier_arrive_expect(uint64_t* barrier, uint32_t bytes) {
    Barrier at = read_made(barrier);
    if (at.missing == 0) fault("an arrival too many at the mbarrier at %p", barrier);
    at.missing--;
    at.bytes += static_cast<int32_t>(bytes);
    write(barrier, at);
}

void mbarrier_wait(uint64_t* barrier, uint32_t parity) {
    read_made(barrier);
    Wanted wanted{barrier, parity};
    wait_until(
        [](const void* what) {
            const Wanted& w = *static_cast<const Wanted*>(what);
            return std::bit_cast<Barrier>(*w.barrier).phase != w.parity;
        },
        &wanted);
}

void copy_box_2d(void* shared, const CUtensorMap* map, int x, int y, uint64_t* barrier) {
    expect_sm90("cp.async.bulk.tensor");
    TensorMap known;
    memcpy(&known, map, sizeof known);
    check_aligned(map, 64, "tensor map");
    if (known.mark != kTensorMapMark) fault("cp.async.bulk.tensor with a map that nobody encoded");
    if (shared_address(shared) % 128)
        fault("cp.async.bulk.tensor to shared memory at %u, which is not a multiple of 128", shared_address(shared));
    if (!is_shared(shared, static_cast<size_t>(known.box_columns) * static_cast<size_t>(known.box_rows) * 2))
        fault("cp.async.bulk.tensor to %p, which is not shared memory of this block", shared);
    read_made(barrier);
    land_later({known, static_cast<char*>(shared), barrier, x, y});
}

}  // namespace sn9::host
