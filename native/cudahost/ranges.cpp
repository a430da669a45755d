#include "ranges.h"

#include <string>
#include <vector>

namespace sn9::host {
namespace {

constexpr size_t kMost = size_t{1} << 20;  // characters that are kept

thread_local std::vector<std::string> open;
thread_local std::string kept, told;

void keep(char mark, const std::string& name) {
    if (kept.size() > kMost) kept.clear();
    if (!kept.empty()) kept += ' ';
    kept += mark + name;
}

}  // namespace

void push_range(const char* name) {
    open.emplace_back(name);
    keep('+', open.back());
}

void pop_range() {
    keep('-', open.empty() ? "?" : open.back());
    if (!open.empty()) open.pop_back();
}

}  // namespace sn9::host

extern "C" const char* sn9_host_ranges() {
    sn9::host::told.swap(sn9::host::kept);
    sn9::host::kept.clear();
    return sn9::host::told.c_str();
}
