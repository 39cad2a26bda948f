// How much memory the process uses and may use, read cheaply from the operating system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::guard {

uint64_t resident_bytes();  // /proc/self/statm; 0: cannot be read
// The least of what the machine has and what the control groups (v2, v1) allow; 0: unknown.
uint64_t memory_limit_bytes();
// Asks the allocator to give unused memory of this thread back to the system.
void give_memory_back();

// Pure parts. The path of a controller ("" is version 2) in /proc/self/cgroup; empty: not there.
std::string cgroup_path(std::string_view proc_self_cgroup, std::string_view controller);
uint64_t parse_limit(std::string_view text);  // "max" and nonsense: 0
uint64_t parse_mem_total(std::string_view meminfo);

}  // namespace dunlin::guard
