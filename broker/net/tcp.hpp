// Listening sockets, TCP and Unix, and plain connections.
//
// Used by broker/node (listeners) and the reactor. A listener is polled by one reactor and hands
// accepted sockets to all in turn, so that a few busy connections spread evenly.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/net/connection.hpp"

namespace dunlin::net {

// "127.0.0.1:1883", "[::1]:1883" or "*:1883" bound; nothing is accepted before
// tcp_listener::start(). The error names the address and what to do.
absl::StatusOr<int> bind_tcp(const std::string& address);
// A Unix socket's file of that mode. One that no process listens on any more is replaced.
absl::StatusOr<int> bind_unix(const std::string& path, uint32_t mode);
// The address a socket is bound to ("127.0.0.1:1883"): the port that the system chose when 0 was
// asked for.
std::string local_address(int fd);

// The connection takes the descriptor, and counts itself in `open` while it is.
using open_gauge = std::shared_ptr<std::atomic<uint64_t>>;
connection_ptr make_tcp_connection(reactor& r, int fd, std::string peer, open_gauge open = {});

class tcp_listener final : public pollable {
 public:
  // Called on the reactor that the connection is to belong to, one of those in use; takes the
  // descriptor.
  using accepted = std::function<void(reactor&, int fd, std::string peer)>;

  // `file` is removed when it stops: a Unix socket's.
  tcp_listener(int fd, std::vector<reactor*> reactors, accepted on_accept, std::string file = {});
  ~tcp_listener();
  tcp_listener(const tcp_listener&) = delete;
  tcp_listener& operator=(const tcp_listener&) = delete;

  absl::Status start();  // on any thread
  void
  stop();  // no further connection; on the thread of the first reactor, or when it does not run

  // Gives its socket to another listener, which goes on where this one stops; on the thread of the
  // first reactor.
  int hand_over();

  void on_events(uint32_t events) override;

 private:
  void unwatch();
  static constexpr int accepts_per_turn = 8;

  // Without a free file descriptor, accepting pauses this long instead of spinning.
  static constexpr uint64_t pause_ms = 200;
  struct pause_timer : timer {
    tcp_listener* owner = nullptr;
  };
  void pause(int error);

  int fd_;
  std::string file_;
  std::vector<reactor*> reactors_;
  accepted on_accept_;
  pause_timer pause_;
  size_t next_ = 0;
  bool watched_ = false;
};

}  // namespace dunlin::net
