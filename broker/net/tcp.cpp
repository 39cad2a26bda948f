#include "broker/net/tcp.hpp"

#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <iterator>

#include "base/log.hpp"
#include "broker/net/socket_stream.hpp"

namespace dunlin::net {
namespace {

constexpr int backlog = 4096;

// As getnameinfo() writes it, which takes longer than all else that is done for a connection here.
std::string to_text(const sockaddr_in& a) {
  char text[sizeof "255.255.255.255:65535"];
  const auto* byte = reinterpret_cast<const uint8_t*>(&a.sin_addr);
  char* p = text;
  for (int i = 0; i < 4; ++i) {
    p = std::to_chars(p, std::end(text), byte[i]).ptr;
    *p++ = i < 3 ? '.' : ':';
  }
  p = std::to_chars(p, std::end(text), ntohs(a.sin_port)).ptr;
  return {text, p};
}

std::string to_text(const sockaddr_storage& a) {
  if (a.ss_family == AF_UNIX) return "unix";
  if (a.ss_family == AF_INET) return to_text(reinterpret_cast<const sockaddr_in&>(a));
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&a), sizeof a, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "unknown";
  return "[" + std::string(host) + "]:" + port;
}

absl::Status cannot_listen(const std::string& address, int error) {
  std::string hint;
  if (error == EADDRINUSE)
    hint = ". Hint: another program listens there; stop it or choose another port (see: ss -ltnp)";
  if (error == EACCES) hint = ". Hint: ports below 1024 need root or CAP_NET_BIND_SERVICE";
  if (error == EADDRNOTAVAIL) hint = ". Hint: no interface of this machine has that address";
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address, ": ", std::strerror(error), hint));
}

// The process at the other end of a Unix socket.
std::string unix_peer(int fd) {
  ucred who{};
  socklen_t n = sizeof who;
  const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0;
  return known ? "unix:" + std::to_string(who.pid) : "unix";
}

class tcp_connection final : public connection, public pollable {
 public:
  tcp_connection(net::reactor& r, int fd, std::string peer, open_gauge open)
      : connection(r, std::move(peer)), open_(std::move(open)), fd_(fd) {
    if (open_) open_->fetch_add(1, std::memory_order_relaxed);
    tcp_connection::watch_transport();
  }
  ~tcp_connection() override {
    if (fd_ >= 0) ::close(fd_);
  }

  void on_events(uint32_t events) override {
    connection_ptr alive(this);
    if (events & EPOLLRDHUP) peer_done_ = true;
    if (events & EPOLLOUT) writable();
    if (!closed() && events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
      readable(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
  }

 private:
  static_assert(would_block == byte_stream::would_block && failed == byte_stream::failed);

  long read_some(char* into, size_t max) override {
    const long n = read_socket(fd_, into, max);
    nothing_comes_ = n == 0 || (peer_done_ && n > 0 && static_cast<size_t>(n) < max);
    return n;
  }
  long write_some(const char* from, size_t size) override { return write_socket(fd_, from, size); }
  void watch_transport() override { reactor().watch(fd_, *this); }
  void unwatch_transport() override { reactor().unwatch(fd_, *this); }
  void close_transport() override {
    if (fd_ < 0) return;
    unwatch_transport();
    if (nothing_comes_)
      ::close(fd_);
    else
      close_socket(fd_);
    fd_ = -1;
    if (open_) open_->fetch_sub(1, std::memory_order_relaxed);
  }

  const open_gauge open_;
  int fd_;
  bool peer_done_ = false;      // it sends nothing more than what is in the socket
  bool nothing_comes_ = false;  // ... and that has been read
};

}  // namespace

absl::StatusOr<int> bind_tcp(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos)
    return absl::InvalidArgumentError(
        absl::StrCat("listener address \"", address, "\" has no port. Hint: \"127.0.0.1:1883\""));
  std::string host = address.substr(0, colon);
  const std::string port = address.substr(colon + 1);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const bool any = host.empty() || host == "*";
  if (const int rc = ::getaddrinfo(any ? nullptr : host.c_str(), port.c_str(), &hints, &found); rc)
    return absl::InvalidArgumentError(
        absl::StrCat("listener address \"", address, "\": ", ::gai_strerror(rc)));
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  const bool ok = fd >= 0 && ::bind(fd, found->ai_addr, found->ai_addrlen) == 0;
  const int error = errno;
  ::freeaddrinfo(found);
  if (ok) return fd;
  if (fd >= 0) ::close(fd);
  return cannot_listen(address, error);
}

absl::StatusOr<int> bind_unix(const std::string& path, uint32_t mode) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  if (path.size() >= sizeof a.sun_path)
    return absl::InvalidArgumentError(absl::StrCat("the path ", path, " is too long for a socket"));
  std::memcpy(a.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(path, errno);
  const auto* address = reinterpret_cast<const sockaddr*>(&a);
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    const bool live =
        !S_ISSOCK(there.st_mode) || ::connect(fd, address, sizeof a) == 0 || errno != ECONNREFUSED;
    if (live) {
      ::close(fd);
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", path,
                       S_ISSOCK(there.st_mode) ? ": another process listens there"
                                               : ": the file is there and no socket",
                       ". Hint: stop that process, or choose another path"));
    }
    ::unlink(path.c_str());  // left by a process that is gone
  }
  if (::bind(fd, address, sizeof a) == 0 && ::chmod(path.c_str(), mode) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return cannot_listen(path, error);
}

std::string local_address(int fd) {
  sockaddr_storage a{};
  socklen_t n = sizeof a;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &n) != 0) return "unknown";
  if (a.ss_family == AF_UNIX) return reinterpret_cast<const sockaddr_un&>(a).sun_path;
  return to_text(a);
}

connection_ptr make_tcp_connection(reactor& r, int fd, std::string peer, open_gauge open) {
  return connection_ptr(new tcp_connection(r, fd, std::move(peer), std::move(open)), false);
}

tcp_listener::tcp_listener(int fd, std::vector<reactor*> reactors, accepted on_accept,
                           std::string file)
    : fd_(fd),
      file_(std::move(file)),
      reactors_(std::move(reactors)),
      on_accept_(std::move(on_accept)) {
  pause_.owner = this;
  pause_.on_fire = [](timer& t) {
    auto* l = static_cast<pause_timer&>(t).owner;
    l->reactors_[0]->watch_level(l->fd_, *l);
  };
}

tcp_listener::~tcp_listener() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status tcp_listener::start() {
  if (::listen(fd_, backlog) != 0) return cannot_listen(local_address(fd_), errno);
  watched_ = true;
  reactors_[0]->watch_level(fd_, *this);
  return absl::OkStatus();
}

void tcp_listener::unwatch() {
  if (watched_) reactors_[0]->unwatch(fd_, *this);
  watched_ = false;
  pause_.cancel();
}

void tcp_listener::stop() {
  if (fd_ < 0) return;
  unwatch();
  ::close(std::exchange(fd_, -1));
  if (!file_.empty()) ::unlink(file_.c_str());
}

int tcp_listener::hand_over() {
  unwatch();
  file_.clear();
  return std::exchange(fd_, -1);
}

void tcp_listener::on_events(uint32_t) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    sockaddr_storage from{};
    socklen_t n = sizeof from;
    const int fd =
        ::accept4(fd_, reinterpret_cast<sockaddr*>(&from), &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause(errno);
      return;
    }
    reactor* r = reactors_[next_++ % reactors_[0]->placement().in_use()];
    auto peer = from.ss_family == AF_UNIX ? unix_peer(fd) : to_text(from);
    if (r == reactor::current())
      on_accept_(*r, fd, std::move(peer));
    else
      r->post([this, r, fd, peer = std::move(peer)] { on_accept_(*r, fd, peer); });
  }
}

void tcp_listener::pause(int error) {
  log::error("accept_paused", {{"why", std::strerror(error)},
                               {"for_ms", pause_ms},
                               {"hint", "raise the limit of open files (ulimit -n)"}});
  reactors_[0]->unwatch(fd_, *this);
  reactors_[0]->timers().set(pause_, reactors_[0]->now_ms() + pause_ms);
}

}  // namespace dunlin::net
