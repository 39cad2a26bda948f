#include "broker/guard_hooks.hpp"

namespace dunlin {

void start_guard(directory& d) {
  for (auto* r : d.reactors)
    d.watches.push_back(std::make_unique<reactor_watch>(*r, d.guard, d.watches));
  for (size_t i = 0; i < d.reactors.size(); ++i)
    d.reactors[i]->post([w = d.watches[i].get()] { w->start(); });
  d.guard.ban_list.on_ban([&d](const guard::ban& b) {
    if (b.kind == guard::ban_kind::client_id)
      caf::anon_send(d.registries[d.registry_of(b.value)], check_bans{b.value});
    else
      for (const auto& r : d.registries) caf::anon_send(r, check_bans{});
  });
}

void stop_guard(directory& d) {
  for (auto& w : d.watches) w->stop();
}

}  // namespace dunlin
