// mapped: what the libraries say to the system about file mappings.
#include <sys/mman.h>
#include <unistd.h>

#include "sn9_device.h"

int32_t sn9_release_mapped(const void* memory, int64_t bytes) {
    uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    uintptr_t first = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
    uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + static_cast<uintptr_t>(bytes)) / page * page;
    if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    return SN9_OK;
}
