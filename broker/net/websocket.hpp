// The server's end of a WebSocket that carries MQTT, without a socket: bytes in, bytes out (RFC
// 6455; MQTT 6.0).
//
// Frames are decoded where they were read: MQTT's bytes move to the front of the buffer, unmasked.
// So a connection holds no buffer of its own between reads, however large its messages are; how
// long a packet may be is the MQTT decoder's to say. Text frames are refused [MQTT-6.0.0-1]; frames
// may split or join packets. Used by websocket_stream; fuzzed.
//
//   websocket_server ws("/mqtt");
//   size_t mqtt = ws.receive(data, size);   // data[0, mqtt) is MQTT
//   ws.frame(packet, out);  send(ws.take_output());  if (ws.over()) close();
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/net/websocket_upgrade.hpp"

namespace dunlin::net {

enum class websocket_close : uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  invalid_payload = 1007,
};

class websocket_server {
 public:
  // `path` must outlive it.
  explicit websocket_server(std::string_view path);

  // Takes what the peer sent. The bytes of MQTT in it are moved to the front of `data`; returns how
  // many. After over() everything is ignored.
  size_t receive(char* data, size_t size);
  // Appends one binary frame around `mqtt`. Only when open().
  static void frame(std::string_view mqtt, std::string& out);
  // Says that no more will be sent, once.
  void close(websocket_close code);

  // The answer to the upgrade, pongs, the close frame: to be written before any later frame.
  bool has_output() const { return !output_.empty(); }
  std::string take_output() { return std::exchange(output_, {}); }

  bool open() const { return !upgrade_ && !close_sent_; }
  // Nothing of the peer counts any more: it has closed, broken the protocol, or was refused.
  bool over() const { return over_; }
  websocket_refusal refusal() const { return refusal_; }

 private:
  struct upgrade {
    std::string_view path;
    std::string head;
  };
  static constexpr size_t frame_head_max = 14;

  size_t receive_head(char* data, size_t size);
  size_t receive_frames(char* data, size_t size);
  size_t frame_head_size() const;
  void begin_frame();
  void end_frame();
  void control_frame();
  void on_close();
  bool control() const { return opcode_ & 8; }
  void fail(websocket_close code);

  std::unique_ptr<upgrade> upgrade_;  // until it is answered
  std::string output_;
  std::string control_;  // payload of the control frame that is being read
  uint64_t left_ = 0;    // of the payload of the frame that is being read
  char head_[frame_head_max];
  uint8_t mask_[4];
  uint8_t have_ = 0;   // bytes in head_
  uint8_t phase_ = 0;  // of mask_
  uint8_t opcode_ = 0;
  bool in_payload_ = false, in_message_ = false;
  bool over_ = false, close_sent_ = false;
  websocket_refusal refusal_ = websocket_refusal::none;
};

}  // namespace dunlin::net
