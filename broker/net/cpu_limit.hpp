// How many cores this process may use: those of its affinity, and no more than its control groups'
// limits allow, as a container's are set (Kubernetes: resources.limits.cpu).
//
// For broker/node: more reactors than that would only wait for each other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace dunlin::net {

// 1 at least; a limit of 1.5 cores counts as 2.
uint32_t usable_cores();

// In cores, the lowest of the process's control groups and those around them; none where nothing is
// limited. `groups`: the text of /proc/self/cgroup; `mount`: where control groups are mounted.
// Version 2 has cpu.max, version 1 cpu.cfs_quota_us and cpu.cfs_period_us (cgroups(7), the kernel's
// cgroup-v2.rst and sched-bwc.rst).
std::optional<double> cpu_limit(std::string_view groups, const std::filesystem::path& mount);

}  // namespace dunlin::net
