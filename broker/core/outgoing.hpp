// What is on its way to one client: QoS 1 and 2 messages in flight, and those that wait behind
// them.
//
// The delivering half of a session (MQTT 5.0 sections 4.3, 4.4, 4.6, 4.9). Pure: it appends packets
// to a buffer and counts what happened; the session owns it, online or not. Packet identifiers are
// taken in order, so that an acknowledgement finds its message by arithmetic.
//
//   outgoing q;  q.connect({.ver = version::v5, .window = 20, ...}, out, tally);   // resends what
//   was in flight q.offer(std::move(d), now_ms, &out, tally);   // sent, queued or dropped
//   q.puback(id, reason, out, tally);             // makes room: sends from the queue
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/alias_table.hpp"
#include "broker/core/delivery.hpp"
#include "broker/core/ring.hpp"
#include "broker/mqtt/packet.hpp"

namespace dunlin::core {

// What became of message copies in one call; the owner adds it to its counters
// (metrics/counters.hpp).
struct tally {
  uint64_t queued = 0;     // copies that came in
  uint64_t delivered = 0;  // ... and went out, in the ways that the identity names
  uint64_t expired = 0;
  uint64_t refused = 0;
  uint64_t queue_full = 0;
  uint64_t slow_subscriber = 0;
  uint64_t too_large = 0;
  uint64_t session_ended = 0;
  uint64_t not_connected = 0;
  uint64_t given_back = 0;       // to the shared group, which hands them to another member
  uint64_t sent[3] = {0, 0, 0};  // PUBLISH packets by QoS
};

struct link {  // what the client can take
  mqtt::version ver = mqtt::version::v311;
  uint16_t window = 65'535;         // its receive maximum, or ours where lower
  uint32_t packet_bytes_max = ~0u;  // its maximum packet size
  uint16_t alias_max = 0;           // topic aliases towards it
};

class outgoing {
 public:
  struct limits {
    uint32_t messages_max = 100'000;
    uint64_t bytes_max = 256ull << 20;
    bool queue_qos0 = false;
  };
  explicit outgoing(const limits& l) : limits_(&l) {}
  // They stay where they are; what is queued stays too.
  void set_limits(const limits& l) { limits_ = &l; }
  explicit outgoing(limits&&) = delete;

  // A connection begins: messages in flight are sent again, in order [MQTT-4.4.0-1, 4.6.0-1].
  void connect(const link& l, uint64_t now_ms, std::string& out, tally& t);
  void disconnect() {
    connected_ = false;
    aliases_.reset();
  }
  const link& client() const { return link_; }

  // A message for this client. `out` is null while the client is offline, and `room` false while
  // its output is full: then QoS 0 is dropped and the rest queued.
  void offer(delivery&& d, uint64_t now_ms, std::string* out, bool room, tally& t);

  // Acknowledgements. False: no such packet is in flight.
  bool puback(uint16_t id, tally& t, mqtt::reason code = mqtt::reason::success);
  bool pubrec(uint16_t id, mqtt::reason code, std::string& out, tally& t);  // answers with PUBREL
  bool pubcomp(uint16_t id, tally& t);

  // Sends from the queue what the window allows; stops when `out` holds more than out_bytes_max.
  void pump(uint64_t now_ms, std::string& out, size_t out_bytes_max, tally& t);

  // The session ends: takes out what came by a shared subscription and may go to another member:
  // what was never sent, and QoS 1 messages without their PUBACK (MQTT 5.0 section 4.8.2). They are
  // no longer counted here.
  std::vector<delivery> take_shared(tally& t);
  // The member is offline or has unsubscribed: the same for what was never sent. By one shared
  // subscription (share_of), or by any (0).
  std::vector<delivery> take_unsent_shared(uint32_t share, tally& t);
  // The session ends: everything is dropped and counted.
  void clear(tally& t);

  size_t queued_messages() const { return queue_.size(); }
  size_t in_flight() const { return flight_.size() - done_; }
  // The next message would have to wait for an acknowledgement.
  bool window_full() const { return !queue_.empty() || !window_open(); }
  uint64_t queued_bytes() const { return queue_bytes_; }
  // Counts messages that went into flight: of the oldest that is still there.
  uint64_t first_sequence() const { return first_sequence_; }
  uint64_t end_sequence() const { return first_sequence_ + flight_.size(); }
  bool has_sendable() const {
    return connected_ && (transmitted_ < flight_.size() || !queue_.empty()) && window_open();
  }

 private:
  enum class stage : uint8_t { published, released, done };
  struct flying {
    delivery d;
    stage at = stage::published;
  };
  static constexpr uint32_t ids = 65'535;  // packet identifiers: 1 .. 65,535

  // What is acknowledged takes no place in the window, also behind a message that is not: that one
  // holds up nothing until the packet identifiers have gone round to its own.
  bool window_open() const { return transmitted_ - done_ < link_.window && transmitted_ < ids; }
  uint16_t id_of(uint64_t sequence) const { return static_cast<uint16_t>(sequence % ids + 1); }
  flying* find(uint16_t id);
  void retire(flying& f) {  // one that this connection has transmitted
    f.at = stage::done;
    ++done_;
  }
  void finish(flying& f, uint64_t tally::*how, tally& t);
  void pop_done();
  bool transmit(size_t index, bool again, uint64_t now_ms, std::string& out, tally& t);
  bool write(const delivery& d, bool again, uint16_t id, uint64_t now_ms, std::string& out);
  bool write_v5(const delivery& d, mqtt::send_form form, std::string& out);
  bool write_with_alias(const delivery& d, mqtt::send_form& form, std::string& out);
  void send_qos0(const delivery& d, uint64_t now_ms, std::string& out, tally& t);
  void enqueue(delivery&& d, tally& t);

  const limits* limits_;
  link link_;
  ring<flying> flight_;
  ring<delivery> queue_;
  std::unique_ptr<alias_table> aliases_;  // of this connection, from the first use on
  uint64_t first_sequence_ = 0;           // of flight_.front()
  uint64_t queue_bytes_ = 0;
  uint32_t transmitted_ = 0;  // of flight_, on this connection; the rest waits for the window
  uint32_t done_ = 0;         // of those: acknowledged, behind one that is not
  bool connected_ = false;
  bool plain_ = false;  // a 3.x client, which takes every packet and has no aliases
};

}  // namespace dunlin::core
