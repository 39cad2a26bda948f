// A client's connection in memory: the test is the network.
//
// Used by the simulations. Bytes and signals reach the connection on its reactor's next turn, as
// from a socket.
//   auto c = fake_connection::make(reactor);  c->inject(bytes);  ...  c->take_output();
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "broker/net/connection.hpp"

namespace dunlin::fakes {

class fake_connection final : public net::connection {
 public:
  static caf::intrusive_ptr<fake_connection> make(net::reactor& r, std::string peer = "fake:1") {
    return {new fake_connection(r, std::move(peer)), false};
  }

  void inject(std::string_view bytes) {
    input_.append(bytes);
    signal([](fake_connection& c) { c.readable(false); });
  }
  // The peer closes its end; what it sent before is still read.
  void hang_up() {
    hung_up_ = true;
    signal([](fake_connection& c) { c.readable(true); });
  }
  // Takes no output any more, or everything again.
  void block() { takes_ = false; }
  void unblock() {
    takes_ = true;
    signal([](fake_connection& c) { c.writable(); });
  }

  std::string take_output() { return std::exchange(output_, {}); }
  std::string_view peek_output() const { return output_; }
  size_t unread() const { return input_.size(); }

 private:
  fake_connection(net::reactor& r, std::string peer) : connection(r, std::move(peer)) {}

  // On the reactor that it is at when the signal arrives.
  void signal(void (*what)(fake_connection&)) {
    reactor().post([c = caf::intrusive_ptr<fake_connection>(this), what] {
      if (c->closed()) return;
      if (c->left_ || &c->reactor() != net::reactor::current()) return c->signal(what);
      what(*c);
    });
  }

  long read_some(char* into, size_t max) override {
    const size_t n = std::min(max, input_.size());
    if (n == 0) return hung_up_ ? 0 : would_block;
    std::memcpy(into, input_.data(), n);
    input_.erase(0, n);
    return static_cast<long>(n);
  }
  long write_some(const char* from, size_t size) override {
    if (hung_up_) return failed;
    if (!takes_) return would_block;
    output_.append(from, size);
    return static_cast<long>(size);
  }
  void close_transport() override {}
  void watch_transport() override { left_ = false; }
  void unwatch_transport() override { left_ = true; }

  std::string input_, output_;
  bool hung_up_ = false, takes_ = true;
  bool left_ = false;  // on its way to another reactor
};

}  // namespace dunlin::fakes
