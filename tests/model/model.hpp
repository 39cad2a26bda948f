// A reference model of an MQTT server, written from the specification (OASIS MQTT 5.0 and 3.1.1),
// not from the broker: simple, slow, one thread, no packets. It says what every client must get.
//
//   model::server s;  s.connect("a", {...});  s.subscribe("a", "t/#", {.qos = 1}, 0);
//   s.publish("b", {.topic = "t/x", ...});  s.take("a") -> the copies due to a now, in order
//
// Where the specification leaves a choice the model takes the one that Dunlin documents:
//   * several matching subscriptions of a client: one copy, the highest QoS, all identifiers
//     (5.0 section 3.3.4); retained flag if any subscription asks for it as published
//   * QoS 0 messages are not kept for clients that are away
//   * {parent}/p2p/{clientId} goes to that client's session alone
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin::model {

inline constexpr uint32_t never_s = ~0u;

struct message {
  std::string topic, payload;
  int qos = 0;
  bool retain = false;
  std::optional<uint32_t> expiry_s{};
};

struct will {
  message what;
  uint32_t delay_s = 0;
};

struct subscription {
  int qos = 0;
  bool no_local = false, retain_as_published = false;
  int retain_handling = 0;
  uint32_t id = 0;
};

struct connection {
  bool v5 = true;
  bool clean_start = true;
  uint32_t expiry_s = 0;
  uint32_t keep_alive_s = 0;
  size_t receive_max = 65'535;
  std::optional<size_t> payload_max{};  // stands for the maximum packet size
  std::optional<will> last_will{};
  bool prompt = true;  // acknowledges everything at once
};

// One packet that a client must get: a PUBLISH, or with `released` a PUBREL.
struct copy {
  std::string topic, payload;
  int qos = 0;
  bool retain = false, dup = false;
  std::multiset<uint32_t> ids{};
  std::optional<uint64_t> expires_ms{};
  uint64_t due_ms = 0;        // when it must be sent
  bool loose_expiry = false;  // of a will: published by a timer
  bool released = false;
  bool maybe = false;   // whether it comes is open
  uint64_t serial = 0;  // of QoS 1 and 2: which message of this session it is
};

// A message of a shared subscription: exactly one of these clients must get it.
struct shared_choice {
  std::map<std::string, copy> candidates;  // by client ID
};

class server {
 public:
  explicit server(uint64_t now_ms) : now_ms_(now_ms) {}

  // -- what clients do --
  bool connect(const std::string& client, const connection& c);  // whether a session was there
  void disconnect(const std::string& client, bool with_will, std::optional<uint32_t> expiry_s);
  void lose(const std::string& client);
  void subscribe(const std::string& client, const std::string& filter, const subscription& s);
  bool unsubscribe(const std::string& client, const std::string& filter);
  void publish(const std::string& client, const message& m) { publish(client, m, false); }
  // A QoS 2 PUBLISH with its identifier: it counts once until it is released.
  void publish_once(const std::string& client, uint16_t packet_id, const message& m);
  void release(const std::string& client, uint16_t packet_id);
  void heard_from(const std::string& client);  // any packet: keep-alive
  // It acknowledged at once what was due then.
  void acknowledged(const std::string& client, uint64_t at_ms);

  // The next acknowledgement that a client which does not acknowledge at once may send, in order.
  enum class next { none, puback, pubrec, pubcomp };
  struct due_ack {
    next what = next::none;
    uint64_t serial = 0;
  };
  due_ack next_ack(const std::string& client) const;
  void acknowledge(const std::string& client);

  void advance(uint64_t to_ms);

  // -- what they must see --
  bool connected(const std::string& client) const;
  bool has_session(const std::string& client) const { return sessions_.contains(client); }
  // Whether a message to this topic may come to that client.
  bool receives(const std::string& client, const std::string& topic) const;
  std::vector<copy> take(const std::string& client) { return std::move(due_[client]); }
  std::vector<shared_choice> take_shared() { return std::move(shared_due_); }
  // No group that takes this topic has only members that are away.
  bool shared_is_certain(const std::string& topic) const;
  uint64_t now_ms() const { return now_ms_; }

 private:
  struct flight {
    copy c;
    bool pubrec_came = false;
    bool sent = false;  // on this connection
  };
  struct session {
    connection how;
    bool connected = false;
    std::map<std::string, subscription> subscriptions;
    std::deque<flight> in_flight;
    std::deque<copy> queue;
    std::set<uint16_t> received_once;  // QoS 2 identifiers not released
    std::optional<uint64_t> will_due_ms, expires_ms;
    uint64_t heard_ms = 0;
  };
  struct kept {
    message what;
    std::optional<uint64_t> expires_ms;
    bool loose = false;
  };

  void publish(const std::string& from, const message& m, bool is_will);
  void keep(const message& m, const kept& k);
  void share(const message& m, const kept& k);
  void deliver(const std::string& client, copy c);
  void give(const std::string& client, copy c);
  void send(const std::string& client, session& s, copy c);
  void pump(const std::string& client, session& s);
  void resend(const std::string& client, session& s);
  std::optional<copy> own_will(const std::string& client, bool clean_start) const;
  std::optional<copy> copy_for(const session& s, const kept& k, bool its_own) const;
  void connection_ends(const std::string& client, bool with_will);
  void end_session(const std::string& client);
  void publish_will(const std::string& client);
  std::optional<std::pair<uint64_t, std::string>> next_event() const;
  void happen(const std::string& client);
  bool expired(const copy& c) const { return c.expires_ms && now_ms_ >= *c.expires_ms; }
  static bool too_large(const session& s, const copy& c) {
    return s.how.payload_max && c.payload.size() > *s.how.payload_max;
  }
  copy copy_of(const kept& k, int qos, bool retain) const;

  uint64_t now_ms_;
  uint64_t last_serial_ = 0;
  std::map<std::string, session> sessions_;
  std::map<std::string, kept> retained_;
  std::map<std::string, std::vector<copy>> due_;
  std::vector<shared_choice> shared_due_;
};

// Section 4.7.
bool matches(const std::string& filter, const std::string& topic);

}  // namespace dunlin::model
