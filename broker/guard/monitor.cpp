#include "broker/guard/monitor.hpp"

#include "base/log.hpp"
#include "broker/guard/memory.hpp"

namespace dunlin::guard {

pressure monitor::look(const overload_limits& l, uint64_t lag_ms, uint64_t now_ms) {
  overload_reading r;
  r.lag_ms = lag_ms;
  if (l.enabled) {
    if (!memory_) read_memory_from(resident_bytes, guard::memory_limit_bytes());
    r.memory_bytes = memory_();
    r.memory_limit_bytes = memory_limit_;
  }
  const overload_state was = core_.state();
  const overload_state is = core_.look(r, l, now_ms);
  enabled_ = l.enabled;
  memory_bytes_ = r.memory_bytes;
  lag_ms_ = lag_ms;
  lag_max_ = l.reactor_lag_ms;
  high_ = memory_high(l, r.memory_limit_bytes);
  critical_ = memory_critical(l, r.memory_limit_bytes);
  level_ = static_cast<uint8_t>(is.level);
  cause_ = static_cast<uint8_t>(is.cause);
  if (!(was == is)) tell(was, is, r);
  return is.level;
}

void monitor::tell(const overload_state& was, const overload_state& is, const overload_reading& r) {
  log::write(is.level > was.level ? log::level::warn : log::level::info, "overload",
             {{"state", to_string(is.level)},
              {"before", to_string(was.level)},
              {"cause", to_string(is.level == pressure::normal ? was.cause : is.cause)},
              {"memory_bytes", r.memory_bytes},
              {"memory_high_bytes", high_.load()},
              {"reactor_lag_ms", r.lag_ms}});
}

load_facts monitor::facts() const {
  load_facts f;
  f.state = {level(), cause()};
  f.memory_bytes = memory_bytes_;
  f.memory_high_bytes = high_;
  f.memory_critical_bytes = critical_;
  f.lag_ms = lag_ms_;
  f.lag_max_ms = lag_max_;
  f.enabled = enabled_;
  return f;
}

}  // namespace dunlin::guard
