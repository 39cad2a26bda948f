// HTTP/1.1 on a thread of its own: reads requests, gives them to a router, writes what the handlers
// answer.
//
// Used by main.cpp; tests of handlers call the router instead.
//   auto server = http_server::start({.host = "127.0.0.1", .port = 8080}, make_routes(provider));
//   if (!server.ok()) ...      // "127.0.0.1:8080: cannot listen: Address already in use"
//   (*server)->stop();         // or its destructor
// Every bound has its answer: connections 503, headers 431, bodies 413; a connection that is idle,
// or slow to send or take a message, is closed. Requests of one connection are answered one after
// the other, pipelined or not. A page of another origin cannot write: a request that is not GET or
// HEAD and has an Origin other than its Host is refused (403).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "broker/api/router.hpp"

namespace dunlin::api {

struct http_options {
  std::string host = {};  // a literal address or "localhost"
  uint16_t port = 0;      // 0: any free one
  uint32_t connections_max = 256;
  uint32_t header_bytes_max = 16 << 10;
  uint32_t body_bytes_max = 4 << 20;
  uint32_t idle_timeout_ms = 60'000;
};

class http_server {
 public:
  static absl::StatusOr<std::unique_ptr<http_server>> start(const http_options& o, router routes);
  ~http_server();

  uint16_t port() const;
  // Other bounds (host and port stay): connections that are open keep the header's.
  void set_limits(const http_options& o);
  // Takes no more requests, gives those at work a second to be answered, and ends the thread.
  // Answers that come later are dropped.
  void stop();

 private:
  struct core;
  explicit http_server(std::shared_ptr<core> c);
  std::shared_ptr<core> core_;
};

}  // namespace dunlin::api
