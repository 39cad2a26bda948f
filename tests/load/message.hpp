// The load tool's PUBLISH: a packet encoded once, of which a message changes a few bytes, and the
// stamp in its payload.
//
// Used by the worker. The stamp says whose message it is, which, and from when, so that a receiver
// can check it without any other knowledge; it is in the machine's byte order, since sender and
// receiver are one process.
//   publish_template t({...}); t.append(packet_id, sequence, now_ns(), out);
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "broker/mqtt/packet.hpp"

namespace dunlin::load {

struct stamp {
  uint32_t run;  // of this process: tells leftovers of an earlier run
  uint32_t publisher;
  uint64_t sequence;  // 0, 1, 2 ... for each publisher
  uint64_t time_ns;   // when it was sent, or due with a fixed rate
};
static_assert(sizeof(stamp) == 24);

inline std::optional<stamp> read_stamp(std::string_view payload) {
  stamp s;
  if (payload.size() < sizeof s) return std::nullopt;
  std::memcpy(&s, payload.data(), sizeof s);
  return s;
}

class publish_template {
 public:
  struct form {
    mqtt::version version = mqtt::version::v311;
    uint8_t qos = 0;
    bool retain = false;
    size_t payload_bytes = 64;
    uint32_t run = 0;
    uint32_t publisher = 0;
  };

  publish_template() = default;
  publish_template(std::string_view topic, const form& f);

  size_t size() const { return bytes_.size(); }
  void append(uint16_t packet_id, uint64_t sequence, uint64_t time_ns, std::string& out) {
    if (packet_id_at_ != 0) {
      bytes_[packet_id_at_] = char(packet_id >> 8);
      bytes_[packet_id_at_ + 1] = char(packet_id);
    }
    std::memcpy(&bytes_[payload_at_ + offsetof(stamp, sequence)], &sequence, sizeof sequence);
    std::memcpy(&bytes_[payload_at_ + offsetof(stamp, time_ns)], &time_ns, sizeof time_ns);
    out.append(bytes_);
  }

 private:
  std::string bytes_;
  size_t packet_id_at_ = 0;  // 0: none
  size_t payload_at_ = 0;
};

struct arrived {
  std::string_view payload;
  uint16_t packet_id;
  uint8_t qos;
};

// The three fields that a receiver needs of a PUBLISH: flags are the low bits of its first byte,
// body what follows the remaining length. Nothing when it is cut short.
inline std::optional<arrived> read_publish(uint8_t flags, std::string_view body, mqtt::version v) {
  const auto byte = [&](size_t i) { return uint8_t(body[i]); };
  if (body.size() < 2) return std::nullopt;
  arrived a{{}, 0, uint8_t((flags >> 1) & 3)};
  size_t at = 2 + (size_t(byte(0)) << 8 | byte(1));
  if (a.qos != 0) {
    if (at + 2 > body.size()) return std::nullopt;
    a.packet_id = uint16_t(byte(at) << 8 | byte(at + 1));
    at += 2;
  }
  if (v == mqtt::version::v5) {
    size_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at >= body.size() || shift > 21) return std::nullopt;
      const uint8_t b = byte(at++);
      length |= size_t(b & 127) << shift;
      if ((b & 128) == 0) break;
    }
    at += length;
  }
  if (at > body.size()) return std::nullopt;
  a.payload = body.substr(at);
  return a;
}

}  // namespace dunlin::load
