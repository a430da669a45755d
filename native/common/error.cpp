#include "error.h"

#include <cstdarg>
#include <cstdio>

#include "sn9_device.h"

namespace {
thread_local char message[512] = "";
}

int32_t sn9::fail(int32_t status, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return status;
}

const char* sn9_last_error(void) {
    return message;
}

int32_t sn9_abi_version(void) {
    return SN9_ABI_VERSION;
}
