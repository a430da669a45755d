// fiber: a stack of its own and a switch to it and back, told to the sanitizers.
#pragma once

#include <cstddef>

namespace sn9::host {

constexpr size_t kCacheLine = 64;

struct Fiber {
    void* stack_pointer = nullptr;
    char* stack = nullptr;  // kStackBytes, below it a page that may not be touched
    void* asan = nullptr;   // the sanitizer's own stack while the fiber sleeps
    void* tsan = nullptr;   // what the thread sanitizer takes for a thread
};

// Gives the fiber a stack, once; spread moves its top by cache lines, since equal tops would share cache sets.
void fiber_create(Fiber& fiber, int spread);

// Makes the fiber start at entry at its next resume. entry must not return: it leaves with fiber_leave.
void fiber_start(Fiber& fiber, int spread, void (*entry)());

// Runs the fiber until it yields or leaves.
void fiber_resume(Fiber& fiber);

// Called by the running fiber: back to the one that resumed it.
void fiber_yield(Fiber& fiber);
[[noreturn]] void fiber_leave(Fiber& fiber);

// First call in entry.
void fiber_entered(Fiber& fiber);

// Forgets what a fiber left on its stack when it will not be resumed.
void fiber_abandon(Fiber& fiber);

}  // namespace sn9::host
