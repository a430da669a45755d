#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SN9_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__x86_64__) && !defined(SN9_UCONTEXT)
#define SN9_OWN_SWITCH
#else
#include <ucontext.h>
#endif

namespace sn9::host {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(SN9_TSAN)
constexpr size_t kStackBytes = 256 * 1024;
#else
constexpr size_t kStackBytes = 64 * 1024;
#endif
constexpr int kSpread = 64;  // cache lines over which the tops of the stacks are spread

void* scheduler_pointer;
#if defined(__SANITIZE_ADDRESS__)
void* scheduler_asan;
const void* scheduler_stack;
size_t scheduler_stack_bytes;
#endif
#if defined(SN9_TSAN)
void* scheduler_tsan;
constexpr unsigned kNoSync = __tsan_switch_to_fiber_no_sync;
#endif

}  // namespace

#if defined(SN9_OWN_SWITCH)
// Saves the registers a callee must keep and the stack pointer in *from, and continues at to. The same as swapcontext,
// which serves other processors (and this one with -DSN9_UCONTEXT), without its system call: that made the whole 16
// times slower.
extern "C" void sn9_host_switch(void** from, void* to);
asm(R"(
.text
.local sn9_host_switch
.type sn9_host_switch, @function
sn9_host_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.size sn9_host_switch, . - sn9_host_switch
)");
#else
extern "C" void sn9_host_switch(void** from, void* to) {
    ucontext_t here;
    *from = &here;
    swapcontext(&here, static_cast<ucontext_t*>(to));
}
#endif

void fiber_create(Fiber& fiber, int spread) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* memory =
        mmap(nullptr, page + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0) {
        fprintf(stderr, "sn9cudahost: no memory for the stack of CUDA thread %d of a block\n", spread);
        abort();
    }
    fiber.stack = static_cast<char*>(memory) + page;
#if defined(SN9_TSAN)
    fiber.tsan = __tsan_create_fiber(0);
#endif
}

void fiber_start(Fiber& fiber, int spread, void (*entry)()) {
    char* top = fiber.stack + kStackBytes - static_cast<size_t>(spread * 5 % kSpread) * kCacheLine;
#if defined(SN9_OWN_SWITCH)
    // As after a call: a return address where rsp % 16 == 8 at entry, then six saved registers.
    void** stack = reinterpret_cast<void**>(top);
    *--stack = nullptr;
    *--stack = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; i++) *--stack = nullptr;
    fiber.stack_pointer = stack;
#else
    ucontext_t* context = reinterpret_cast<ucontext_t*>(fiber.stack);
    getcontext(context);
    context->uc_stack.ss_sp = fiber.stack + sizeof *context;
    context->uc_stack.ss_size = static_cast<size_t>(top - fiber.stack) - sizeof *context;
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    fiber.stack_pointer = context;
#endif
    fiber.asan = nullptr;
}

void fiber_resume(Fiber& fiber) {
#if defined(SN9_TSAN)
    scheduler_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber.tsan, kNoSync);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&scheduler_asan, fiber.stack, kStackBytes);
#endif
    sn9_host_switch(&scheduler_pointer, fiber.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(scheduler_asan, nullptr, nullptr);
#endif
}

void fiber_yield(Fiber& fiber) {
#if defined(SN9_TSAN)
    __tsan_switch_to_fiber(scheduler_tsan, kNoSync);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fiber.asan, scheduler_stack, scheduler_stack_bytes);
#endif
    sn9_host_switch(&fiber.stack_pointer, scheduler_pointer);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fiber.asan, &scheduler_stack, &scheduler_stack_bytes);
#endif
}

void fiber_leave(Fiber& fiber) {
#if defined(SN9_TSAN)
    __tsan_switch_to_fiber(scheduler_tsan, kNoSync);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(nullptr, scheduler_stack, scheduler_stack_bytes);
#endif
    sn9_host_switch(&fiber.stack_pointer, scheduler_pointer);
    abort();
}

void fiber_entered([[maybe_unused]] Fiber& fiber) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
#endif
}

void fiber_abandon([[maybe_unused]] Fiber& fiber) {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(fiber.stack, kStackBytes);
#endif
}

}  // namespace sn9::host
