#include "broker/session.hpp"

#include <algorithm>
#include <random>

#include "base/log.hpp"
#include "base/wall_clock.hpp"
#include "broker/carried.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/properties.hpp"
#include "broker/quiet_scheduler.hpp"
#include "broker/session_authentication.hpp"

namespace dunlin {

using mqtt::reason;

namespace {

constexpr uint32_t never_s = ~0u;

bool is_error(reason r) { return static_cast<uint8_t>(r) >= 0x80; }

std::string channel_id(uint64_t connection) {
  // Unique over restarts and nodes: a number of this process in front.
  static const uint64_t process = [] {
    std::random_device d;
    return (uint64_t{d()} << 32) | d();
  }();
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(process),
                static_cast<unsigned long long>(connection));
  return text;
}

}  // namespace

session_gate* gate_of(const session_actor& s) {
  return &static_cast<session*>(caf::actor_cast<caf::abstract_actor*>(s))->gate();
}

// With CAF's control block in front it takes an allocator's block of this size; the next is 256
// bytes larger. What is rare stands behind a pointer.
static_assert(sizeof(caf::actor_storage<session>) <= 1536);

session::session(caf::actor_config& c, directory& d, std::string client_id)
    : pinned(c), directory_(d), promised_(&d.now()), outgoing_(d.now().queue) {
  gate_.client_id = std::move(client_id);
  timer_.owner = this;
  timer_.on_fire = [](net::timer& t) { static_cast<session_timer&>(t).owner->on_timer(); };
}

session::~session() {
  // Copies that were still on the way to it when it ended.
  if (auto* r = net::reactor::current()) {
    r->count().dropped[metrics::drop_reason::session_ended].add(gate_.mailbox.load());
  }
}

// For each session CAF would allocate all its handlers again, half a kilobyte.
constinit thread_local session* session::running_ = nullptr;

session::behavior_type session::make_behavior() {
  static const auto& shared = *new behavior_type(handlers());
  return shared;
}

caf::invoke_message_result session::consume(caf::mailbox_element& m) {
  DUNLIN_TSAN_ACQUIRE(this);
  current_element_ = &m;
  if (auto* d = carried<deliver>(m)) {
    watched w(*this);
    on_deliver(*d);
  } else if (auto* a = carried<accepted>(m)) {
    watched w(*this);
    batch_answered(*a);
  } else if (auto* c = carried<attach_connection>(m)) {
    watched w(*this);
    on_attach(*c);
  } else {
    running_ = this;
    return pinned::consume(m);
  }
  DUNLIN_TSAN_RELEASE(this);
  return caf::invoke_message_result::consumed;
}

bool session::cleanup(caf::error&& why, caf::execution_unit* host) {
  const quiet_clock::no_timeouts mine;
  return pinned::cleanup(std::move(why), host);
}

session::behavior_type session::handlers() {
  return {[](deliver& d) {
            watched w(*running_);
            running_->on_deliver(d);
          },
          [](const accepted& a) {
            watched w(*running_);
            running_->batch_answered(a);
          },
          [](const subscribed& s) {
            watched w(*running_);
            running_->shard_answered(s.token);
          },
          [](attach_connection& a) {
            watched w(*running_);
            running_->on_attach(a);
          },
          [](arrived& a) {
            if (!running_->at_home()) return running_->send(running_, arrived{std::move(a.what)});
            watched w(*running_);
            running_->begin(a.what);
          },
          [](const end_session& e) {
            watched w(*running_);
            running_->end(e.why);
          },
          [](const begin_trace& b) { running_->on_begin_trace(b); },
          [](const disconnect_client& d) {
            watched w(*running_);
            running_->detach(close_kind::by_server, d.code, d.why);
          },
          [](const describe_client&) { return running_->facts(); },
          [](const check_ban&) {
            watched w(*running_);
            running_->on_check_ban();
          },
          [](const hand_over& h) {
            watched w(*running_);
            running_->on_hand_over(h);
          }};
}

// -- a connection comes -------------------------------------------------------

void session::on_attach(attach_connection& a) {
  if (conn_)
    detach(close_kind::taken_over, reason::session_taken_over, "the client connected again");
  generation_ = a.generation;
  timer_.cancel();
  holding_.reset();
  net::reactor& where = a.connection->reactor();
  // Not while it is on its way there: this may still be the reactor that it leaves.
  if (&where == &home() && at_home()) return begin(a);
  // The client came back on another reactor: the session goes there, and begins when it has
  // arrived.
  move_to(where);
  send(this, arrived{std::move(a)});
}

void session::begin(attach_connection& a) {
  const connect_request& r = *a.request;
  if (a.generation != generation_ || ended_) {  // overtaken by a later one
    // A connection is closed on its own reactor, which may have events for it.
    net::reactor& its = a.connection->reactor();
    its.post([c = std::move(a.connection)] { c->close(); });
    return;
  }
  if (std::exchange(offline_counted_, false)) directory_.offline_sessions.fetch_sub(1);
  const bool present = a.existed && !r.clean_start && !over_;
  over_ = false;
  if (!present) discard_state();
  // A will that waited is due when its session ends or a new connection does not come in time
  // [MQTT-3.1.3-9]. After the subscriptions have gone: the session that begins does not get it.
  if (r.clean_start && will_) publish_will();
  will_.reset();
  if (a.connection->closed()) {
    session_expiry_s_ = r.session_expiry_s;
    return keep_session_or_end();
  }
  conn_ = std::move(a.connection);
  if (home().index() < directory_.placement.in_use()) stay();
  take(r);
  slow_ = held_ = false;  // batches of before are still outstanding, and still bound it
  gate_.slow.store(false);
  gate_.online.store(true);
  if (directory_.traces.any()) [[unlikely]]
    find_trace();
  if (trace_) trace_connected(r, present);
  const bool answered = answer_connect(r, present);
  core::tally t;
  outgoing_.connect(
      {ver_, std::min(directory_.limits().inflight_max, r.receive_max), r.packet_bytes_max,
       std::min(directory_.limits().topic_alias_client_max, r.topic_alias_max)},
      home().now_ms(), conn_->out(), t);
  outgoing_.pump(home().now_ms(), conn_->out(), directory_.limits().output_high_bytes, t);
  count(t);
  update_flow();
  if (shared_)
    for (const auto& s : shared_subscriptions())
      send_to_shards(member_online{s.filter, s.group, &gate_}, s.filter.view());
  if (!directory_.now().topics.auto_subscribe.empty()) auto_subscribe();
  conn_->changed();
  since_ms_ = home().now_ms();
  watch_keep_alive();
  conn_->set_consumer(this);
  if (trace_) trace_sent();
  conn_->start_reading();
  tell_status_rule(rules::client_event_kind::connect);
  log_connect(r, present);
  if (!answered) {
    will_.reset();  // of a connection that was refused
    detach(close_kind::lost, reason::packet_too_large,
           "CONNACK is over the client's maximum packet size");
  }
}

// What of a CONNECT holds as long as its connection.
void session::take(const connect_request& r) {
  promised_ = &directory_.now();
  ver_ = r.ver;
  keep_alive_s_ = r.keep_alive_s;
  session_expiry_s_ = r.session_expiry_s;
  problem_information_ = r.problem_information;
  authentication_.reset();
  if (r.enhanced) authentication_ = std::make_unique<authentication>(r.user_name);
  listener_ = r.listener->guard;
  user_name_ = core::shared_text(r.user_name);
  if (directory_.guard.ban_list.any()) send(this, check_ban{});  // banned on its way here
  if (r.last_will) will_ = std::make_unique<connect_request::will>(*r.last_will);
}

bool session::answer_connect(const connect_request& r, bool session_present) {
  const options& limits = promised();
  mqtt::connack ack;
  ack.session_present = session_present && ver_ != mqtt::version::v31;
  if (v5()) {
    auto& p = ack.props;
    if (r.session_expiry_lowered) p.session_expiry_interval = r.session_expiry_s;
    if (r.assigned_id) p.assigned_client_id = gate_.client_id;
    if (r.keep_alive_lowered) p.server_keep_alive = r.keep_alive_s;
    if (limits.receive_max != 65'535) p.receive_maximum = limits.receive_max;
    if (limits.qos_max < 2) p.maximum_qos = limits.qos_max;
    if (!limits.retain_available) p.retain_available = false;
    if (!limits.wildcard_available) p.wildcard_subscription_available = false;
    if (!limits.shared_available) p.shared_subscription_available = false;
    if (limits.topic_alias_max) p.topic_alias_maximum = limits.topic_alias_max;
    p.maximum_packet_size = limits.packet_bytes_max;
    if (r.enhanced) {
      p.authentication_method = access::scram_method;
      p.authentication_data = r.authentication_data;
    }
  }
  std::string information;
  if (r.response_information) {
    information = directory_.now().mqtt.response_information(gate_.client_id);
    if (!information.empty()) ack.props.response_information = information;
  }
  if (put(ack, mqtt::packet_type::connack, r.packet_bytes_max)) return true;
  ack.props.response_information.reset();
  if (put(ack, mqtt::packet_type::connack, r.packet_bytes_max)) return true;
  mqtt::connack refusal;  // no DISCONNECT may come before a CONNACK [MQTT-3.14.0-1]
  refusal.code = reason::packet_too_large;
  put(refusal, mqtt::packet_type::connack, r.packet_bytes_max);
  return false;
}

// Answers how many shards will say with `token` that they have nothing more of a shared
// subscription.
uint32_t session::discard_state(uint32_t token) {
  const std::vector<filter_parts> shared = shared_subscriptions();
  uint32_t due = 0;
  for (const auto& [filter, s] : subscriptions_) {
    const auto parts = parse(filter.view());
    const uint32_t own = parts.group.empty() ? 0 : token;
    const uint32_t shards = send_to_shards(unsubscribe_from{parts.filter, parts.group, &gate_, own},
                                           parts.filter.view());
    if (own) due += shards;
  }
  home().count().subscriptions.sub(subscriptions_.size());
  decltype(subscriptions_)().swap(subscriptions_);
  shared_ = 0;
  pages_due_.reset();
  core::tally t;
  // Sent after the unsubscribes, so it is not chosen again.
  give_back(outgoing_.take_shared(t), shared);
  outgoing_.clear(t);
  count(t);
  incoming_.clear();
  answers_.reset();
  if (due) leaving_ = std::make_unique<leave>(leave{shared, due});
  return due;
}

// -- the connection goes ------------------------------------------------------

void session::on_closed() {
  detach(close_kind::lost, reason::success, "connection closed by the peer");
}

void session::detach(close_kind how, reason code, std::string_view why) {
  if (!conn_) return;
  auto& counters = home().count();
  if (how == close_kind::by_server || how == close_kind::taken_over) {
    if (v5() && !conn_->closed()) tell_disconnect(code, why);
    counters.disconnects[code].add();
  } else {
    (how == close_kind::lost ? counters.connections_lost : counters.disconnected_by_client).add();
  }
  log_disconnect(how, code, why);
  if (trace_) trace_disconnected(how, code, why);
  lag_.reset();
  if (how == close_kind::disconnected) tell_status_rule(rules::client_event_kind::disconnect);
  tell_status_rule(rules::client_event_kind::tcpclean);
  conn_->close();
  conn_ = nullptr;
  gate_.online.store(false);
  gate_.congested.store(false);
  gate_.slow.store(false);
  timer_.cancel();
  holding_.reset();
  aliases_.reset();
  answers_.reset();
  rate_.reset();
  outgoing_.disconnect();
  incoming_.disconnect();
  release_publishers();
  authentication_.reset();
  // With any other code the client wants it published [MQTT-3.1.2-10, 3.14.4-3].
  if (how == close_kind::disconnected && code == reason::success) will_.reset();
  keep_session_or_end();
  // What is in flight stays for the client to come back [MQTT-4.8.2-4]; what it never saw goes to
  // members that are there.
  if (shared_ && !over_) pass_on_unsent(0);
}

void session::tell_disconnect(reason code, std::string_view why) {
  const uint32_t most = outgoing_.client().packet_bytes_max;
  mqtt::disconnect d;
  d.code = code;
  if (code == reason::use_another_server || code == reason::server_moved)
    d.props.server_reference = directory_.now().mqtt.server_reference;
  if (problem_information_ && !why.empty()) d.props.reason_string = why;
  if (put(d, mqtt::packet_type::disconnect, most)) return;
  d.props = {};
  put(d, mqtt::packet_type::disconnect, most);
}

void session::keep_session_or_end() {
  since_ms_ = home().now_ms();
  if (will_ && will_at_ms() <= since_ms_) publish_will();
  const bool room = directory_.offline_sessions.load() < directory_.limits().offline_sessions_max;
  over_ = session_expiry_s_ == 0 || !room;
  if (over_) {
    if (will_) publish_will();
    send(directory_.registries[directory_.registry_of(gate_.client_id)],
         release_session{gate_.client_id, generation_});
    return;
  }
  directory_.offline_sessions.fetch_add(1);
  offline_counted_ = true;
  home().timers().set(timer_, wakes_at_ms());
}

// One and a half keep-alive times from its last packet on [MQTT-3.1.2-22].
void session::watch_keep_alive() {
  if (keep_alive_s_) home().timers().set(timer_, keep_alive_over_ms());
}

uint64_t session::expires_at_ms() const {
  return since_ms_ + (session_expiry_s_ == never_s ? ~0ull / 2 : session_expiry_s_ * 1000ull);
}

// When its delay or the session is over, whichever is first [MQTT-3.1.3-9].
uint64_t session::will_at_ms() const {
  return std::min<uint64_t>(since_ms_ + will_->delay_s * 1000ull, expires_at_ms());
}

void session::publish_will() {
  auto w = std::move(will_);
  if (w->expiry_s) {  // its life begins now
    auto props = mqtt::parse_forwarded(w->msg->properties());
    props.message_expiry_interval = w->expiry_s;
    w->msg = mqtt::message::make({w->msg->topic(), w->msg->payload(), w->msg->qos(),
                                  w->msg->retain(), props, home().now_ms()});
  }
  mqtt::message_ptr msg = std::move(w->msg);
  std::string_view topic = msg->topic();
  uint32_t delay_s = 0;
  if (topic.front() == '$' || directory_.now().topics.rewrite) {
    if (is_error(change_topic(topic, &delay_s))) {
      home().count().published.add();
      home().count().refused.add();
      return;
    }
    if (topic != msg->topic()) msg = msg->under(topic);
  }
  router& r = router::of_this_thread();
  r.add(directory_, {std::move(msg), core::incoming::no_slot, {}, delay_s});
  // In mid-read it goes with what the client published before it.
  if (!reading_)
    r.send_unanswered(directory_, &gate_, caf::actor_cast<caf::strong_actor_ptr>(this));
}

void session::on_timer() {
  watched w(*this);
  const uint64_t now = home().now_ms();
  if (conn_) {
    if (held_ || (rate_ && rate_->held())) since_ms_ = now;  // it is not heard since it is not read
    if (!lag_ && outgoing_.in_flight() > 0) fall_behind();   // not acknowledged for as long as this
    if (now < keep_alive_over_ms()) return watch_keep_alive();
    return detach(close_kind::by_server, reason::keep_alive_timeout,
                  "no packet within one and a half keep-alive times");
  }
  if (will_ && now >= will_at_ms()) publish_will();
  if (now < expires_at_ms()) return home().timers().set(timer_, wakes_at_ms());
  over_ = true;
  if (std::exchange(offline_counted_, false)) directory_.offline_sessions.fetch_sub(1);
  send(directory_.registries[directory_.registry_of(gate_.client_id)],
       release_session{gate_.client_id, generation_});
}

void session::on_hand_over(const hand_over& h) {
  if (!conn_ && !ended_) pass_on_unsent(core::share_of(h.group.view(), h.filter.view()));
}

void session::on_check_ban() {
  if (!conn_) return;
  const auto r = directory_.guard.banned({gate_.client_id, user_name_.view(), conn_->peer()});
  // DISCONNECT has no code of its own for it [MQTT-3.14.2-1].
  if (r) detach(close_kind::by_server, reason::administrative_action, r->why);
}

void session::end(end_reason why) {
  if (why == end_reason::shutdown) {
    will_.reset();  // the node goes, not the client
    detach(close_kind::by_server, directory_.now().mqtt.leave_code(reason::server_shutting_down),
           "the server shuts down");
    return;
  }
  ended_ = true;
  if (trace_) trace_note("session_ended", "expired");
  timer_.cancel();
  if (std::exchange(offline_counted_, false)) directory_.offline_sessions.fetch_sub(1);
  // A shared subscription's messages that are on the way to it go to other members first.
  if (discard_state(leave_token) == 0) quit();
}

void session::tell_status_rule(rules::client_event_kind kind) {
  const auto* rule = directory_.status_rule(gate_.client_id);
  if (!rule || !conn_) return;
  send(*rule, rules::client_event{kind, gate_.client_id, channel_id(conn_->id()), conn_->peer(),
                                  wall_clock_ms()});
}

void session::log_connect(const connect_request& r, bool present) {
  if (!log::enabled(log::level::info)) return;
  log::info("client_connected", {{"client_id", gate_.client_id},
                                 {"address", conn_->peer()},
                                 {"version", static_cast<int>(ver_)},
                                 {"clean_start", r.clean_start},
                                 {"session_present", present},
                                 {"keep_alive_s", keep_alive_s_},
                                 {"user_name", r.user_name},
                                 {"listener", r.listener ? r.listener->name : ""},
                                 {"tls", conn_->tls_version()}});
}

void session::log_disconnect(close_kind how, reason code, std::string_view why) {
  const bool abnormal = how == close_kind::by_server && !directory_.draining.load();
  const auto level = abnormal ? log::level::warn : log::level::info;
  if (!log::enabled(level)) return;
  log::write(level, "client_disconnected",
             {{"client_id", gate_.client_id},
              {"address", conn_->peer()},
              {"by", how == close_kind::disconnected ? "client"
                     : how == close_kind::lost       ? "network"
                                                     : "server"},
              {"reason", mqtt::to_string(code)},
              {"why", why}});
}

}  // namespace dunlin
