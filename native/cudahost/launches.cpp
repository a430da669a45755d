#include "launches.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace sn9::host {
namespace {

struct Count {
    std::string name;
    uint64_t launches = 0, most_blocks = 0;
    int64_t most_groups = 0;
};

class Counts {
  public:
    explicit Counts(const char* file) : file_(file) {}

    ~Counts() {
        FILE* to = fopen(file_.c_str(), "a");
        if (!to) {
            fprintf(stderr, "sn9cudahost: SN9_HOST_LAUNCHES=%s cannot be written\n", file_.c_str());
            abort();
        }
        for (const auto& [kernel, count] : by_kernel_) {
            Dl_info found{};
            dladdr(kernel, &found);
            fprintf(to, "%016zx %llu %llu %lld %s\n",
                    static_cast<size_t>(static_cast<const char*>(kernel) - static_cast<const char*>(found.dli_fbase)),
                    static_cast<unsigned long long>(count.launches), static_cast<unsigned long long>(count.most_blocks),
                    static_cast<long long>(count.most_groups), count.name.c_str());
        }
        fclose(to);
    }

    void add(const Launch& launch, uint64_t blocks, int64_t groups) {
        Count& count = by_kernel_[launch.kernel];
        count.name = launch.name;
        count.launches++;
        count.most_blocks = std::max(count.most_blocks, blocks);
        count.most_groups = std::max(count.most_groups, groups);
    }

  private:
    std::string file_;
    std::map<const void*, Count> by_kernel_;
};

}  // namespace

void count_launch(const Launch& launch, uint64_t blocks, int64_t groups) {
    static const char* const file = getenv("SN9_HOST_LAUNCHES");
    if (!file || !*file) return;
    static Counts counts(file);
    counts.add(launch, blocks, groups);
}

}  // namespace sn9::host
