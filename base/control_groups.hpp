// The control groups of this process, where the limits of a container are (cgroups(7)).
//
// For whoever asks how much of something the process may use: processor time
// (broker/net/cpu_limit), memory (broker/guard/memory).
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace dunlin {

// The directories with the limits of `controller` ("cpu", "memory"): the process's own group and
// those around it, up to the root of the hierarchy; a limit of each of them holds for the process.
// Both versions' where both are there. A directory need not exist: in a container without a
// namespace of its own the path is the host's, and what is mounted is the container's group.
std::vector<std::filesystem::path> control_groups(std::string_view controller);

// The same of another process or machine. `groups`: the text of /proc/PID/cgroup; `mount`: where
// the hierarchies are mounted.
std::vector<std::filesystem::path> control_groups(std::string_view controller,
                                                  std::string_view groups,
                                                  const std::filesystem::path& mount);

}  // namespace dunlin
