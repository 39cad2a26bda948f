#include "broker/operate/session_trace.hpp"

#include <algorithm>
#include <variant>

namespace dunlin::operate {
namespace {

using mqtt::packet_type;

const char* name_of(packet_type t) {
  static constexpr const char* names[16] = {"?",         "CONNECT",  "CONNACK",     "PUBLISH",
                                            "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                            "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                            "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH"};
  return names[static_cast<size_t>(t) % 16];
}

std::string joined(const std::vector<mqtt::reason>& codes) {
  std::string out;
  for (const auto c : codes) {
    if (!out.empty()) out += ", ";
    // In SUBACK the lowest are the QoS that was granted.
    if (static_cast<uint8_t>(c) <= 2)
      out += "qos " + std::to_string(static_cast<int>(c));
    else
      out += mqtt::to_string(c);
  }
  return out;
}

std::string more(const mqtt::subscription_options& o) {
  std::string out = "qos " + std::to_string(o.qos);
  if (o.no_local) out += ", no local";
  if (o.retain_as_published) out += ", retain as published";
  if (o.retain_handling) out += ", retain handling " + std::to_string(o.retain_handling);
  return out;
}

// Fills in what a packet of each type has.
struct describe {
  trace_event& e;
  uint32_t payload_bytes;
  std::vector<std::string>& aliases;

  void operator()(const mqtt::publish& p) {
    e.topic = p.topic;
    e.qos = p.qos;
    e.retain = p.retain;
    e.dup = p.dup;
    e.packet_id = p.packet_id;
    e.detail = "payload of " + std::to_string(p.payload.size()) + " bytes";
    if (p.props.topic_alias) {
      const size_t alias = *p.props.topic_alias;
      e.detail += ", topic alias " + std::to_string(alias);
      if (p.topic.empty() && alias > 0 && alias <= aliases.size()) e.topic = aliases[alias - 1];
      if (!p.topic.empty() && alias > 0) {
        if (alias > aliases.size()) aliases.resize(alias);
        aliases[alias - 1] = p.topic;
      }
    }
    e.payload = p.payload.substr(0, payload_bytes);
  }
  void operator()(const mqtt::ack& a) {
    e.packet_id = a.packet_id;
    e.reason = mqtt::to_string(a.code);
    e.detail = a.reason_string;
  }
  void operator()(const mqtt::subscribe& s) {
    e.packet_id = s.packet_id;
    for (const auto& entry : s.entries) {
      if (!e.topic.empty()) e.topic += ", ", e.detail += "; ";
      e.topic += entry.filter;
      e.detail += more(entry.options);
    }
  }
  void operator()(const mqtt::unsubscribe& u) {
    e.packet_id = u.packet_id;
    for (const auto f : u.filters) {
      if (!e.topic.empty()) e.topic += ", ";
      e.topic += f;
    }
  }
  void operator()(const mqtt::suback& s) {
    e.packet_id = s.packet_id;
    e.reason = joined(s.codes);
  }
  void operator()(const mqtt::unsuback& s) {
    e.packet_id = s.packet_id;
    for (const auto c : s.codes) {
      if (!e.reason.empty()) e.reason += ", ";
      e.reason += mqtt::to_string(c);
    }
  }
  void operator()(const mqtt::connack& c) {
    e.reason = mqtt::to_string(c.code);
    e.detail = c.session_present ? "session present" : "new session";
  }
  void operator()(const mqtt::disconnect& d) {
    e.reason = mqtt::to_string(d.code);
    if (d.props.reason_string) e.detail = *d.props.reason_string;
  }
  void operator()(const mqtt::auth& a) { e.reason = mqtt::to_string(a.code); }
  void operator()(const mqtt::connect&) {}
  void operator()(const mqtt::pingreq&) {}
  void operator()(const mqtt::pingresp&) {}
};

}  // namespace

void session_trace::packet(const char* direction, const mqtt::frame& f, mqtt::version v,
                           std::vector<std::string>& aliases, trace_time t) {
  trace_event e;
  e.at_ms = t.wall_ms;
  e.what = direction;
  e.packet = name_of(f.type);
  e.bytes = f.size;
  const auto decoded = mqtt::decode(f, v);
  if (const auto* bad = std::get_if<mqtt::malformed>(&decoded)) {
    e.reason = mqtt::to_string(bad->code);
    e.detail = bad->why;
  } else {
    std::visit(describe{e, to_->request().payload_bytes, aliases},
               *std::get_if<mqtt::packet>(&decoded));
  }
  to_->record(std::move(e), t.now_ms);
}

void session_trace::packet_in(const mqtt::frame& f, mqtt::version v, trace_time t) {
  packet("in", f, v, aliases_in_, t);
}

void session_trace::packets_out(std::string_view out, mqtt::version v, trace_time t) {
  std::string_view rest = out.substr(std::min(mark, out.size()));
  mark = out.size();
  while (!rest.empty()) {
    const auto result = mqtt::next_frame(rest, ~size_t{0});
    const auto* f = std::get_if<mqtt::frame>(&result);
    if (f == nullptr) return;
    packet("out", *f, v, aliases_out_, t);
    rest.remove_prefix(f->size);
  }
}

void session_trace::note(std::string what, std::string_view reason, std::string detail,
                         trace_time t) {
  if (what == "connected") aliases_in_.clear(), aliases_out_.clear();
  trace_event e;
  e.at_ms = t.wall_ms;
  e.what = std::move(what);
  e.reason = reason;
  e.detail = std::move(detail);
  to_->record(std::move(e), t.now_ms);
}

void session_trace::tally(const core::tally& t, trace_time at) {
  const auto tell = [&](uint64_t n, const char* what, const char* reason) {
    if (n > 0) note(what, reason, std::to_string(n) + (n == 1 ? " message" : " messages"), at);
  };
  tell(t.expired, "expired", "");
  tell(t.refused, "refused", "by the client");
  tell(t.queue_full, "dropped", "queue_full");
  tell(t.slow_subscriber, "dropped", "slow_subscriber");
  tell(t.too_large, "dropped", "too_large");
  tell(t.session_ended, "dropped", "session_ended");
  tell(t.not_connected, "dropped", "not_connected");
  tell(t.given_back, "given_back", "to the shared group");
}

void session_trace::queue(size_t messages, uint64_t bytes, trace_time t) {
  if (messages == queued_) return;
  note(messages > queued_ ? "queued" : "unqueued", "",
       std::to_string(messages) + " messages wait, " + std::to_string(bytes) + " bytes", t);
  queued_ = messages;
}

}  // namespace dunlin::operate
