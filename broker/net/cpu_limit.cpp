#include "broker/net/cpu_limit.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

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

// Of the groups from `path` up to the hierarchy's root. In a container without a namespace of its
// own the path is the host's and is not there; what is mounted is its own group then.
std::optional<double> lowest(const fs::path& root, std::string_view path) {
  std::optional<double> least;
  for (fs::path at = fs::path(path).relative_path();; at = at.parent_path()) {
    const auto limit = limit_of(root / at);
    if (limit && (!least || *limit < *least)) least = limit;
    if (at.empty()) return least;
  }
}

bool names_cpu(std::string_view controllers) {
  std::istringstream in{std::string(controllers)};
  for (std::string name; std::getline(in, name, ',');)
    if (name == "cpu") return true;
  return false;
}

}  // namespace

std::optional<double> cpu_limit(std::string_view groups, const fs::path& mount) {
  std::istringstream lines{std::string(groups)};
  std::optional<double> least;
  // number:controllers:path; version 2 names no controllers.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !names_cpu(controllers)) continue;
    const auto limit = lowest(mount / controllers, std::string_view(line).substr(second + 1));
    if (limit && (!least || *limit < *least)) least = limit;
  }
  return least;
}

uint32_t usable_cores() {
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());  // of the affinity
  std::ifstream in("/proc/self/cgroup");
  std::ostringstream groups;
  groups << in.rdbuf();
  const auto limit = cpu_limit(groups.str(), "/sys/fs/cgroup");
  if (!limit || *limit >= cores) return cores;
  return std::max(1u, static_cast<uint32_t>(std::ceil(*limit)));
}

}  // namespace dunlin::net
