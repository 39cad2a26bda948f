// How much memory the process uses and may use, read cheaply from the operating system.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace dunlin::guard {

uint64_t resident_bytes();  // /proc/self/statm; 0: cannot be read
// The least of what the machine has and what the control groups (v2, v1) allow; 0: unknown.
uint64_t memory_limit_bytes();
// Asks the allocator to give unused memory of this thread back to the system.
void give_memory_back();

// Pure parts. The least of these control groups (memory.max, memory.limit_in_bytes); 0: no limit.
uint64_t memory_limit_of(const std::vector<std::filesystem::path>& groups);
uint64_t parse_limit(std::string_view text);  // "max" and nonsense: 0
uint64_t parse_mem_total(std::string_view meminfo);

}  // namespace dunlin::guard
