// A connected socket (TCP or Unix) that does not block. The bottom of a stack of byte_streams, and
// what tcp.cpp uses directly.
#pragma once

#include "broker/net/byte_stream.hpp"

namespace dunlin::net {

// recv and send with byte_stream's answers.
long read_socket(int fd, char* into, size_t max);
long write_socket(int fd, const char* from, size_t size);
// Ends the connection so that what was written before reaches the peer.
void close_socket(int fd);

class socket_stream final : public byte_stream {
 public:
  explicit socket_stream(int fd) : fd_(fd) {}
  ~socket_stream() override { close(); }

  long read_some(char* into, size_t max) override {
    const long n = read_socket(fd_, into, max);
    emptied_ = n == would_block || (n > 0 && static_cast<size_t>(n) < max);
    return n;
  }
  long write_some(const char* from, size_t size) override { return write_socket(fd_, from, size); }
  bool emptied() const override { return emptied_; }
  void close() override {
    if (fd_ >= 0) close_socket(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  bool emptied_ = false;
};

}  // namespace dunlin::net
