// What one client has sent and waits for: acknowledgements in the order in which the packets came
// [MQTT-4.6.0], and the QoS 2 packet identifiers whose PUBREL is due (MQTT 5.0 section 4.3.3).
//
// The receiving half of a session. Pure. The publishes of one read go out in one batch for each
// shard; each batch is answered once, in any order, and the acknowledgements of a read leave when
// all its batches and all earlier reads are done.
//
//   in.begin_read();  uint32_t slot = in.add(packet_id, qos);  in.end_read(batches);
//   in.answered(read, refusals);  in.drain(ver, out);   // appends the PUBACKs and PUBRECs that are
//   due
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/ring.hpp"
#include "broker/mqtt/packet.hpp"

namespace dunlin::core {

// A publish of a batch that did not end in success.
struct refusal {
  uint32_t slot = 0;
  mqtt::reason code = mqtt::reason::unspecified_error;
};

class incoming {
 public:
  static constexpr uint32_t no_slot = ~0u;

  void begin_read() { read_slots_ = 0; }
  // A QoS 1 or 2 publish of this read; the slot names it in refusals.
  uint32_t add(uint16_t id, uint8_t qos);
  // A packet of this read that is answered without being routed: sent again, or refused here.
  void add_answer(uint16_t id, uint8_t qos, mqtt::reason code);
  // The read is whole; `batches` answers are to come. Its number goes with the batches.
  uint32_t end_read(uint32_t batches);
  uint32_t next_read() const { return first_read_ + static_cast<uint32_t>(reads_.size()); }

  void answered(uint32_t read, const std::vector<refusal>& refusals);

  // Appends what may leave now. In 3.x a refusal cannot be told: drain stops there and says so by
  // returning its code, and the caller closes the connection. A 5.0 refusal has its reason string
  // where the packet with it is not longer than `told_bytes_max` [MQTT-3.4.2-2, 3.5.2-2].
  mqtt::reason drain(mqtt::version v, std::string& out, uint64_t* pubacks, uint64_t* pubrecs,
                     uint32_t told_bytes_max = 0);

  // QoS 2: whether this identifier was received before and not yet released. If so nothing is
  // routed again; the answer is given now (true) or comes with the first one.
  enum class seen : uint8_t { no, answer, wait };
  seen check_qos2(uint16_t id);
  // PUBREL: false when the identifier is unknown, or its PUBREC has not been sent.
  bool release(uint16_t id);

  // The connection is gone: answers that are still due are not sent, but a QoS 2 identifier stays
  // known.
  void disconnect();
  void clear();

  uint32_t waiting() const { return static_cast<uint32_t>(reads_.size()); }
  // QoS 1 and 2 publishes of this connection without their PUBACK, refusing PUBREC or PUBREL: what
  // the receive maximum bounds (MQTT 5.0 section 4.9).
  size_t unacknowledged() const { return unacknowledged_; }

 private:
  struct slot {
    uint16_t id = 0;  // 0: its connection is gone
    uint8_t qos = 0;
    mqtt::reason code = mqtt::reason::success;
    uint16_t qos2_id = 0;  // not 0: the answer to it decides about this identifier
    bool counted = false;  // as unacknowledged, by itself
  };
  struct read {
    uint32_t slots = 0, answers_due = 0;
  };
  struct qos2 {
    bool stored = false;  // else its answer is due
    bool asked = true;    // on this connection, which waits for a PUBREC and counts it
  };

  static void write_code(const slot& s, mqtt::version v, uint32_t told_bytes_max, std::string& out);
  void ask(qos2& q);
  void settle(slot& s);

  ring<slot> slots_;
  ring<read> reads_;
  uint32_t first_read_ = 0;
  uint32_t read_slots_ = 0;
  std::unique_ptr<absl::flat_hash_map<uint16_t, qos2>> qos2_;
  size_t unacknowledged_ = 0;
};

}  // namespace dunlin::core
