#include "broker/net/cpu_times.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace dunlin::net {
namespace {

// The number in front; the text goes on behind it.
std::optional<uint64_t> take_number(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  uint64_t n = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  if (r.ec != std::errc{}) return {};
  text.remove_prefix(static_cast<size_t>(r.ptr - text.data()));
  return n;
}

std::vector<bool> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // With more than 1,024 cores it fails: then all count.
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::vector<bool>(8192, true);
  std::vector<bool> usable(CPU_SETSIZE);
  for (size_t i = 0; i < usable.size(); ++i) usable[i] = CPU_ISSET(i, &set);
  return usable;
}

}  // namespace

thread_clock::thread_clock() : fd_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}

thread_clock::~thread_clock() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<thread_times> thread_clock::read() const {
  char text[128];
  const ssize_t n = fd_ < 0 ? -1 : ::pread(fd_, text, sizeof text, 0);
  if (n <= 0) return {};
  return parse_schedstat({text, static_cast<size_t>(n)});
}

std::optional<uint64_t> idle_ns() {
  std::ifstream in("/proc/stat");
  std::ostringstream text;
  text << in.rdbuf();
  const auto ticks = parse_idle_ticks(text.str(), usable_cores());
  const long per_s = ::sysconf(_SC_CLK_TCK);
  if (!ticks || per_s <= 0) return {};
  return *ticks * (1'000'000'000 / static_cast<uint64_t>(per_s));
}

std::optional<thread_times> parse_schedstat(std::string_view text) {
  const auto ran = take_number(text);
  const auto waited = take_number(text);
  if (!ran || !waited) return {};
  return thread_times{*ran, *waited};
}

std::optional<uint64_t> parse_idle_ticks(std::string_view text, const std::vector<bool>& usable) {
  uint64_t idle = 0;
  bool any = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.starts_with("cpu")) continue;
    line.remove_prefix(3);
    if (line.starts_with(' ')) continue;  // the sum of all
    const auto core = take_number(line);
    if (!core || *core >= usable.size() || !usable[*core]) continue;
    // user nice system idle iowait: with iowait too, nothing runs.
    for (int field = 0; field < 5; ++field) {
      const auto ticks = take_number(line);
      if (!ticks) return {};
      if (field >= 3) idle += *ticks;
    }
    any = true;
  }
  if (!any) return {};
  return idle;
}

}  // namespace dunlin::net
