#include "broker/handshake.hpp"

#include <algorithm>
#include <random>

#include "base/log.hpp"
#include "base/utf8.hpp"
#include "base/wall_clock.hpp"
#include "broker/access/authenticate.hpp"
#include "broker/access/crypto.hpp"
#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/message.hpp"

namespace dunlin {
namespace {

using mqtt::reason;

constexpr uint32_t never_s = ~0u;

std::string make_client_id() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  char text[32];
  std::snprintf(text, sizeof text, "auto-%016llx", static_cast<unsigned long long>(random()));
  return text;
}

size_t characters(std::string_view utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

class handshake final : public net::consumer {
 public:
  handshake(net::connection_ptr c, directory& d, listener_ptr l)
      : conn_(std::move(c)), directory_(d), listener_(std::move(l)) {
    timer_.owner = this;
    timer_.on_fire = [](net::timer& t) {
      auto* h = static_cast<connect_timer&>(t).owner;
      h->conn_->reactor().count().connect_timeouts.add();
      log::info("connect_timeout", {{"address", h->conn_->peer()}});
      h->close();
    };
    auto& r = conn_->reactor();
    r.timers().set(timer_, r.now_ms() + d.limits().connect_timeout_ms);
    conn_->set_consumer(this);
    conn_->start_reading();
  }

  size_t consume(std::string_view bytes) override {
    const auto result = mqtt::next_frame(bytes, directory_.limits().packet_bytes_max);
    if (exchange_) return consume_auth(result, bytes.size());
    if (std::get_if<mqtt::need_more>(&result)) {
      // The first byte tells whether it can become a CONNECT.
      if (static_cast<uint8_t>(bytes[0]) == 0x10) return 0;
      refuse(mqtt::version::v311, reason::malformed_packet, "the first packet is not CONNECT",
             false);
      return bytes.size();
    }
    if (const auto* m = std::get_if<mqtt::malformed>(&result)) {
      refuse(mqtt::version::v311, m->code, m->why, false);
      return bytes.size();
    }
    const auto& f = *std::get_if<mqtt::frame>(&result);
    conn_->reactor().count().packets_received[f.type].add();
    if (f.type != mqtt::packet_type::connect) {  // [MQTT-3.1.0-1]
      refuse(mqtt::version::v311, reason::protocol_error, "the first packet is not CONNECT", false);
      return bytes.size();
    }
    const size_t used = f.size;
    on_connect(f);
    return used;
  }
  void on_closed() override { delete this; }
  void on_drained() override {}

 private:
  struct connect_timer : net::timer {
    handshake* owner = nullptr;
  };

  // A client's CONNECT while AUTH packets go to and fro.
  struct exchange {
    std::string connect;  // the packet's bytes
    access::scram_exchange scram;
  };

  void close() {
    conn_->close();
    delete this;
  }

  void on_connect(const mqtt::frame& f) {
    auto result = mqtt::decode_connect(f);
    if (const auto* m = std::get_if<mqtt::malformed>(&result)) {
      const auto v = mqtt::connect_version(f);
      // 3.x has an answer for these two, and closes without one for the rest [MQTT311-3.1.4-1].
      const bool answer = v == mqtt::version::v5 ||
                          m->code == reason::unsupported_protocol_version ||
                          m->code == reason::client_identifier_not_valid;
      return refuse(v, m->code, m->why, answer);
    }
    const auto& c = *std::get_if<mqtt::connect>(&result);
    if (directory_.traces.any()) [[unlikely]]
      traced_id_ = c.client_id;
    packet_bytes_max_ = c.props.maximum_packet_size.value_or(~0u);
    if (const auto fault = check(c); fault.code != reason::success)
      return refuse(c.ver, fault.code, fault.why, true);
    // A certificate that the listener takes the user name from has authenticated its client.
    std::string certified = c.props.authentication_method ? "" : conn_->certificate_user();
    const std::string_view user = certified.empty() ? c.user_name.value_or("") : certified;
    if (const auto no = directory_.guard.admit(listener_->guard, {c.client_id, user, conn_->peer()},
                                               conn_->reactor().now_ms()))
      return refuse(c.ver, no->code, no->why, true);
    if (!certified.empty()) return accept(c, std::move(certified), nullptr);
    const settings& s = directory_.now();
    const auto who = access::authenticate(c, {s.anonymous, s.users.get()});
    if (who.code != reason::success) return refuse(c.ver, who.code, who.why, true);
    if (who.exchange) return begin_exchange(c, f);
    accept(c, std::string(who.user), nullptr);
  }

  // What the node cannot take, whoever the client is.
  mqtt::malformed check(const mqtt::connect& c) const {
    const options& limits = directory_.limits();
    if (directory_.draining.load())
      return {directory_.now().mqtt.leave_code(reason::server_unavailable),
              "the server shuts down"};
    if (connections() > limits.connections_max)
      return {reason::quota_exceeded, "connections_max is reached"};
    if (c.client_id.size() > limits.client_id_bytes_max ||
        (c.ver == mqtt::version::v31 && characters(c.client_id) > limits.client_id_v31_max))
      return {reason::client_identifier_not_valid, "client ID too long"};
    if (c.will) return check_will(*c.will);
    return {reason::success, {}};
  }

  mqtt::malformed check_will(const mqtt::will_message& w) const {
    const options& limits = directory_.limits();
    if (w.qos > limits.qos_max)  // [MQTT-3.2.2-12]
      return {reason::qos_not_supported, "will QoS above the maximum"};
    if (w.retain && !limits.retain_available)  // [MQTT-3.2.2-13]
      return {reason::retain_not_supported, "retained messages are switched off"};
    if (w.topic.size() > limits.topic_bytes_max ||
        static_cast<size_t>(std::count(w.topic.begin(), w.topic.end(), '/')) >=
            limits.topic_levels_max)
      return {reason::topic_name_invalid, "will topic longer or deeper than allowed"};
    if (w.topic.substr(0, 5) == "$SYS/")
      return {reason::not_authorized, "a will in $SYS, which is the server's own"};
    if (limits.payload_bytes_max && w.payload.size() > limits.payload_bytes_max)
      return {reason::quota_exceeded, "will payload above payload_bytes_max"};
    if (w.props.payload_is_utf8 && directory_.now().mqtt.validate_payload_format &&
        !utf8_valid(w.payload))
      return {reason::payload_format_invalid, "the will is not UTF-8, which it says it is"};
    return {reason::success, {}};
  }

  // -- AUTH (MQTT 5.0 section 4.12) --

  void begin_exchange(const mqtt::connect& c, const mqtt::frame& f) {
    auto x = std::make_unique<exchange>();
    const auto users = directory_.now().users;
    const auto challenge =
        x->scram.begin(c.props.authentication_data.value_or(""),
                       access::to_base64(access::random_bytes(access::nonce_bytes)),
                       [&](std::string_view name) { return users->verifier(name); });
    if (!challenge) return refuse(c.ver, reason::not_authorized, "authentication failed", true);
    x->connect.assign(f.body.data() + f.body.size() - f.size, f.size);
    exchange_ = std::move(x);
    mqtt::auth a;
    a.code = reason::continue_authentication;  // [MQTT-4.12.0-2]
    a.props.authentication_method = access::scram_method;
    a.props.authentication_data = *challenge;
    mqtt::encode(a, mqtt::version::v5, conn_->out());
    conn_->reactor().count().packets_sent[mqtt::packet_type::auth].add();
    conn_->changed();
  }

  size_t consume_auth(const mqtt::frame_result& result, size_t size) {
    if (std::get_if<mqtt::need_more>(&result)) return 0;
    if (const auto* m = std::get_if<mqtt::malformed>(&result)) {
      refuse(mqtt::version::v5, m->code, m->why, true);
      return size;
    }
    const auto& f = *std::get_if<mqtt::frame>(&result);
    conn_->reactor().count().packets_received[f.type].add();
    const size_t used = f.size;
    if (f.type == mqtt::packet_type::auth)
      on_auth(f);
    else  // [MQTT-3.1.2-30]; a DISCONNECT is not answered
      refuse(mqtt::version::v5, reason::protocol_error, "not AUTH while it authenticates",
             f.type != mqtt::packet_type::disconnect);
    return used;
  }

  void on_auth(const mqtt::frame& f) {
    auto result = mqtt::decode_auth(f, mqtt::version::v5);
    if (const auto* m = std::get_if<mqtt::malformed>(&result))
      return refuse(mqtt::version::v5, m->code, m->why, true);
    const mqtt::auth& a = *std::get_if<mqtt::auth>(&result);
    if (a.code != reason::continue_authentication ||  // [MQTT-4.12.0-3]
        a.props.authentication_method.value_or("") != access::scram_method)
      return refuse(mqtt::version::v5, reason::protocol_error,
                    "AUTH that does not continue the method of CONNECT", true);
    const auto answer = exchange_->scram.finish(a.props.authentication_data.value_or(""));
    if (!answer)  // [MQTT-4.12.0-4]
      return refuse(mqtt::version::v5, reason::not_authorized, "authentication failed", true);
    const auto whole = mqtt::next_frame(exchange_->connect, ~0u);
    auto connect = mqtt::decode_connect(*std::get_if<mqtt::frame>(&whole));
    accept(*std::get_if<mqtt::connect>(&connect), exchange_->scram.user(), &*answer);
  }

  uint64_t connections() const {
    uint64_t n = 0;
    for (auto* r : directory_.reactors) n += r->count().connections.value();
    return n;
  }

  // `proof` is the server's last word where the client authenticated by a method.
  void accept(const mqtt::connect& c, std::string user, const std::string* proof) {
    auto r = std::make_shared<connect_request>();
    const options& limits = directory_.limits();
    r->ver = c.ver;
    r->client_id = c.client_id;
    r->user_name = std::move(user);
    if (proof) {
      r->enhanced = true;
      r->authentication_data = *proof;
    }
    r->listener = listener_;
    r->clean_start = c.clean_start;
    if (c.client_id.empty()) {
      r->client_id = make_client_id();
      r->assigned_id = true;
    }
    r->keep_alive_s = c.keep_alive_s;
    const uint32_t most = limits.keep_alive_max_s;
    if (most < 65'535 && c.ver == mqtt::version::v5 &&
        (c.keep_alive_s == 0 || c.keep_alive_s > most)) {
      r->keep_alive_s = static_cast<uint16_t>(most);
      r->keep_alive_lowered = true;
    }
    set_session_expiry(c, *r);
    if (c.ver == mqtt::version::v5) {
      r->receive_max = c.props.receive_maximum.value_or(65'535);
      r->packet_bytes_max = c.props.maximum_packet_size.value_or(~0u);
      r->topic_alias_max = c.props.topic_alias_maximum.value_or(0);
      r->problem_information = c.props.request_problem_information.value_or(true);
      r->response_information = c.props.request_response_information.value_or(false);
    }
    if (c.will) {
      const auto& w = *c.will;
      r->last_will =
          connect_request::will{mqtt::message::make({w.topic, w.payload, w.qos, w.retain, w.props,
                                                     conn_->reactor().now_ms()}),
                                w.delay_interval_s, w.props.message_expiry_interval};
    }
    hand_over(std::move(r));
  }

  void set_session_expiry(const mqtt::connect& c, connect_request& r) const {
    const uint32_t most = directory_.limits().session_expiry_max_s;
    if (c.ver != mqtt::version::v5) {
      r.session_expiry_s = c.clean_start ? 0 : most;
      return;
    }
    const uint32_t asked = c.props.session_expiry_interval.value_or(0);
    r.session_expiry_s = std::min(asked, most);
    r.session_expiry_lowered = r.session_expiry_s != asked;
  }

  void hand_over(std::shared_ptr<connect_request> r) {
    if (const auto no = directory_.guard.connected({r->client_id, r->user_name, conn_->peer()},
                                                   conn_->reactor().now_ms()))
      return refuse(r->ver, no->code, no->why, true);
    const auto& to = directory_.registries[directory_.registry_of(r->client_id)];
    // What the client sent behind its CONNECT waits in the connection until the session begins.
    conn_->pause_reading();
    conn_->set_consumer(nullptr);
    caf::anon_send(to, open_session{std::move(conn_), std::move(r)});
    delete this;
  }

  void refuse(mqtt::version v, reason code, std::string_view why, bool answer) {
    auto& count = conn_->reactor().count();
    count.connects_refused[code].add();
    log::warn("connect_refused",
              {{"address", conn_->peer()}, {"reason", mqtt::to_string(code)}, {"why", why}});
    if (!traced_id_.empty()) trace_refused(code, why);
    if (answer) {
      mqtt::connack a;
      a.code = code;
      if (v == mqtt::version::v5) {
        a.props.reason_string = why;
        if (code == reason::use_another_server || code == reason::server_moved)
          a.props.server_reference = directory_.now().mqtt.server_reference;
      }
      std::string& out = conn_->out();
      const size_t at = out.size();
      mqtt::encode(a, v, out);
      if (out.size() - at > packet_bytes_max_) {  // [MQTT-3.2.2-19]
        out.resize(at);
        a.props = {};
        mqtt::encode(a, v, out);
      }
      count.packets_sent[mqtt::packet_type::connack].add();
    }
    close();
  }

  // Its client ID may be one that an operator traces.
  void trace_refused(reason code, std::string_view why) {
    const uint64_t now = conn_->reactor().now_ms();
    const auto t = directory_.traces.find(traced_id_, now);
    if (!t) return;
    operate::trace_event e;
    e.at_ms = wall_clock_ms();
    e.what = "connect_refused";
    e.reason = mqtt::to_string(code);
    e.detail = conn_->peer() + ": " + std::string(why);
    t->record(std::move(e), now);
  }

  net::connection_ptr conn_;
  directory& directory_;
  listener_ptr listener_;
  std::string traced_id_;  // while anybody is traced
  connect_timer timer_;
  std::unique_ptr<exchange> exchange_;
  uint32_t packet_bytes_max_ = ~0u;  // the client's
};

}  // namespace

void begin_handshake(net::connection_ptr c, directory& d, listener_ptr l) {
  if (l->guard) c->count_in(l->guard->open());
  if (d.guard.peer_banned(c->peer())) {
    c->reactor().count().banned_peers.add();
    log::info("connection_banned", {{"address", c->peer()}});
    return c->close();
  }
  new handshake(std::move(c), d, std::move(l));
}

}  // namespace dunlin
