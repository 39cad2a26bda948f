// start_rules: the configured rules as running actors on one spool.
#include <chrono>
#include <utility>

#include "base/log.hpp"
#include "base/wall_clock.hpp"
#include "rules/inbound.hpp"
#include "rules/outbound.hpp"
#include "rules/rule.hpp"
#include "rules/spool.hpp"
#include "rules/status.hpp"

namespace dunlin::rules {
namespace {

using sync_mode = enum rules_config::sync;

spool_sync sync_of(sync_mode s) {
  switch (s) {
    case sync_mode::always:
      return spool_sync::always;
    case sync_mode::interval:
      return spool_sync::interval;
    case sync_mode::never:
      return spool_sync::never;
  }
  return spool_sync::always;
}

driver_config driver_of(const rule& r, const spool_state& state, const rules_config& config,
                        const std::shared_ptr<spool>& store) {
  driver_config d;
  d.options.config = r;
  d.options.limits = config.queue->limits();
  d.state = state;
  d.store = store;
  d.queue = config.queue;
  d.wall_ms = wall_clock_ms;
  return d;
}

running_rule start(caf::actor_system& system, rule r, const spool_state& state,
                   const rules_config& config, const std::shared_ptr<spool>& store) {
  running_rule running;
  switch (r.type) {
    case rule_type::outbound:
      running.outbound = spawn_outbound(system, driver_of(r, state, config, store));
      break;
    case rule_type::status:
      running.status = spawn_status(system, driver_of(r, state, config, store));
      break;
    case rule_type::inbound: {
      if (r.group.empty()) r.group = "DUNLIN_" + r.id;
      inbound_config in;
      in.config = r;
      in.queue = config.queue;
      in.store = store;
      in.ingress = config.ingress;
      in.wall_ms = wall_clock_ms;
      running.inbound = spawn_inbound(system, std::move(in));
      break;
    }
  }
  log::info("rule_started", {{"rule", r.id}, {"queue", r.queue}, {"backlog", state.messages}});
  running.config = std::move(r);
  running.store = store;
  return running;
}

}  // namespace

absl::StatusOr<std::vector<running_rule>> start_rules(caf::actor_system& system,
                                                      rules_config config) {
  std::vector<running_rule> all;
  if (config.rules.empty()) return all;
  auto store = spool::open({.path = config.data_dir + "/spool",
                            .sync = sync_of(config.sync),
                            .sync_interval = config.sync_interval});
  if (!store.ok()) return store.status();
  // First every backlog, so that a fault is told before anything runs.
  std::vector<spool_state> states;
  for (const auto& r : config.rules) {
    auto state = (*store)->attach(r.id);
    if (!state.ok()) return state.status();
    states.push_back(std::move(*state));
  }
  for (size_t i = 0; i < config.rules.size(); ++i) {
    all.push_back(start(system, config.rules[i], states[i], config, *store));
  }
  return all;
}

absl::StatusOr<std::vector<dead_letter>> list_dead_letters(const running_rule& r, size_t max) {
  return r.store->list_dead_letters(r.config.id, max);
}

}  // namespace dunlin::rules
