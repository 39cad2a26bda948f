// Subscriptions, and the members of shared ones.
#include <algorithm>

#include "base/stable_hash.hpp"
#include "broker/shard.hpp"

namespace dunlin {

namespace {

std::string group_key(std::string_view group, std::string_view filter) {
  std::string key(group);
  key.push_back('/');
  return key.append(filter);
}

}  // namespace

void shard::subscribe(subscribe_to& s) {
  matched_valid_ = false;
  target& t = hub_.target_of(s.who, s.gate);
  if (!s.group.empty()) {
    subscribe_shared(s, t);
  } else {
    const entry wanted{&t, s.id, kind::session, s.options};
    const auto [e, added] = index_.add(s.filter, wanted);
    if (added)
      ++t.uses;
    else
      e = wanted;
  }
  send(s.who, subscribed{s.token});
  if (s.send_retained && s.group.empty() && retained_.may_match(s.filter.view())) begin_retained(s);
}

void shard::subscribe_shared(subscribe_to& s, target& t) {
  auto& g = groups_[group_key(s.group.view(), s.filter.view())];
  if (!g) {
    g = std::make_unique<group>();
    g->filter = s.filter;
    g->name = s.group;
    g->share = core::share_of(s.group.view(), s.filter.view());
    index_.add(s.filter, {g.get(), 0, kind::group, {}});
  }
  auto& members = g->members();
  auto it =
      std::find_if(members.begin(), members.end(), [&](const member& m) { return m.to == &t; });
  if (it == members.end()) {
    ++t.uses;
    members.push_back({&t, s.id, s.options, stable_hash(t.gate->client_id)});
  } else {
    it->id = s.id;
    it->options = s.options;
  }
  call_in(*g, t.gate);
}

void shard::online(const member_online& m) {
  if (group* g = find_group(m.group, m.filter)) call_in(*g, m.gate);
}

// What members keep while they are offline goes to one that is there.
void shard::call_in(group& g, const session_gate* but) {
  for (member& m : g.members()) {
    if (!m.keeps || m.to->gate == but || m.standing() != core::standing::offline) continue;
    m.keeps = false;
    send(m.to->who, hand_over{g.filter, g.name});
  }
}

void shard::unsubscribe(unsubscribe_from& u) {
  matched_valid_ = false;
  target* t = hub_.find(u.gate);
  if (!t) return;
  const session_actor who = t->who;
  const bool found = u.group.empty() ? index_.remove(u.filter.view(), t) : unsubscribe_shared(u);
  if (found) --t->uses;
  if (u.group.empty()) feeds_.stop(u.gate, u.filter.view());
  if (t->uses == 0) feeds_.forget(u.gate);
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
  g->remove(static_cast<size_t>(m - members.begin()));
  if (!members.empty()) return true;
  index_.remove(u.filter.view(), g);
  groups_.erase(it);
  return true;
}

void shard::bind(const bind_rule& b) {
  matched_valid_ = false;
  rules_.push_back(std::make_unique<rule_target>());
  rules_.back()->who = b.rule;
  rules_.back()->waits = b.waits;
  // "topic/#" matches "topic" as well.
  index_.add(core::filter_ptr(b.topic + "/#"), {rules_.back().get(), 0, kind::rule, {}});
}

// -- members of shared subscriptions ------------------------------------------

core::standing shard::member::standing() const {
  const session_gate& g = *to->gate;
  if (!g.online.load(std::memory_order_relaxed)) return core::standing::offline;
  if (g.slow.load(std::memory_order_relaxed)) return core::standing::slow;
  if (g.congested.load(std::memory_order_relaxed)) return core::standing::congested;
  if (g.waiting.load(std::memory_order_relaxed)) return core::standing::waiting;
  return core::standing::ready;
}

uint64_t shard::member::outstanding() const {
  return to->gate->unfinished.load(std::memory_order_relaxed) +
         to->gate->mailbox.load(std::memory_order_relaxed) + to->unfinished();
}

shard::group* shard::find_group(const core::shared_text& name, const core::filter_ptr& filter) {
  auto it = groups_.find(group_key(name.view(), filter.view()));
  return it == groups_.end() ? nullptr : it->second.get();
}

shard::member* shard::pick(group& g, std::string_view topic, const session_gate* origin) {
  if (const settings* now = &directory_.now(); g.seen != now) {
    g.strategy = now->topics.strategy_of(std::string(g.name.view()));
    g.seen = now;
  }
  uint64_t key = 0;
  switch (g.strategy) {
    case core::share_strategy::random:  // an xorshift generator
      random_ ^= random_ << 13, random_ ^= random_ >> 7, random_ ^= random_ << 17;
      key = random_;
      break;
    case core::share_strategy::hash_client:
      // Of one whose member left the publisher is not known any more: its topic decides.
      key = stable_hash(origin ? std::string_view(origin->client_id) : topic);
      break;
    case core::share_strategy::hash_topic:
      key = stable_hash(topic);
      break;
    default:
      break;
  }
  return g.pick(g.strategy, key);
}

void shard::give_member(group& g, const mqtt::message_ptr& msg, std::string_view topic,
                        session_gate* origin, size_t expected, bool again) {
  member* m = pick(g, topic, origin);
  if (!m) return;
  core::delivery& d =
      hub_.give_alone(*m->to, msg, std::min(m->options.qos, msg->qos()),
                      m->options.retain_as_published && msg->retain() && !again, m->id, expected);
  d.share = g.share;
  d.paced = again;  // its place was taken once
  if (m->standing() == core::standing::offline) d.placed = m->keeps = true;
}

// Its copy was counted when it was published; it is still the same one.
void shard::again(const dispatch_again& d) {
  group* g = find_group(d.group, d.filter);
  if (!g) {
    home().count().dropped[metrics::drop_reason::no_subscriber].add(d.messages.size());
    return;
  }
  for (const auto& m : d.messages) give_member(*g, m, m->topic(), nullptr, 1, true);
  home().count().published.sub(d.messages.size());
  hub_.finish(nullptr, 0, {});
}

}  // namespace dunlin
