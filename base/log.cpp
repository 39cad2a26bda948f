#include "base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>

#include "base/log_render.hpp"

namespace dunlin::log {

namespace {

struct state {
  std::atomic<level> lowest{level::info};
  std::atomic<format> form{format::text};
  spdlog::logger logger{"dunlin", std::make_shared<spdlog::sinks::stderr_sink_mt>()};

  state() {
    logger.set_level(spdlog::level::trace);  // filtered here, not there
    set_pattern(format::text);
  }
  void set_pattern(format f) {
    logger.set_pattern(
        f == format::text ? "%Y-%m-%dT%H:%M:%S.%eZ %v" : "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}",
        spdlog::pattern_time_type::utc);
  }
};

state& the_state() {
  static state& s = *new state;  // never destroyed: threads may log until the process ends
  return s;
}

}  // namespace

void configure(level lowest, format f) {
  auto& s = the_state();
  s.lowest.store(lowest, std::memory_order_relaxed);
  s.form.store(f, std::memory_order_relaxed);
  s.set_pattern(f);
}

bool enabled(level l) {
  return l >= the_state().lowest.load(std::memory_order_relaxed) && l != level::off;
}

void write(level l, std::string_view event, fields f) {
  if (!enabled(l)) return;
  auto& s = the_state();
  const std::string line = render(s.form.load(std::memory_order_relaxed), l, event, f);
  s.logger.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace dunlin::log
