#include "tests/load/usage.hpp"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace dunlin::load {
namespace {

std::string read_proc(int pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

double ticks(uint64_t n) { return double(n) / double(sysconf(_SC_CLK_TCK)); }

double seconds(const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; }

}  // namespace

double cpu_seconds(const std::vector<int>& pids) {
  uint64_t total = 0;
  for (const int pid : pids) {
    const std::string stat = read_proc(pid, "stat");
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream fields(stat.substr(name_end + 2));  // from field 3, the state, on
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    uint64_t user = 0, system = 0;
    fields >> user >> system;
    total += user + system;
  }
  return ticks(total);
}

uint64_t resident_bytes(const std::vector<int>& pids) {
  uint64_t pages = 0;
  for (const int pid : pids) {
    std::istringstream fields(read_proc(pid, "statm"));
    uint64_t all = 0, resident = 0;
    fields >> all >> resident;
    pages += resident;
  }
  return pages * uint64_t(sysconf(_SC_PAGESIZE));
}

double own_cpu_seconds() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return seconds(r.ru_utime) + seconds(r.ru_stime);
}

double machine_cpu_seconds() {
  std::ifstream file("/proc/stat");
  std::string label;
  uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0;
  file >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq;
  return ticks(user + nice + system + irq + softirq);
}

bool is_alive(int pid) { return !read_proc(pid, "stat").empty(); }

}  // namespace dunlin::load
