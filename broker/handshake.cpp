#include "broker/handshake.hpp"

#include <algorithm>
#include <random>

#include "base/log.hpp"
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

  void close() {
    conn_->close();
    delete this;
  }

  void on_connect(const mqtt::frame& f) {
    auto result = mqtt::decode_connect(f);
    if (const auto* m = std::get_if<mqtt::malformed>(&result)) {
      // An unsupported level is answered in the oldest form that names it [MQTT-3.1.2-2]; a CONNECT
      // that could be read as 5.0 in the form of 5.0. 3.x closes without a CONNACK but where it has
      // a return code for the fault [3.1.1: MQTT-3.1.4-1].
      const bool is_v5 = f.body.size() > 6 && f.body[6] == 5;
      const bool answer = is_v5 || m->code == reason::unsupported_protocol_version ||
                          m->code == reason::client_identifier_not_valid;
      return refuse(is_v5 ? mqtt::version::v5 : mqtt::version::v311, m->code, m->why, answer);
    }
    const auto& c = *std::get_if<mqtt::connect>(&result);
    const options& limits = directory_.limits();
    if (directory_.draining.load())
      return refuse(c.ver, reason::server_unavailable, "the server shuts down", true);
    if (connections() > limits.connections_max)
      return refuse(c.ver, reason::quota_exceeded, "connections_max is reached", true);
    if (c.client_id.size() > limits.client_id_bytes_max ||
        (c.client_id.empty() && c.ver != mqtt::version::v5 && !c.clean_start))
      return refuse(c.ver, reason::client_identifier_not_valid, "client ID empty or too long",
                    true);
    if (!directory_.now().anonymous)  // the only way in that this version has
      return refuse(c.ver, reason::not_authorized, "access.anonymous is off", true);
    if (c.props.authentication_method)
      return refuse(c.ver, reason::bad_authentication_method, "no enhanced authentication here",
                    true);
    if (c.will) {
      if (c.will->qos > limits.qos_max)
        return refuse(c.ver, reason::qos_not_supported, "will QoS above the maximum", true);
      if (c.will->retain && !limits.retain_available)
        return refuse(c.ver, reason::retain_not_supported, "retained messages are switched off",
                      true);
    }
    accept(c);
  }

  uint64_t connections() const {
    uint64_t n = 0;
    for (auto* r : directory_.reactors) n += r->count().connections.value();
    return n;
  }

  void accept(const mqtt::connect& c) {
    auto r = std::make_shared<connect_request>();
    const options& limits = directory_.limits();
    r->ver = c.ver;
    r->client_id = c.client_id;
    r->user_name = c.user_name.value_or("");
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
    }
    if (c.will) {
      const auto& w = *c.will;
      r->last_will =
          connect_request::will{mqtt::message::make({w.topic, w.payload, w.qos, w.retain, w.props,
                                                     conn_->reactor().now_ms()}),
                                w.delay_interval_s};
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
    if (answer) {
      mqtt::connack a;
      a.code = code;
      if (v == mqtt::version::v5) a.props.reason_string = why;
      mqtt::encode(a, v, conn_->out());
      count.packets_sent[mqtt::packet_type::connack].add();
    }
    close();
  }

  net::connection_ptr conn_;
  directory& directory_;
  listener_ptr listener_;
  connect_timer timer_;
};

}  // namespace

void begin_handshake(net::connection_ptr c, directory& d, listener_ptr l) {
  new handshake(std::move(c), d, std::move(l));
}

}  // namespace dunlin
