// CPU time and memory of processes and of the machine, from /proc.
//
// Used by the engine for the broker (--pid), for this program and for what else the machine did
// meanwhile.
#pragma once

#include <cstdint>
#include <vector>

namespace dunlin::load {

double cpu_seconds(const std::vector<int>& pids);  // user and system, all threads
uint64_t resident_bytes(const std::vector<int>& pids);
double own_cpu_seconds();
double machine_cpu_seconds();  // busy, all cores
bool is_alive(int pid);

}  // namespace dunlin::load
