// The client's half of a WebSocket that carries MQTT (RFC 6455; MQTT 5.0 section 6), without I/O.
//
// Used by channel.hpp. What is sent becomes one masked binary frame; what comes may be split and
// joined in any way, and is stripped of its frames in place.
//   websocket_client w(random);  socket << w.request("localhost:8083", "/mqtt");
//   w.answered(bytes, used) == step::done;  w.frame(packets, out);  w.unframe(buffer, n);
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "tests/load/tls_client.hpp"

namespace dunlin::load {

class websocket_client {
 public:
  using random_source = std::mt19937_64;
  static constexpr size_t answer_bytes_max = 16 << 10;

  // Each frame's mask, and the key of the upgrade, come from `random`, which must outlive it.
  explicit websocket_client(random_source& random) : random_(random) {}

  std::string request(std::string_view authority, std::string_view path);
  // The answer to it: done (it was `used` bytes long), wants_read (give it again with more), failed
  // (see why()).
  step answered(std::string_view bytes, size_t& used);

  // One frame with all of `payload`, at the end of `out`.
  void frame(std::string_view payload, std::string& out);
  // Moves the payload in `bytes` to the front and says how much it is; what is cut short is kept
  // for the next call. Nothing when it is against the protocol (see why()).
  std::optional<size_t> unframe(char* bytes, size_t size);
  // Answers to ping and close that unframe() has come upon, to be sent as they are.
  std::string& replies() { return replies_; }
  bool closed() const { return closed_; }  // the server said so; nothing follows
  const std::string& why() const { return why_; }

 private:
  enum opcode : uint8_t { continuation = 0, binary = 2, close = 8, ping = 9, pong = 10 };

  void put(opcode code, std::string_view payload, std::string& out);
  bool begin_frame();
  void end_control();
  bool refuse(const char* why);

  random_source& random_;
  std::string accept_;  // what the server must answer
  std::string why_;
  std::string replies_;
  // The frame at hand.
  uint8_t header_[10];
  uint8_t header_size_ = 0;  // bytes of it that have come
  bool in_payload_ = false;
  bool in_message_ = false;  // a fragment came, and not its last
  bool closed_ = false;
  uint64_t left_ = 0;    // payload bytes still to come
  std::string control_;  // payload of a control frame
};

}  // namespace dunlin::load
