#include "broker/metrics/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace dunlin::metrics {

process_usage parse_stat(std::string_view stat, int64_t ticks_per_s, int64_t page_bytes,
                         double boot_s) {
  process_usage out;
  const size_t name_end = stat.rfind(')');  // the name may have spaces and brackets in it
  if (name_end == std::string_view::npos || ticks_per_s <= 0) return out;
  std::istringstream in{std::string(stat.substr(name_end + 1))};
  std::string state;
  int64_t field[21] = {};  // from the fourth field of proc(5) on
  in >> state;
  for (auto& f : field) in >> f;
  if (!in) return out;
  const auto seconds = [&](int64_t ticks) {
    return static_cast<double>(ticks) / static_cast<double>(ticks_per_s);
  };
  out.cpu_s = seconds(field[10] + field[11]);
  out.threads = field[16];
  out.start_s = boot_s + seconds(field[18]);
  out.virtual_bytes = field[19];
  out.resident_bytes = field[20] * page_bytes;
  return out;
}

process_usage read_process() {
  std::string stat;
  std::getline(std::ifstream("/proc/self/stat"), stat);
  timespec now{}, up{};
  clock_gettime(CLOCK_REALTIME, &now);
  clock_gettime(CLOCK_BOOTTIME, &up);
  const auto s = [](const timespec& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  process_usage out = parse_stat(stat, sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE), s(now) - s(up));
  std::error_code ec;
  for (std::filesystem::directory_iterator it("/proc/self/fd", ec), end; !ec && it != end;
       it.increment(ec))
    ++out.open_fds;
  if (out.open_fds > 0) --out.open_fds;  // the one that listed them
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) out.max_fds = static_cast<int64_t>(limit.rlim_cur);
  return out;
}

}  // namespace dunlin::metrics
