// A WebSocket on top of another stream.
//
// Used by transport.cpp. A write becomes one frame of up to frame_bytes_max; what the lower stream
// does not take of it is kept here, so at most one frame is held for each connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "broker/net/byte_stream.hpp"
#include "broker/net/websocket.hpp"

namespace dunlin::net {

class websocket_stream final : public byte_stream {
 public:
  static constexpr size_t frame_bytes_max = 64 << 10;
  using refused = void (*)(void* context, websocket_refusal why);

  websocket_stream(std::unique_ptr<byte_stream> below, std::string_view path, refused on_refused,
                   void* context)
      : below_(std::move(below)), ws_(path), on_refused_(on_refused), context_(context) {}

  long read_some(char* into, size_t max) override;
  long write_some(const char* from, size_t size) override;
  bool emptied() const override { return !ws_.over() && below_->emptied(); }
  bool flush() override;
  void close() override;

 private:
  void take_output();
  size_t write_below(const char* from, size_t size);  // what it took; sets failed_

  std::unique_ptr<byte_stream> below_;
  websocket_server ws_;
  std::string pending_;  // whole frames, or the rest of one and whole ones after it
  refused on_refused_;
  void* context_;
  bool failed_ = false, told_ = false;
};

}  // namespace dunlin::net
