#include "broker/net/socket_stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace dunlin::net {

long read_socket(int fd, char* into, size_t max) {
  for (;;) {
    const ssize_t n = ::recv(fd, into, max, 0);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return byte_stream::would_block;
    if (errno != EINTR) return byte_stream::failed;
  }
}

long write_socket(int fd, const char* from, size_t size) {
  for (;;) {
    const ssize_t n = ::send(fd, from, size, MSG_NOSIGNAL);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return byte_stream::would_block;
    if (errno != EINTR) return byte_stream::failed;
  }
}

void close_socket(int fd) {
  // Unread input at close makes the kernel send a reset, which could overtake our last packet.
  ::shutdown(fd, SHUT_WR);
  constexpr size_t discard_bytes = 4096;
  char discarded[discard_bytes];
  [[maybe_unused]] auto n = ::recv(fd, discarded, sizeof discarded, MSG_DONTWAIT);
  ::close(fd);
}

}  // namespace dunlin::net
