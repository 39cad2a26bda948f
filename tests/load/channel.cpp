#include "tests/load/channel.hpp"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>

namespace dunlin::load {

channel::channel(const endpoint& to, const tls_context* context, int fd,
                 websocket_client::random_source& random)
    : fd_(fd) {
  if (to.tls) tls_ = std::make_unique<tls_stream>(*context, fd, to.host);
  if (!to.websocket) return;
  websocket_ = std::make_unique<websocket_client>(random);
  pending_ = websocket_->request(to.authority, to.path);
}

step channel::open() {
  if (tls_ && !tls_open_) {
    const step s = tls_->handshake();
    if (s == step::failed) return failed(tls_->why());
    if (s != step::done) return s;
    tls_open_ = true;
  }
  return websocket_ ? open_websocket() : step::done;
}

step channel::open_websocket() {
  if (!send_pending()) return errno == EAGAIN ? step::wants_write : failed(strerror(errno));
  char buffer[4096];
  for (;;) {
    const long n = read_socket(buffer, sizeof buffer);
    if (n < 0) return errno == EAGAIN ? step::wants_read : failed(strerror(errno));
    if (n == 0) return failed("closed by the broker before the WebSocket was open");
    early_.append(buffer, size_t(n));
    size_t used = 0;
    const step s = websocket_->answered(early_, used);
    if (s == step::failed) return failed(websocket_->why());
    if (s == step::done) {
      early_.erase(0, used);
      return s;
    }
  }
}

long channel::read(char* into, size_t max) {
  for (;;) {
    if (websocket_ && websocket_->closed()) return 0;
    long n = 0;
    if (!early_.empty()) {
      n = long(std::min(max, early_.size()));
      memcpy(into, early_.data(), size_t(n));
      early_.erase(0, size_t(n));
    } else {
      n = read_socket(into, max);
      if (n <= 0) return n;
    }
    if (!websocket_) return n;
    const auto payload = websocket_->unframe(into, size_t(n));
    if (!payload) {
      why_ = websocket_->why();
      errno = EPROTO;
      return -1;
    }
    pending_ += websocket_->replies();
    websocket_->replies().clear();
    if (*payload > 0) return long(*payload);
  }
}

long channel::write(const char* from, size_t size) {
  if (!websocket_) return write_socket(from, size);
  if (!send_pending()) return -1;
  if (size == 0) return 0;
  websocket_->frame({from, size}, pending_);
  if (!send_pending() && errno != EAGAIN) return -1;
  return long(size);
}

// True when nothing is left; else errno says why.
bool channel::send_pending() {
  while (unsent()) {
    const long n = write_socket(pending_.data() + head_, pending_.size() - head_);
    if (n < 0) return false;
    head_ += size_t(n);
  }
  pending_.clear();
  if (pending_.capacity() > 65'536) pending_.shrink_to_fit();
  head_ = 0;
  return true;
}

long channel::read_socket(char* into, size_t max) {
  if (tls_) {
    const long n = tls_->read(into, max);
    if (n <= 0 && !tls_->why().empty()) why_ = tls_->why();
    return n;
  }
  return ::recv(fd_, into, max, MSG_DONTWAIT);
}

long channel::write_socket(const char* from, size_t size) {
  if (tls_) return tls_->write(from, size);
  return ::send(fd_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

step channel::failed(const std::string& why) {
  why_ = why;
  return step::failed;
}

}  // namespace dunlin::load
