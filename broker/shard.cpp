#include "broker/shard.hpp"

#include <algorithm>
#include <chrono>

#include "base/wall_clock.hpp"
#include "broker/mqtt/properties.hpp"
#include "rules/record.hpp"

namespace dunlin {

using mqtt::reason;

namespace {

// Messages of one batch that a receiver's list is sized for at once.
constexpr size_t reserve_max = 256;
constexpr size_t retained_per_step = 256;

std::string group_key(std::string_view group, std::string_view filter) {
  std::string key(group);
  key.push_back('/');
  return key.append(filter);
}

}  // namespace

shard::shard(caf::actor_config& c, directory& d)
    : pinned(c),
      directory_(d),
      hub_(*this, d),
      retained_({d.limits().retained_messages_max / std::max<size_t>(1, d.reactors.size()),
                 d.limits().retained_bytes_max / std::max<size_t>(1, d.reactors.size())}) {}

shard::behavior_type shard::make_behavior() {
  return {[this](publish_batch& b) { publish(b); },
          [this](subscribe_to& s) { subscribe(s); },
          [this](unsubscribe_from& u) { unsubscribe(u); },
          [this](const drained& d) { drain(d.gate); },
          [this](const bind_rule& b) { bind(b); },
          [this](const send_more_retained& m) { more_retained(m.cursor); },
          [this](const dispatch_again& d) { again(d); }};
}

// -- publishing ---------------------------------------------------------------

void shard::publish(publish_batch& b) {
  std::vector<core::refusal> refusals;
  batch_ms_ = 0;
  size_t left = b.items.size();
  for (const publish_item& item : b.items) {
    const bool kept = !item.msg->retain() || retain(item, refusals);
    const std::string_view topic = item.routed_to();
    if (!matched_valid_ || topic != matched_topic_) {
      matched_.clear();
      index_.match(topic, [this](const entry& e) { matched_.push_back(e); });
      matched_topic_.assign(topic);
      matched_valid_ = true;
    }
    const size_t expected = std::min(left--, reserve_max);
    if (matched_.empty()) {
      auto& count = home().count();
      count.published.add();
      count.dropped[metrics::drop_reason::no_subscriber].add();
      if (kept && item.slot != core::incoming::no_slot)
        refusals.push_back({item.slot, reason::no_matching_subscribers});
      continue;
    }
    for (const entry& e : matched_) route_to(e, item, b.origin, expected);
  }
  hub_.finish(current_sender(), b.read, std::move(refusals));
}

void shard::route_to(const entry& e, const publish_item& item, session_gate* origin,
                     size_t expected) {
  switch (e.what) {
    case kind::session: {
      auto& t = *static_cast<target*>(e.to);
      if (e.options.no_local && t.gate == origin) return;
      hub_.give(t, item.msg, std::min(e.options.qos, item.msg->qos()),
                e.options.retain_as_published && item.msg->retain(), e.id, expected);
      return;
    }
    case kind::group: {
      const member* m = static_cast<group*>(e.to)->pick();
      if (!m) return;
      hub_.give(*m->to, item.msg, std::min(m->options.qos, item.msg->qos()),
                m->options.retain_as_published && item.msg->retain(), m->id, expected, true);
      return;
    }
    case kind::rule:
      append_record(*static_cast<rule_target*>(e.to), item, origin);
  }
}

// Its copy was counted when it was published; it is still the same one.
void shard::again(const dispatch_again& d) {
  auto it = groups_.find(group_key(d.group.view(), d.filter.view()));
  const member* m = it == groups_.end() ? nullptr : it->second->pick();
  if (!m) {
    home().count().dropped[metrics::drop_reason::no_subscriber].add();
    return;
  }
  hub_.give(*m->to, d.msg, std::min(m->options.qos, d.msg->qos()), false, m->id, 1, true);
  home().count().published.sub();
  hub_.finish(nullptr, 0, {});
}

void shard::append_record(rule_target& r, const publish_item& item, session_gate* origin) {
  if (!origin) return;  // what a rule or the node itself published does not go out again
  hub_.touch(r);
  if (batch_ms_ == 0) batch_ms_ = wall_clock_ms();
  const mqtt::message& m = *item.msg;
  rules::device_message d;
  d.topic = m.topic();
  d.payload = m.payload();
  d.client_id = origin->client_id;
  d.qos = m.qos();
  d.born_ms = batch_ms_;
  if (m.expires_ms() != mqtt::message::never) {
    const uint64_t now = home().now_ms();
    d.expiry_s = static_cast<uint32_t>(m.expires_ms() > now ? (m.expires_ms() - now) / 1000 : 0);
  }
  if (!m.properties().empty()) {
    const auto props = mqtt::parse_forwarded(m.properties());
    if (props.content_type) d.content_type = *props.content_type;
    if (props.has_user_properties)
      mqtt::for_each_user_property(m.properties(), [&](const mqtt::user_property& p) {
        d.user_properties.emplace_back(p.key, p.value);
      });
  }
  rules::append_record(d, r.records);
  ++r.count;
  if (item.slot != core::incoming::no_slot) r.slots.push_back(item.slot);
}

bool shard::retain(const publish_item& item, std::vector<core::refusal>& refusals) {
  const bool kept = retained_.set(item.msg);
  if (!kept) {
    home().count().retained_refused.add();
    if (item.slot != core::incoming::no_slot)
      refusals.push_back({item.slot, reason::quota_exceeded});
  }
  count_retained();
  return kept;
}

void shard::count_retained() {
  auto& count = home().count();
  count.retained_messages.add(retained_.messages() - counted_messages_);
  count.retained_bytes.add(retained_.bytes() - counted_bytes_);
  counted_messages_ = retained_.messages();
  counted_bytes_ = retained_.bytes();
}

// -- subscriptions ------------------------------------------------------------

void shard::subscribe(subscribe_to& s) {
  matched_valid_ = false;
  target& t = hub_.target_of(s.who, s.gate);
  if (!s.group.empty()) {
    subscribe_shared(s, t);
  } else {
    auto& here = index_.at(s.filter);
    auto it = std::find_if(here.begin(), here.end(), [&](const entry& e) { return e.to == &t; });
    if (it == here.end()) {
      ++t.uses;
      here.push_back({&t, s.id, kind::session, s.options});
    } else {
      it->id = s.id;
      it->options = s.options;
    }
  }
  send(s.who, subscribed{s.token});
  if (s.send_retained && s.group.empty() && retained_.messages() > 0) begin_retained(s);
}

void shard::subscribe_shared(subscribe_to& s, target& t) {
  auto& g = groups_[group_key(s.group.view(), s.filter.view())];
  if (!g) {
    g = std::make_unique<group>();
    index_.at(s.filter).push_back({g.get(), 0, kind::group, {}});
  }
  auto& members = g->members();
  auto it =
      std::find_if(members.begin(), members.end(), [&](const member& m) { return m.to == &t; });
  if (it == members.end()) {
    ++t.uses;
    members.push_back({&t, s.id, s.options});
  } else {
    it->id = s.id;
    it->options = s.options;
  }
}

void shard::unsubscribe(unsubscribe_from& u) {
  matched_valid_ = false;
  target* t = hub_.find(u.gate);
  if (!t) return;
  const session_actor who = t->who;
  bool found = false;
  if (!u.group.empty()) {
    found = unsubscribe_shared(u);
  } else if (auto* here = index_.find(u.filter.view())) {
    auto it = std::find_if(here->begin(), here->end(), [&](const entry& e) { return e.to == t; });
    found = it != here->end();
    if (found) here->erase(it);
    index_.tidy(u.filter.view());
  }
  if (found) --t->uses;
  if (!retained_jobs_.empty()) stop_retained(u);
  hub_.release(*t);
  if (u.token) send(who, subscribed{u.token});
}

bool shard::unsubscribe_shared(const unsubscribe_from& u) {
  const auto key = group_key(u.group.view(), u.filter.view());
  auto it = groups_.find(key);
  if (it == groups_.end()) return false;
  group* g = it->second.get();
  auto& members = g->members();
  auto m = std::find_if(members.begin(), members.end(),
                        [&](const member& x) { return x.to->gate == u.gate; });
  if (m == members.end()) return false;
  members.erase(m);
  if (!members.empty()) return true;
  if (auto* here = index_.find(u.filter.view()))
    here->erase(std::remove_if(here->begin(), here->end(),
                               [&](const entry& e) { return e.to == static_cast<void*>(g); }),
                here->end());
  index_.tidy(u.filter.view());
  groups_.erase(it);
  return true;
}

void shard::bind(const bind_rule& b) {
  matched_valid_ = false;
  rules_.push_back(std::make_unique<rule_target>());
  rules_.back()->who = b.rule;
  rules_.back()->waits = b.waits;
  // "topic/#" matches "topic" as well.
  index_.at(core::filter_ptr(b.topic + "/#")).push_back({rules_.back().get(), 0, kind::rule, {}});
}

// -- retained -----------------------------------------------------------------

void shard::begin_retained(const subscribe_to& s) {
  const uint64_t cursor = ++last_job_;
  retained_jobs_[cursor] = {s.gate, s.filter, s.options, s.id, {}, true};
  more_retained(cursor);
}

void shard::stop_retained(const unsubscribe_from& u) {
  for (auto it = retained_jobs_.begin(); it != retained_jobs_.end();) {
    const bool its = it->second.gate == u.gate && it->second.filter.view() == u.filter.view();
    if (its && u.group.empty())
      retained_jobs_.erase(it++);
    else
      ++it;
  }
  if (const target* t = hub_.find(u.gate); t && t->uses == 0) parked_jobs_.erase(u.gate);
}

void shard::more_retained(uint64_t cursor) {
  auto it = retained_jobs_.find(cursor);
  if (it == retained_jobs_.end()) return;
  retained_job& job = it->second;
  target* t = hub_.find(job.gate);
  if (!t) {
    retained_jobs_.erase(it);
    return;
  }
  auto progress = retained_.collect(job.filter.view(), job.after, job.fresh, retained_per_step,
                                    home().now_ms(), [&](const mqtt::message_ptr& m) {
                                      hub_.give(*t, m, std::min(job.options.qos, m->qos()), true,
                                                job.id, retained_per_step);
                                    });
  job.fresh = false;
  job.after = std::move(progress.after);
  count_retained();  // expired ones were dropped
  const bool done = progress.done;
  if (done) retained_jobs_.erase(it);
  if (hub_.take_touched()) {
    home().count().published.add(t->pending.size());
    if (hub_.send(*t) && !done) {
      parked_jobs_[t->gate].push_back(cursor);
      return;
    }
  }
  if (!done) send(this, send_more_retained{cursor});
}

void shard::drain(session_gate* gate) {
  hub_.on_drained(gate);
  auto it = parked_jobs_.find(gate);
  if (it == parked_jobs_.end()) return;
  auto jobs = std::move(it->second);
  parked_jobs_.erase(it);
  for (uint64_t cursor : jobs) more_retained(cursor);
}

}  // namespace dunlin
