#include "tests/model/model.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::model {

namespace {

std::vector<std::string> levels(const std::string& text) {
  std::vector<std::string> out(1);
  for (char c : text)
    if (c == '/')
      out.emplace_back();
    else
      out.back() += c;
  return out;
}

bool is_shared(const std::string& filter) { return filter.rfind("$share/", 0) == 0; }

// "$share/group/filter" -> filter
std::string filter_of(const std::string& shared) {
  return shared.substr(shared.find('/', sizeof "$share/" - 1) + 1);
}

// {parent}/p2p/{clientId} -> clientId
std::string p2p_target(const std::string& topic) {
  const auto parts = levels(topic);
  return parts.size() == 3 && parts[1] == "p2p" ? parts[2] : "";
}

}  // namespace

bool matches(const std::string& filter, const std::string& topic) {
  if (topic[0] == '$' && (filter[0] == '#' || filter[0] == '+')) return false;
  const auto f = levels(filter), t = levels(topic);
  for (size_t i = 0; i < f.size(); ++i) {
    if (f[i] == "#") return true;  // "a/#" matches "a" as well
    if (i == t.size() || (f[i] != "+" && f[i] != t[i])) return false;
  }
  return f.size() == t.size();
}

// -- connections ----------------------------------------------------------------

bool server::connect(const std::string& client, const connection& c) {
  std::optional<copy> own;
  if (connected(client)) {  // taken over
    own = own_will(client, c.clean_start);
    lose(client);
  }
  if (c.clean_start && sessions_.contains(client)) end_session(client);
  const bool present = sessions_.contains(client);
  session& s = sessions_[client];
  s.how = c;
  s.connected = true;
  s.will_due_ms = s.expires_ms = {};
  s.heard_ms = now_ms_;
  resend(client, s);
  if (own) give(client, *own);
  return present;
}

// A client that is taken over and is subscribed to its own will: whether that finds the old
// connection, none or the new one is open, but for what a session that goes on queues.
std::optional<copy> server::own_will(const std::string& client, bool clean_start) const {
  const session& s = sessions_.at(client);
  if (!s.how.last_will) return {};
  const bool ends = clean_start || s.how.expiry_s == 0;
  if (!ends && s.how.last_will->delay_s > 0) return {};
  kept k{s.how.last_will->what, {}, true};
  if (k.what.expiry_s) k.expires_ms = now_ms_ + *k.what.expiry_s * 1000ull;
  auto c = copy_for(s, k, true);
  if (!c || (c->qos > 0 && !ends)) return {};
  c->maybe = true;
  return c;
}

void server::disconnect(const std::string& client, bool with_will,
                        std::optional<uint32_t> expiry_s) {
  if (expiry_s) sessions_[client].how.expiry_s = *expiry_s;
  connection_ends(client, with_will);
}

void server::lose(const std::string& client) { connection_ends(client, true); }

void server::connection_ends(const std::string& client, bool with_will) {
  session& s = sessions_[client];
  s.connected = false;
  if (!with_will) s.how.last_will = {};
  for (auto& f : s.in_flight) f.sent = false;
  const uint32_t expiry = s.how.expiry_s;
  if (expiry == 0) return end_session(client);
  if (expiry != never_s) s.expires_ms = now_ms_ + expiry * 1000ull;
  if (!s.how.last_will) return;
  s.will_due_ms = now_ms_ + std::min(s.how.last_will->delay_s, expiry) * 1000ull;
  if (*s.will_due_ms == now_ms_) publish_will(client);
}

// The session's will is due at the latest when it ends.
void server::end_session(const std::string& client) {
  auto gone = std::move(sessions_[client]);
  sessions_.erase(client);
  if (!gone.connected && gone.how.last_will) publish(client, gone.how.last_will->what, true);
}

void server::publish_will(const std::string& client) {
  session& s = sessions_[client];
  const message m = s.how.last_will->what;
  s.how.last_will = {};
  s.will_due_ms = {};
  publish(client, m, true);
}

bool server::connected(const std::string& client) const {
  auto it = sessions_.find(client);
  return it != sessions_.end() && it->second.connected;
}

void server::heard_from(const std::string& client) { sessions_[client].heard_ms = now_ms_; }

void server::acknowledged(const std::string& client, uint64_t at_ms) {
  if (!connected(client)) return;
  uint64_t& heard_ms = sessions_[client].heard_ms;
  heard_ms = std::max(heard_ms, at_ms);
}

// -- time -----------------------------------------------------------------------

std::optional<std::pair<uint64_t, std::string>> server::next_event() const {
  std::optional<std::pair<uint64_t, std::string>> first;
  auto consider = [&](std::optional<uint64_t> at, const std::string& client) {
    if (at && (!first || *at < first->first)) first = {*at, client};
  };
  for (const auto& [client, s] : sessions_) {
    if (s.connected && s.how.keep_alive_s)
      consider(s.heard_ms + s.how.keep_alive_s * 1500ull, client);
    if (!s.connected) {
      consider(s.will_due_ms, client);
      consider(s.expires_ms, client);
    }
  }
  return first;
}

void server::happen(const std::string& client) {
  session& s = sessions_[client];
  if (s.connected) return lose(client);  // keep-alive
  if (s.will_due_ms && *s.will_due_ms <= now_ms_) return publish_will(client);
  end_session(client);
}

void server::advance(uint64_t to_ms) {
  for (auto e = next_event(); e && e->first <= to_ms; e = next_event()) {
    now_ms_ = std::max(now_ms_, e->first);
    happen(e->second);
  }
  now_ms_ = to_ms;
}

// -- subscriptions --------------------------------------------------------------

bool server::receives(const std::string& client, const std::string& topic) const {
  if (p2p_target(topic) == client) return true;
  const auto& filters = sessions_.at(client).subscriptions;
  return std::any_of(filters.begin(), filters.end(), [&](const auto& f) {
    return matches(is_shared(f.first) ? filter_of(f.first) : f.first, topic);
  });
}

void server::subscribe(const std::string& client, const std::string& filter,
                       const subscription& s) {
  session& its = sessions_[client];
  const bool is_new = !its.subscriptions.contains(filter);
  its.subscriptions[filter] = s;
  if (is_shared(filter)) return;
  if (s.retain_handling == 2 || (s.retain_handling == 1 && !is_new)) return;
  for (const auto& [topic, k] : retained_) {
    if (!matches(filter, topic)) continue;
    copy c = copy_of(k, std::min(s.qos, k.what.qos), true);
    if (s.id) c.ids.insert(s.id);
    deliver(client, c);
  }
}

bool server::unsubscribe(const std::string& client, const std::string& filter) {
  return sessions_[client].subscriptions.erase(filter) > 0;
}

// -- publishing -----------------------------------------------------------------

copy server::copy_of(const kept& k, int qos, bool retain) const {
  return {.topic = k.what.topic,
          .payload = k.what.payload,
          .qos = qos,
          .retain = retain,
          .expires_ms = k.expires_ms,
          .due_ms = now_ms_,
          .loose_expiry = k.loose};
}

void server::publish_once(const std::string& client, uint16_t packet_id, const message& m) {
  if (sessions_[client].received_once.insert(packet_id).second) publish(client, m, false);
}

void server::release(const std::string& client, uint16_t packet_id) {
  sessions_[client].received_once.erase(packet_id);
}

void server::keep(const message& m, const kept& k) {
  if (m.payload.empty())
    retained_.erase(m.topic);
  else
    retained_[m.topic] = k;
}

void server::publish(const std::string& from, const message& m, bool is_will) {
  kept k{m, {}, is_will};
  if (m.expiry_s) k.expires_ms = now_ms_ + *m.expiry_s * 1000ull;
  if (const std::string to = p2p_target(m.topic); !to.empty()) {
    if (sessions_.contains(to)) deliver(to, copy_of(k, m.qos, false));
    return;
  }
  if (m.retain) keep(m, k);
  for (auto& [client, s] : sessions_)
    if (auto c = copy_for(s, k, client == from)) deliver(client, *c);
  share(m, k);
}

std::optional<copy> server::copy_for(const session& s, const kept& k, bool its_own) const {
  std::optional<copy> c;
  for (const auto& [filter, sub] : s.subscriptions) {
    if (is_shared(filter) || !matches(filter, k.what.topic)) continue;
    if (sub.no_local && its_own) continue;
    if (!c) c = copy_of(k, 0, false);
    c->qos = std::max(c->qos, std::min(sub.qos, k.what.qos));
    if (sub.retain_as_published && k.what.retain) c->retain = true;
    if (sub.id) c->ids.insert(sub.id);
  }
  return c;
}

void server::share(const message& m, const kept& k) {
  std::map<std::string, shared_choice> by_group;  // by the whole "$share/group/filter"
  for (const auto& [client, s] : sessions_)
    for (const auto& [filter, sub] : s.subscriptions) {
      if (!is_shared(filter) || !matches(filter_of(filter), m.topic) || !s.connected) continue;
      copy c = copy_of(k, std::min(sub.qos, m.qos), sub.retain_as_published && m.retain);
      if (sub.id) c.ids.insert(sub.id);
      by_group[filter].candidates[client] = c;
    }
  for (auto& [filter, choice] : by_group) shared_due_.push_back(std::move(choice));
}

bool server::shared_is_certain(const std::string& topic) const {
  std::map<std::string, bool> someone_there;
  for (const auto& [client, s] : sessions_)
    for (const auto& [filter, sub] : s.subscriptions)
      if (is_shared(filter) && matches(filter_of(filter), topic))
        someone_there[filter] |= s.connected;
  return std::all_of(someone_there.begin(), someone_there.end(), [](auto& x) { return x.second; });
}

// -- delivery -------------------------------------------------------------------

void server::deliver(const std::string& client, copy c) {
  session& s = sessions_[client];
  if (expired(c)) return;
  if (!s.connected) {
    if (c.qos > 0) s.queue.push_back(std::move(c));
  } else if (c.qos == 0) {
    if (!too_large(s, c)) give(client, std::move(c));
  } else {
    s.queue.push_back(std::move(c));
    pump(client, s);
  }
}

void server::give(const std::string& client, copy c) {
  c.due_ms = now_ms_;
  due_[client].push_back(std::move(c));
}

void server::send(const std::string& client, session& s, copy c) {
  c.serial = ++last_serial_;
  give(client, c);
  if (s.how.prompt)
    s.heard_ms = now_ms_;  // its acknowledgement
  else
    s.in_flight.push_back({std::move(c), false, true});
}

void server::pump(const std::string& client, session& s) {
  while (!s.queue.empty() && s.in_flight.size() < s.how.receive_max) {
    copy c = std::move(s.queue.front());
    s.queue.pop_front();
    if (!expired(c) && !too_large(s, c)) send(client, s, std::move(c));
  }
}

// What is in flight comes again in its order, as far as the client takes it; then what waits.
void server::resend(const std::string& client, session& s) {
  std::erase_if(s.in_flight,
                [&](const flight& f) { return !f.sent && !f.pubrec_came && too_large(s, f.c); });
  size_t on_the_way = 0;
  for (auto& f : s.in_flight) {
    if (++on_the_way > s.how.receive_max) return;
    if (std::exchange(f.sent, true)) continue;
    copy c = f.c;
    c.dup = !f.pubrec_came;
    c.released = f.pubrec_came;
    give(client, std::move(c));
  }
  pump(client, s);
}

server::due_ack server::next_ack(const std::string& client) const {
  auto it = sessions_.find(client);
  if (it == sessions_.end() || !it->second.connected || it->second.in_flight.empty()) return {};
  const flight& f = it->second.in_flight.front();
  const next what = f.c.qos == 1 ? next::puback : f.pubrec_came ? next::pubcomp : next::pubrec;
  return {what, f.c.serial};
}

void server::acknowledge(const std::string& client) {
  session& s = sessions_[client];
  flight& f = s.in_flight.front();
  if (f.c.qos == 2 && !std::exchange(f.pubrec_came, true)) {
    copy c = f.c;
    c.released = true;
    give(client, std::move(c));
    return;
  }
  s.in_flight.pop_front();
  resend(client, s);
}

}  // namespace dunlin::model
