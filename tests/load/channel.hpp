// What lies between a client's MQTT bytes and its socket when that is not plain TCP: TLS, a
// WebSocket, or a WebSocket in TLS.
//
// Used by the worker; a client of a plain target has none, and reads and writes its socket itself.
//   channel c(endpoint, context, fd, random);  c.open() == step::done;  c.read(...);  c.write(...);
#pragma once

#include <memory>
#include <string>

#include "tests/load/endpoint.hpp"
#include "tests/load/tls_client.hpp"
#include "tests/load/websocket_client.hpp"

namespace dunlin::load {

class channel {
 public:
  // `context` may be null when `to` is without TLS. The socket is connected, or about to be.
  channel(const endpoint& to, const tls_context* context, int fd,
          websocket_client::random_source& random);

  // Goes on with the handshakes as far as the socket lets it.
  step open();
  // As recv: payload bytes, 0 at the end of the stream, -1 with errno (EAGAIN: later).
  long read(char* into, size_t max);
  bool holds_more() const { return tls_ && tls_->holds_more(); }  // no event will tell of it
  // As send: how many bytes were taken. They may still be here: unsent(). Without bytes it goes on
  // with those.
  long write(const char* from, size_t size);
  bool unsent() const { return head_ < pending_.size(); }
  const std::string& why() const { return why_; }

 private:
  long read_socket(char* into, size_t max);
  long write_socket(const char* from, size_t size);
  bool send_pending();
  step open_websocket();
  step failed(const std::string& why);

  int fd_;
  std::unique_ptr<tls_stream> tls_;
  std::unique_ptr<websocket_client> websocket_;
  bool tls_open_ = false;
  std::string pending_;  // frames, not yet taken by the socket from head_ on
  size_t head_ = 0;
  std::string early_;  // answer of the upgrade; then what came behind it
  std::string why_;
};

}  // namespace dunlin::load
