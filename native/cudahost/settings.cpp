#include "settings.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>

namespace sn9::host {

// Extra bits and steps of the tensor cores: Fasi and others, PeerJ Computer Science 7:e330; arXiv 2512.07004.
const Profile kProfiles[] = {
    {"sm_80", 8, 0, 163 * 1024, 108, 8, 1},    {"sm_86", 8, 6, 99 * 1024, 84, 8, 1},
    {"sm_89", 8, 9, 99 * 1024, 128, 8, 1},     {"sm_90", 9, 0, 227 * 1024, 132, 16, 2},
    {"sm_100", 10, 0, 227 * 1024, 148, 16, 2}, {"sm_120", 12, 0, 99 * 1024, 170, 16, 2},
};
const size_t kProfileCount = sizeof kProfiles / sizeof kProfiles[0];

namespace {

bool number(const char* text, int64_t most, int64_t* value) {
    char* end = nullptr;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || v < 0 || v > most) return false;
    *value = v;
    return true;
}

bool apply(Settings& to, const char* name, const char* value) {
    int64_t n = 0;
    if (!strcmp(name, "profile")) {
        for (size_t i = 0; i < kProfileCount; i++) {
            if (!strcmp(value, kProfiles[i].name)) {
                to.profile = &kProfiles[i];
                return true;
            }
        }
        return false;
    }
    if (!strcmp(name, "seed")) {
        if (!number(value, INT64_MAX, &n)) return false;
        to.seed = static_cast<uint64_t>(n);
        return true;
    }
    if (!strcmp(name, "streams")) {
        to.ahead = !strcmp(value, "eldest")     ? Ahead::eldest
                   : !strcmp(value, "youngest") ? Ahead::youngest
                                                : Ahead::seeded;
        return to.ahead != Ahead::seeded || !strcmp(value, "seeded");
    }
    if (!strcmp(name, "rounding")) {
        to.round_to_zero = !strcmp(value, "rz");
        return to.round_to_zero || !strcmp(value, "rn");
    }
    if (!strcmp(name, "cp_async")) {
        to.landing = !strcmp(value, "issue")  ? Landing::issue
                     : !strcmp(value, "wait") ? Landing::wait
                                              : Landing::seeded;
        return to.landing != Landing::seeded || !strcmp(value, "seeded");
    }
    if (!strcmp(name, "blocks")) return number(value, 1 << 20, &to.sampled_blocks);
    if (!strcmp(name, "memory")) return number(value, 1 << 24, &to.memory_megabytes);
    if (!strcmp(name, "driver")) {
        if (!number(value, 999, &n)) return false;
        to.driver_error = static_cast<int>(n);
        return true;
    }
    return false;
}

const char* const kNames[] = {"profile", "seed", "streams", "rounding", "cp_async", "blocks", "memory", "driver"};
const char* const kDefaults[] = {"sm_80", "0", "seeded", "rn", "seeded", "0", "4096", "0"};

// What the environment says, or the default.
const char* given(size_t setting) {
    std::string variable = "SN9_HOST_";
    for (const char* c = kNames[setting]; *c; c++) variable += static_cast<char>(toupper(*c));
    const char* value = getenv(variable.c_str());
    return value ? value : kDefaults[setting];
}

Settings from_environment() {
    Settings made{};
    for (size_t i = 0; i < std::size(kNames); i++) {
        if (!apply(made, kNames[i], given(i))) {
            // A run that silently tested something else than was asked would be worth less than none.
            fprintf(stderr, "sn9cudahost: the environment asks for %s=%s, which is unknown\n", kNames[i], given(i));
            abort();
        }
    }
    return made;
}

Settings& current() {
    static Settings made = from_environment();
    return made;
}

}  // namespace

const Settings& settings() {
    return current();
}

bool set(const char* name, const char* value) {
    for (size_t i = 0; i < std::size(kNames); i++)
        if (!strcmp(name, kNames[i])) return apply(current(), name, *value ? value : given(i));
    return false;
}

}  // namespace sn9::host
