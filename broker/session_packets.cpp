// Packets from the client.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/utf8.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/topic.hpp"
#include "broker/session_authentication.hpp"

namespace dunlin {

using mqtt::packet_type;
using mqtt::reason;

namespace {

size_t levels(std::string_view topic) {
  return 1 + static_cast<size_t>(std::count(topic.begin(), topic.end(), '/'));
}

bool is_error(reason r) { return static_cast<uint8_t>(r) >= 0x80; }

// The packet identifier of a PUBACK that has nothing else, in its shortest form; 0: not such a one.
uint16_t plain_puback(const mqtt::frame& f) {
  return f.size == 4 ? static_cast<uint16_t>(static_cast<uint8_t>(f.body[0]) << 8 |
                                             static_cast<uint8_t>(f.body[1]))
                     : uint16_t{0};
}

}  // namespace

// -- PUBLISH ------------------------------------------------------------------

inline bool session::admissible(const mqtt::publish& p) {
  const options& limits = directory_.limits();
  if (p.qos > promised().qos_max) return fail(reason::qos_not_supported, "QoS above the maximum");
  if (p.retain && !promised().retain_available)
    return fail(reason::retain_not_supported, "retained messages are switched off");
  if (p.topic.size() > limits.topic_bytes_max ||
      (p.topic.size() >= limits.topic_levels_max && levels(p.topic) > limits.topic_levels_max))
    return fail(reason::topic_name_invalid, "topic name longer or deeper than allowed");
  if (v5() && p.qos > 0 && incoming_.unacknowledged() >= promised().receive_max)
    return fail(reason::receive_maximum_exceeded, "more unacknowledged PUBLISH than allowed");
  return true;
}

inline reason session::refused_by_policy(const mqtt::publish& p) const {
  const options& limits = directory_.limits();
  if (p.topic.front() == '$' && p.topic.substr(0, 5) == "$SYS/") return reason::not_authorized;
  if (limits.payload_bytes_max && p.payload.size() > limits.payload_bytes_max)
    return reason::quota_exceeded;
  if (p.props.payload_is_utf8 && directory_.now().mqtt.validate_payload_format &&
      !utf8_valid(p.payload))
    return reason::payload_format_invalid;
  return reason::success;
}

inline bool session::on_publish(const mqtt::frame& f) {
  auto result = mqtt::decode_publish(f, ver_);
  if (const auto* m = std::get_if<mqtt::malformed>(&result)) return fail(m->code, m->why);
  mqtt::publish& p = *std::get_if<mqtt::publish>(&result);
  home().count().received[p.qos].add();
  if (v5() && !resolve_alias(p)) return false;
  if (!admissible(p)) return false;
  if (p.qos == 2) {
    const auto seen = incoming_.check_qos2(p.packet_id);
    if (seen == core::incoming::seen::answer) incoming_.add_answer(p.packet_id, 2, reason::success);
    if (seen != core::incoming::seen::no) return true;
  }
  uint32_t delay_s = 0;
  reason r = reason::success;
  if (p.topic.front() == '$' || directory_.now().topics.rewrite) [[unlikely]]
    r = change_topic(p.topic, &delay_s);
  if (!is_error(r)) r = refused_by_policy(p);
  if (is_error(r)) [[unlikely]]
    return refuse(p, r);
  auto msg = mqtt::message::make(p, home().now_ms());
  const uint32_t slot =
      p.qos ? incoming_.add(p.packet_id, p.qos) : uint32_t{core::incoming::no_slot};
  router& to = router::of_this_thread();
  if (delay_s) [[unlikely]]
    to.add(directory_, {std::move(msg), slot, {}, delay_s});
  else
    to.add(directory_, std::move(msg), slot);
  return true;
}

bool session::refuse(const mqtt::publish& p, reason r) {
  home().count().published.add();
  home().count().refused.add();
  if (trace_) trace_note("refused", mqtt::to_string(r), std::string(p.topic));
  if (p.qos) incoming_.add_answer(p.packet_id, p.qos, v5() ? r : reason::success);
  return true;
}

// -- a read -------------------------------------------------------------------

// Inline, as what follows: once for each packet.
inline bool session::handle(const mqtt::frame& f, read_acks& acks) {
  home().count().packets_received[f.type].add();
  switch (f.type) {
    case packet_type::publish:
      return on_publish(f);
    case packet_type::puback:
      if (const uint16_t id = plain_puback(f)) {
        acks.any = true;
        outgoing_.puback(id, acks.tally);
        return true;
      }
      return on_ack(f, acks);
    case packet_type::pubrec:
    case packet_type::pubrel:
    case packet_type::pubcomp:
      return on_ack(f, acks);
    case packet_type::subscribe:
      return on_subscribe(f);
    case packet_type::unsubscribe:
      return on_unsubscribe(f);
    case packet_type::pingreq:
      if (f.flags != 0 || !f.body.empty())
        return fail(reason::malformed_packet, "PINGREQ with flags or a body");
      mqtt::encode(mqtt::pingresp{}, ver_, conn_->out());
      home().count().packets_sent[packet_type::pingresp].add();
      return true;
    case packet_type::disconnect:
      return on_disconnect(f);
    case packet_type::connect:
      return fail(reason::protocol_error, "a second CONNECT");  // [MQTT-3.1.0-2]
    case packet_type::auth:
      return on_auth(f);
    default:
      return fail(reason::protocol_error, "a packet that only a server sends");
  }
}

size_t session::consume(std::string_view bytes) {
  watched w(*this);
  since_ms_ = home().now_ms();
  reading_ = true;
  incoming_.begin_read();
  if (directory_.guard.watching() && !rate_) start_rate();
  const bool observed = trace_ || rate_;
  size_t used = 0;
  read_acks acks;
  while (used < bytes.size()) {
    const auto result = mqtt::next_frame(bytes.substr(used), promised().packet_bytes_max);
    if (const auto* f = std::get_if<mqtt::frame>(&result)) {
      used += f->size;
      if (observed && trace_) [[unlikely]]
        trace_in(*f);
      if (!handle(*f, acks)) break;
      if (observed && rate_ && rate_over(*f)) break;
    } else if (const auto* m = std::get_if<mqtt::malformed>(&result)) {
      fail(m->code, m->why);
      break;
    } else {
      break;
    }
  }
  reading_ = false;
  if (acks.any) settle(acks);
  send_batches();
  const uint32_t batches = std::exchange(batches_sent_, 0);
  incoming_.end_read(batches);
  outstanding_ += batches;
  if (!conn_) {
    incoming_.disconnect();
    return used;
  }
  if (batches == 0) send_acks();
  if (conn_ && outstanding_ >= directory_.limits().batches_outstanding_max) {
    held_ = true;
    conn_->pause_reading();
    if (trace_) trace_note("held", "", "not read until batches are answered");
  }
  if (rate_) rate_after_read();
  if (conn_ && conn_->unsent() > 0) conn_->changed();
  return used;
}

bool session::fail(reason code, std::string_view why) {
  detach(close_kind::by_server, code, why);
  return false;
}

bool session::resolve_alias(mqtt::publish& p) {
  if (!p.props.subscription_identifiers.empty())
    return fail(reason::protocol_error, "a client's PUBLISH with a subscription identifier");
  if (!p.props.topic_alias) return true;
  const uint16_t alias = *p.props.topic_alias;
  if (alias == 0 || alias > promised().topic_alias_max)
    return fail(reason::topic_alias_invalid, "topic alias 0 or above the maximum");
  if (!aliases_) aliases_ = std::make_unique<client_aliases>();
  auto& topics = aliases_->topics;
  if (p.topic.empty()) {
    if (alias > topics.size() || topics[alias - 1].empty())
      return fail(reason::protocol_error, "a topic alias that was not set");
    p.topic = topics[alias - 1];
    return true;
  }
  if (alias > topics.size()) topics.resize(alias);
  std::string& kept = topics[alias - 1];
  if (kept == p.topic) return true;
  aliases_->bytes += p.topic.size() - kept.size();
  if (aliases_->bytes > directory_.limits().topic_alias_bytes_max)
    return fail(reason::quota_exceeded, "topics of aliases over limits.topic_alias_bytes_max");
  kept = std::string(p.topic);  // not assigned: that would keep the room of a longer one
  return true;
}

void session::batch_answered(const accepted& a) {
  incoming_.answered(a.read, a.refusals);
  if (outstanding_ > 0) --outstanding_;
  send_acks();
  if (!conn_) return;
  conn_->changed();
  if (held_ && outstanding_ < directory_.limits().batches_outstanding_max) {
    held_ = false;
    if (trace_) trace_note("read_again", "");
    resume_reading();
  }
}

void session::send_batches() {
  router& r = router::of_this_thread();
  batches_sent_ += r.batches();
  r.send_all(*this, directory_, incoming_.next_read(), &gate_);
}

void session::send_acks() {
  uint64_t pubacks = 0, pubrecs = 0;
  std::string unsent;
  const uint32_t told = problem_information_ ? outgoing_.client().packet_bytes_max : 0;
  const reason r = incoming_.drain(ver_, conn_ ? conn_->out() : unsent, &pubacks, &pubrecs, told);
  if (!conn_) return;
  auto& sent = home().count().packets_sent;
  if (pubacks) sent[packet_type::puback].add(pubacks);
  if (pubrecs) sent[packet_type::pubrec].add(pubrecs);
  // 3.x has no way to tell a refusal: no acknowledgement, and the client sends it again.
  if (is_error(r)) fail(r, "a message could not be taken");
}

// -- acknowledgements ---------------------------------------------------------

bool session::on_ack(const mqtt::frame& f, read_acks& acks) {
  auto result = mqtt::decode_ack(f, ver_);
  if (const auto* m = std::get_if<mqtt::malformed>(&result)) return fail(m->code, m->why);
  const mqtt::ack& a = *std::get_if<mqtt::ack>(&result);
  core::tally& t = acks.tally;
  acks.any = true;
  auto& sent = home().count().packets_sent;
  switch (a.type) {
    case packet_type::puback:
      outgoing_.puback(a.packet_id, t, a.code);
      break;
    case packet_type::pubrec:
      outgoing_.pubrec(a.packet_id, a.code, conn_->out(), t);
      sent[packet_type::pubrel].add();
      break;
    case packet_type::pubcomp:
      outgoing_.pubcomp(a.packet_id, t);
      break;
    default: {
      const bool known = incoming_.release(a.packet_id);
      mqtt::encode_ack(packet_type::pubcomp, a.packet_id,
                       known ? reason::success : reason::packet_identifier_not_found, ver_,
                       conn_->out());
      sent[packet_type::pubcomp].add();
    }
  }
  return true;
}

// All acknowledgements of a read have been taken: what they made room for is sent at once.
void session::settle(const read_acks& acks) {
  count(acks.tally);
  if (outgoing_.has_sendable()) {
    pump();
    update_flow();
  } else if (lag_) {
    observe_lag();
  }
}

// -- SUBSCRIBE and UNSUBSCRIBE ------------------------------------------------

session::filter_parts session::parse(std::string_view filter) {
  if (const auto shared = mqtt::parse_shared(filter))
    return {core::filter_ptr(shared->filter), core::shared_text(shared->group)};
  return {core::filter_ptr(filter), {}};
}

uint32_t session::new_answer(bool is_subscribe, uint16_t packet_id) {
  if (!answers_) answers_ = std::make_unique<absl::flat_hash_map<uint32_t, pending_answer>>();
  if (++last_token_ == 0) ++last_token_;
  (*answers_)[last_token_] = {is_subscribe, packet_id, 0, {}};
  return last_token_;
}

bool session::on_subscribe(const mqtt::frame& f) {
  auto result = mqtt::decode_subscribe(f, ver_);
  if (const auto* m = std::get_if<mqtt::malformed>(&result)) return fail(m->code, m->why);
  const mqtt::subscribe& s = *std::get_if<mqtt::subscribe>(&result);
  send_batches();  // a shard sees what came first first
  const uint32_t token = new_answer(true, s.packet_id);
  std::vector<reason> codes;
  uint32_t due = 0;
  for (auto e : s.entries) {
    std::string changed;
    codes.push_back(change_filter(e.filter, changed)
                        ? subscribe_one(e, s.props.subscription_identifier.value_or(0), token, &due)
                        : reason::topic_filter_invalid);
  }
  pending_answer& a = (*answers_)[token];
  a.codes = std::move(codes);
  a.shards_due = due;
  if (due == 0) finish_answer(token);
  return conn_ != nullptr;
}

reason session::subscribe_one(const mqtt::subscribe_entry& e, uint32_t id, uint32_t token,
                              uint32_t* shards) {
  const options& limits = directory_.limits();
  const auto parts = parse(e.filter);
  const std::string_view filter = parts.filter.view();
  if (filter.size() > limits.topic_bytes_max || levels(filter) > limits.topic_levels_max)
    return reason::topic_filter_invalid;
  if (!promised().wildcard_available && mqtt::has_wildcard(filter))
    return reason::wildcard_subscriptions_not_supported;
  if (!promised().shared_available && !parts.group.empty())
    return reason::shared_subscriptions_not_supported;
  auto it = subscriptions_.find(e.filter);
  const bool is_new = it == subscriptions_.end();
  if (is_new && subscriptions_.size() >= limits.subscriptions_per_client_max)
    return reason::quota_exceeded;
  subscription granted{e.options, id};
  granted.options.qos = std::min(e.options.qos, promised().qos_max);
  if (is_new) {
    // The text is shared with the shards; a shared subscription's also names the group.
    const auto key = parts.group.empty() ? parts.filter : core::filter_ptr(e.filter);
    subscriptions_.emplace(key, granted);
    home().count().subscriptions.add();
    if (!parts.group.empty()) ++shared_, tell_group();
  } else {
    it->second = granted;
  }
  const bool retained =
      e.options.retain_handling == 0 || (e.options.retain_handling == 1 && is_new);
  *shards += send_to_shards(subscribe_to{parts.filter, parts.group, granted.options, id, retained,
                                         caf::actor_cast<session_actor>(this), &gate_, token},
                            filter);
  return static_cast<reason>(granted.options.qos);
}

bool session::on_unsubscribe(const mqtt::frame& f) {
  auto result = mqtt::decode_unsubscribe(f, ver_);
  if (const auto* m = std::get_if<mqtt::malformed>(&result)) return fail(m->code, m->why);
  const mqtt::unsubscribe& u = *std::get_if<mqtt::unsubscribe>(&result);
  send_batches();
  const uint32_t token = new_answer(false, u.packet_id);
  std::vector<reason> codes;
  uint32_t due = 0;
  for (const auto& asked : u.filters) {
    std::string changed;
    std::string_view filter = asked;
    if (change_filter(filter, changed) && !subscriptions_.contains(filter)) filter = asked;
    auto it = subscriptions_.find(filter);
    if (it == subscriptions_.end()) {
      codes.push_back(reason::no_subscription_existed);
      continue;
    }
    const auto parts = parse(filter);
    due += send_to_shards(unsubscribe_from{parts.filter, parts.group, &gate_, token},
                          parts.filter.view());
    if (!parts.group.empty()) {
      pass_on_unsent(core::share_of(parts.group.view(), parts.filter.view()));
      --shared_;
    }
    subscriptions_.erase(it);
    home().count().subscriptions.sub();
    codes.push_back(reason::success);
  }
  pending_answer& a = (*answers_)[token];
  a.codes = std::move(codes);
  a.shards_due = due;
  if (due == 0) finish_answer(token);
  return conn_ != nullptr;
}

void session::shard_answered(uint32_t token) {
  if (leaving_ && token == leave_token && --leaving_->shards_due == 0) return quit();
  if (!answers_) return;
  auto it = answers_->find(token);
  if (it != answers_->end() && --it->second.shards_due == 0) finish_answer(token);
}

void session::finish_answer(uint32_t token) {
  auto it = answers_->find(token);
  const pending_answer a = std::move(it->second);
  answers_->erase(it);
  if (answers_->empty()) answers_.reset();
  if (!conn_) return;
  if (a.subscribe)
    send_answer(mqtt::suback{a.packet_id, a.codes, {}}, packet_type::suback);
  else
    send_answer(mqtt::unsuback{a.packet_id, a.codes, {}}, packet_type::unsuback);
  if (conn_) conn_->changed();
}

// With the reason of the first refusal, where the client wants it and can take it [MQTT-3.1.2-29,
// 3.9.2-1, 3.11.2-1].
template <class Answer>
void session::send_answer(Answer a, packet_type type) {
  const uint32_t most = outgoing_.client().packet_bytes_max;
  const auto refused = std::find_if(a.codes.begin(), a.codes.end(), is_error);
  if (v5() && problem_information_ && refused != a.codes.end())
    a.props.reason_string = mqtt::explain(*refused);
  if (put(a, type, most)) return;
  a.props = {};
  if (!put(a, type, most))
    fail(reason::packet_too_large, "the answer is over the client's maximum packet size");
}

// -- DISCONNECT ---------------------------------------------------------------

bool session::on_disconnect(const mqtt::frame& f) {
  auto result = mqtt::decode_disconnect(f, ver_);
  if (const auto* m = std::get_if<mqtt::malformed>(&result)) return fail(m->code, m->why);
  const mqtt::disconnect& d = *std::get_if<mqtt::disconnect>(&result);
  if (const auto expiry = d.props.session_expiry_interval) {
    if (session_expiry_s_ == 0 && *expiry != 0)  // [MQTT-3.14.2.2.2]
      return fail(reason::protocol_error, "session expiry raised from 0 in DISCONNECT");
    session_expiry_s_ = std::min(*expiry, directory_.limits().session_expiry_max_s);
  }
  detach(close_kind::disconnected, d.code, "");
  return false;
}

}  // namespace dunlin
