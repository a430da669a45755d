// scheduler: runs the blocks of one launch. Not for two host threads at once: runtime.cpp holds the lock.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "cuda_runtime_on_host.h"

namespace sn9::host {

// Runs the launch to its end. allowed: dynamic shared memory the kernel was allowed by its attribute. Returns what
// went wrong, or nothing.
std::string run(const Launch& launch, size_t allowed);

// ---- for twins in other files, called by the running CUDA thread --------------------------------------------------

// The thread's number in its block.
int thread_number();

// Sleeps until every lane of the warp has come with the same function, which is given what each came with.
void meet_in_warp(const char* what, void (*function)(void* const* lanes), void* own);

// Sleeps until ready(state) holds, which is asked between the steps of threads.
void wait_until(bool (*ready)(const void* state), const void* state);

// Runs the action when the settings have background copies land; the block may not end before.
void land_later(std::function<void()> action);

// Shared memory of the running block, from the address that counts as 0; the whole is a multiple of a page.
std::span<char> shared_window();
bool is_shared(const void* memory, size_t bytes);
// Copies what the block has of it; to: as large as the window.
void copy_shared(unsigned char* to);

// c + the products of 16 elements, as the settings have tensor cores round.
float tensor_core_sum(float c, const float* a, const float* b);

// Of sm90.cpp: forgets the last block.
void start_block_of_sm90();

}  // namespace sn9::host
