#include "base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>

#include "base/log_render.hpp"

namespace dunlin::log {

namespace {

// A logger for each format: one line is never half of either.
spdlog::logger make_logger(format f) {
  spdlog::logger l{"dunlin", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  l.set_level(spdlog::level::trace);  // filtered here, not there
  l.set_pattern(
      f == format::text ? "%Y-%m-%dT%H:%M:%S.%eZ %v" : "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}",
      spdlog::pattern_time_type::utc);
  return l;
}

struct state {
  std::atomic<level> lowest{level::info};
  std::atomic<format> form{format::text};
  spdlog::logger text = make_logger(format::text);
  spdlog::logger json = make_logger(format::json);
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
}

bool enabled(level l) {
  return l >= the_state().lowest.load(std::memory_order_relaxed) && l != level::off;
}

void write(level l, std::string_view event, fields f) {
  if (!enabled(l)) return;
  auto& s = the_state();
  const format form = s.form.load(std::memory_order_relaxed);
  const std::string line = render(form, l, event, f);
  (form == format::text ? s.text : s.json)
      .log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace dunlin::log
