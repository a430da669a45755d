// scheduler: runs the blocks of one launch. Not for two host threads at once: runtime.cpp holds the lock.
#pragma once

#include <span>
#include <string>

#include "tensor_map.h"

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

// Lands the copy when the settings have background copies land; the block may not end before.
void land_later(const BulkCopy& copy);

// Shared memory of the running block, from the address that counts as 0; the whole is a multiple of a page.
std::span<char> shared_window();
bool is_shared(const void* memory, size_t bytes);
// Copies what the block has of it; to: as large as the window.
void copy_shared(unsigned char* to);

// c + the products of 16 elements, as the settings have tensor cores round.
float tensor_core_sum(float c, const float* a, const float* b);

// Of sm90.cpp: forgets the last block, and what a copy does when it lands.
void start_block_of_sm90();
void land(const BulkCopy& copy);

}  // namespace sn9::host
