#include "broker/net/cpu_limit.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include "base/control_groups.hpp"

namespace dunlin::net {
namespace {

namespace fs = std::filesystem;

// A missing file is one without limit, and so is "max" or -1.
std::optional<double> limit_of(const fs::path& group) {
  double quota = 0, period = 0;
  if (std::ifstream both(group / "cpu.max"); both) {
    if (!(both >> quota >> period)) return {};
  } else {
    std::ifstream quota_us(group / "cpu.cfs_quota_us"), period_us(group / "cpu.cfs_period_us");
    if (!(quota_us >> quota) || !(period_us >> period)) return {};
  }
  if (quota <= 0 || period <= 0) return {};
  return quota / period;
}

}  // namespace

std::optional<double> cpu_limit(const std::vector<fs::path>& groups) {
  std::optional<double> least;
  for (const fs::path& group : groups) {
    const auto limit = limit_of(group);
    if (limit && (!least || *limit < *least)) least = limit;
  }
  return least;
}

uint32_t usable_cores() {
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());  // of the affinity
  const auto limit = cpu_limit(control_groups("cpu"));
  if (!limit || *limit >= cores) return cores;
  return std::max(1u, static_cast<uint32_t>(std::ceil(*limit)));
}

}  // namespace dunlin::net
