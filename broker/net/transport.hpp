// What makes a connection of an accepted socket: plain, or through the PROXY header, TLS and
// WebSocket as its listener is configured.
//
// One for each listener, made by the node and shared with the listener's connections; used on every
// reactor.   auto t = transport::make(options, wrong);  auto c = t->connect(reactor, fd, peer);
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "broker/net/connection.hpp"
#include "broker/net/tls_context.hpp"
#include "broker/net/tls_stream.hpp"
#include "broker/net/transport_options.hpp"
#include "broker/net/websocket_upgrade.hpp"

namespace dunlin::net {

// Of one listener; rare events, added to by any reactor.
struct listener_counters {
  std::atomic<uint64_t> accepted{0}, open{0}, proxy_refused{0};
  std::array<std::atomic<uint64_t>, tls_failures> tls_failed{};
  std::array<std::atomic<uint64_t>, websocket_refusals> websocket_refused{};
};

class transport : public std::enable_shared_from_this<transport> {
 public:
  // Loads certificates; null when a file is wrong.
  static std::shared_ptr<transport> make(std::string name, transport_options o,
                                         std::vector<tls_fault>& wrong);
  transport(std::string name, transport_options o, tls_material_ptr material);

  // The connection takes the descriptor.
  connection_ptr connect(reactor& r, int fd, std::string peer);

  const std::string& name() const { return name_; }  // the listener's
  const transport_options& options() const { return options_; }
  tls_context* tls() { return tls_.get(); }  // null without TLS
  listener_counters& count() { return counters_; }

 private:
  const std::string name_;
  const transport_options options_;
  std::unique_ptr<tls_context> tls_;
  listener_counters counters_;
};
using transport_ptr = std::shared_ptr<transport>;

}  // namespace dunlin::net
