#include "broker/registry.hpp"

#include <algorithm>

#include "broker/carried.hpp"
#include "broker/session.hpp"

namespace dunlin {

registry::registry(caf::actor_config& c, directory& d)
    : pinned(c), directory_(d), number_(home().index()), hub_(*this, d) {}

registry::behavior_type registry::make_behavior() {
  return {[this](publish_batch& b) { publish(b); },
          [this](open_session& o) { open(o); },
          [this](const release_session& r) { release(r); },
          [this](const drained& d) { hub_.on_drained(d.gate); },
          [this](const check_bans& c) { check(c); },
          [this](const shut_down&) {
            const net::reactor::bulk_scope in_bulk(home());
            for (const entry& e : sessions_) send(e.who, end_session{end_reason::shutdown});
            return shut_down{};
          },
          [this](const begin_trace& b) {
            if (const auto* e = find(b.to->request().client_id)) send(e->who, b);
          },
          [this](const disconnect_client& d) {
            if (const auto* e = find(d.client_id)) send(e->who, d);
          },
          [this](const describe_client& d) -> caf::result<operate::session_facts> {
            if (const auto* e = find(d.client_id)) return delegate(e->who, d);
            return operate::session_facts{};
          },
          [this](const send_next_part&) { hub_.send_part(); }};
}

// What every connection sends goes straight to its function.
caf::invoke_message_result registry::consume(caf::mailbox_element& m) {
  DUNLIN_TSAN_ACQUIRE(this);
  current_element_ = &m;
  auto* b = carried<publish_batch>(m);
  if (!b) hub_.flush();
  if (b)
    publish(*b);
  else if (auto* o = carried<open_session>(m))
    open(*o);
  else if (auto* r = carried<release_session>(m))
    release(*r);
  else
    return pinned::consume(m);
  return caf::invoke_message_result::consumed;
}

const registry::entry* registry::find(std::string_view client_id) const {
  const auto it = sessions_.find(client_id);
  return it == sessions_.end() ? nullptr : &*it;
}

void registry::open(open_session& o) {
  const std::string& client_id = o.request->client_id;
  bool is_new = false;
  const auto it = sessions_.lazy_emplace(std::string_view(client_id), [&](const auto& make) {
    is_new = true;
    make(entry{spawn_pinned<session>(system(), o.connection->reactor(), directory_, client_id)});
  });
  if (is_new) home().count().sessions.add();
  ++it->generation;
  send(it->who,
       attach_connection{std::move(o.connection), std::move(o.request), !is_new, it->generation});
}

void registry::release(const release_session& r) {
  const entry* e = find(r.client_id);
  // Attached again since it asked: the session goes on.
  if (!e || e->generation != r.generation) return;
  send(e->who, end_session{end_reason::expired});
  if (target* t = hub_.find(e->gate())) hub_.release(*t);
  sessions_.erase(*e);
  home().count().sessions.sub();
}

void registry::check(const check_bans& c) {
  if (c.client_id.empty()) {
    const net::reactor::bulk_scope in_bulk(home());
    for (const entry& e : sessions_) send(e.who, check_ban{});
  } else if (const auto* e = find(c.client_id)) {
    send(e->who, check_ban{});
  }
}

void registry::publish(publish_batch& b) {
  std::vector<core::refusal> refusals;
  size_t left = b.items.size();
  for (const publish_item& item : b.items) {
    const size_t expected = left--;
    const auto client = directory::p2p_target(item.routed_to());
    const entry* to = find(client);
    if (!to) {
      auto& count = home().count();
      count.published.add();
      count.dropped[metrics::drop_reason::no_subscriber].add();
      if (b.origin && b.origin->traced.load(std::memory_order_relaxed)) [[unlikely]]
        trace_no_subscriber(directory_, *b.origin, item, home().now_ms());
      if (item.slot != core::incoming::no_slot)
        refusals.push_back({item.slot, mqtt::reason::no_matching_subscribers});
      continue;
    }
    target& t = hub_.target_of(to->who, to->gate());
    hub_.give(t, item.msg, item.msg->qos(), false, 0, std::min<size_t>(expected, 64));
  }
  hub_.finish(current_sender(), b.read, std::move(refusals));
}

}  // namespace dunlin
