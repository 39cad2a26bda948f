// A client of the simulated node: speaks packets over a fake connection and tells what it got as
// text.
//
// Used by the simulations.   client& c = world.client("c1");  c.connect();  EXPECT_EQ(c.take(),
// "connack 00");
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "tests/fakes/fake_connection.hpp"

namespace dunlin::sim {

struct connect_options {
  bool clean = true;
  uint16_t keep_alive_s = 0;
  std::optional<uint32_t> expiry_s{};
  std::optional<uint16_t> receive_max{};
  std::optional<uint32_t> packet_max{};
  std::optional<mqtt::will_message> will{};
  std::optional<std::string_view> user_name{}, password{};
  std::optional<std::string_view> client_id{};  // another one than the client's own
  mqtt::properties props{};                     // more of them, as they stand
};

// One packet from the node.
struct received {
  mqtt::packet_type type;
  uint16_t id = 0;
  uint8_t qos = 0;
  bool dup = false, retain = false;
  std::string topic{}, payload{};
  mqtt::reason code = mqtt::reason::success;
  std::string text{};        // as take() shows it
  std::string properties{};  // 5.0: "name=value" of each that a test may ask for, " " in between
  std::string topic_sent{};  // a PUBLISH's as it came; `topic` has the alias resolved
  uint16_t alias = 0;
  uint32_t size = 0;  // of the whole packet
  std::vector<uint32_t> subscription_ids{};
  std::optional<uint32_t> expiry_s{};
};

class client {
 public:
  client(std::string id, mqtt::version v) : id_(std::move(id)), ver_(v) {}

  // -- to the node --
  void open(net::reactor& r);  // the connection, without CONNECT
  void connect(net::reactor& r, const connect_options& o = {});
  void disconnect(mqtt::reason code = mqtt::reason::success, std::optional<uint32_t> expiry_s = {});
  void lose() { conn_->hang_up(); }
  // The identifier that it took; 0 with QoS 0.
  uint16_t publish(std::string_view topic, std::string_view payload, uint8_t qos = 0,
                   bool retain = false, const mqtt::publish_properties& props = {});
  void send_publish(const mqtt::publish& p) { send(p); }
  void subscribe(std::string_view filter, uint8_t qos = 0) { subscribe({{filter, {.qos = qos}}}); }
  void subscribe(const std::vector<mqtt::subscribe_entry>& entries,
                 std::optional<uint32_t> subscription_id = {});
  void unsubscribe(std::string_view filter);
  void ping() { send(mqtt::pingreq{}); }
  void ack(mqtt::packet_type t, uint16_t id, mqtt::reason code = mqtt::reason::success);
  void send(const mqtt::packet& p);
  void send_bytes(std::string_view bytes) { conn_->inject(bytes); }

  // -- from the node --
  // Reads what came, acknowledges it where auto_ack; false when there was nothing.
  bool poll();
  // Everything since the last take, "; " between packets, "closed" at the end when the node closed.
  std::string take();
  std::vector<received> take_packets() { return std::exchange(got_, {}); }
  // The properties of the last packet since the last take.
  std::string take_properties();
  // The payloads of the PUBLISH packets since the last take, " " between them.
  std::string payloads();

  const std::string& id() const { return id_; }
  mqtt::version version() const { return ver_; }
  fakes::fake_connection& connection() { return *conn_; }
  bool open() const { return conn_ && !conn_->closed(); }
  void forget_connection() { conn_ = nullptr; }

  bool auto_ack = true;

 private:
  received read(const mqtt::frame& f);
  void answer(const received& r);

  std::string id_;
  mqtt::version ver_;
  caf::intrusive_ptr<fakes::fake_connection> conn_;
  std::string input_;
  std::vector<received> got_;
  std::map<uint16_t, std::string> aliases_;  // from the node, on this connection
  uint16_t last_id_ = 0;
  bool told_closed_ = false;
};

}  // namespace dunlin::sim
