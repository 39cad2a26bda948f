#include "broker/guard/memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

#include "base/control_groups.hpp"

// Of mimalloc, where the program is linked with it.
extern "C" void mi_collect(bool force) __attribute__((weak));

namespace dunlin::guard {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

uint64_t leading_number(std::string_view s) {
  uint64_t n = 0;
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  std::from_chars(s.data(), s.data() + s.size(), n);
  return n;
}

void lower(uint64_t& limit, uint64_t other) {
  if (other != 0 && (limit == 0 || other < limit)) limit = other;
}

}  // namespace

uint64_t resident_bytes() {
  static const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  static const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  char text[128];
  const ssize_t n = fd < 0 ? -1 : ::pread(fd, text, sizeof text, 0);
  if (n <= 0) return 0;
  const std::string_view s(text, static_cast<size_t>(n));
  const size_t space = s.find(' ');  // size resident shared ...
  return space == std::string_view::npos ? 0 : leading_number(s.substr(space)) * page;
}

uint64_t memory_limit_bytes() {
  uint64_t limit = parse_mem_total(read("/proc/meminfo"));
  lower(limit, memory_limit_of(control_groups("memory")));
  return limit;
}

uint64_t memory_limit_of(const std::vector<std::filesystem::path>& groups) {
  uint64_t limit = 0;
  for (const auto& group : groups) {
    lower(limit, parse_limit(read(group / "memory.max")));             // version 2
    lower(limit, parse_limit(read(group / "memory.limit_in_bytes")));  // version 1
  }
  return limit;
}

void give_memory_back() {
  if (mi_collect) mi_collect(true);
}

uint64_t parse_limit(std::string_view text) {
  constexpr uint64_t unlimited = 1ull << 60;  // version 1 writes a huge number
  const uint64_t n = leading_number(text);
  return n >= unlimited ? 0 : n;
}

uint64_t parse_mem_total(std::string_view meminfo) {
  constexpr std::string_view name = "MemTotal:";
  const size_t at = meminfo.find(name);
  return at == std::string_view::npos ? 0 : leading_number(meminfo.substr(at + name.size())) * 1024;
}

}  // namespace dunlin::guard
