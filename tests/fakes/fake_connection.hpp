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
    signal(false);
  }
  // The peer closes its end; what it sent before is still read.
  void hang_up() {
    hung_up_ = true;
    signal(true);
  }
  // Takes no output any more, or everything again.
  void block() { takes_ = false; }
  void unblock() {
    takes_ = true;
    reactor().post([c = caf::intrusive_ptr<fake_connection>(this)] {
      if (!c->closed()) c->writable();
    });
  }

  std::string take_output() { return std::exchange(output_, {}); }
  std::string_view peek_output() const { return output_; }
  size_t unread() const { return input_.size(); }

 private:
  fake_connection(net::reactor& r, std::string peer) : connection(r, std::move(peer)) {}

  void signal(bool hang_up) {
    reactor().post([c = caf::intrusive_ptr<fake_connection>(this), hang_up] {
      if (!c->closed()) c->readable(hang_up);
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

  std::string input_, output_;
  bool hung_up_ = false, takes_ = true;
};

}  // namespace dunlin::fakes
