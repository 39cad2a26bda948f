#include "broker/guard_metrics.hpp"

#include "broker/metrics/text.hpp"

namespace dunlin {

using metrics::metric_type;

std::string render_guard(const guard::node_guard& g) {
  metrics::text_writer w;
  const auto gauge = [&](const char* name, const char* help, uint64_t value) {
    w.family(name, metric_type::gauge, help);
    w.sample({}, static_cast<int64_t>(value == ~0ull ? 0 : value));
  };
  const guard::load_facts f = g.load.facts();
  gauge("dunlin_bans", "Bans in force.", g.ban_list.count());
  w.family(
      "dunlin_overload_state", metric_type::gauge,
      "1 for the state that the node is in: refusing new connections, holding busy publishers.");
  for (const auto s : {guard::pressure::normal, guard::pressure::refusing, guard::pressure::holding,
                       guard::pressure::critical})
    w.sample({{"state", to_string(s)}}, static_cast<int64_t>(f.state.level == s));
  gauge("dunlin_overload_memory_bytes", "Resident memory at the last look.", f.memory_bytes);
  gauge("dunlin_overload_memory_high_bytes",
        "Resident memory from which on new connections are refused; 0: not looked at.",
        f.memory_high_bytes);
  w.family("dunlin_overload_reactor_lag_seconds", metric_type::gauge,
           "How late the latest reactor was at the last look.");
  w.sample({}, static_cast<double>(f.lag_ms) / 1000);
  w.family("dunlin_overload_refused_total", metric_type::counter,
           "CONNECTs refused because the node was overloaded.");
  w.sample({}, static_cast<int64_t>(g.overload_refused()));
  w.family("dunlin_flapping_banned_total", metric_type::counter,
           "Client IDs banned because they connected too often.");
  w.sample({}, static_cast<int64_t>(g.ban_list.flapping_banned()));
  return w.take();
}

std::vector<std::string> overload_reasons(const guard::load_facts& f) {
  if (f.state.level == guard::pressure::normal) return {};
  if (f.state.cause == guard::pressure_cause::memory)
    return {"overloaded: " + std::to_string(f.memory_bytes) + " bytes of memory in use, over " +
            std::to_string(f.memory_high_bytes) + "; new connections are refused"};
  return {"overloaded: a reactor is " + std::to_string(f.lag_ms) +
          " ms late; new connections are refused"};
}

}  // namespace dunlin
