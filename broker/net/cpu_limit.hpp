// How many cores this process may use: those of its affinity, and no more than its control groups'
// limits allow, as a container's are set (Kubernetes: resources.limits.cpu).
//
// For broker/node: more reactors than that would only wait for each other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace dunlin::net {

// 1 at least; a limit of 1.5 cores counts as 2.
uint32_t usable_cores();

// In cores, the lowest of these control groups; none where nothing is limited. Version 2 has
// cpu.max, version 1 cpu.cfs_quota_us and cpu.cfs_period_us (the kernel's cgroup-v2.rst and
// sched-bwc.rst).
std::optional<double> cpu_limit(const std::vector<std::filesystem::path>& groups);

}  // namespace dunlin::net
