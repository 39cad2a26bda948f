#include "broker/net/transport.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/log.hpp"
#include "broker/net/proxy_protocol.hpp"
#include "broker/net/socket_stream.hpp"
#include "broker/net/tcp.hpp"
#include "broker/net/websocket_stream.hpp"

namespace dunlin::net {
namespace {

class layered_connection final : public connection, public pollable {
 public:
  layered_connection(net::reactor& r, int fd, std::string peer, transport_ptr t)
      : connection(r, std::move(peer)),
        transport_(std::move(t)),
        fd_(fd),
        proxy_awaited_(transport_->options().proxy_protocol) {
    const auto& o = transport_->options();
    if (auto* tls = transport_->tls()) {
      auto s = std::make_unique<tls_stream>(fd, tls->now(), on_handshake_failed, this);
      tls_ = s.get();
      stream_ = std::move(s);
    } else {
      stream_ = std::make_unique<socket_stream>(fd);
    }
    if (o.kind == transport_kind::websocket || o.kind == transport_kind::websocket_tls)
      stream_ =
          std::make_unique<websocket_stream>(std::move(stream_), o.path, on_upgrade_refused, this);
    set_emptied(false);
    transport_->count().open.fetch_add(1, std::memory_order_relaxed);
    layered_connection::watch_transport();
  }

  // An event of one direction may be what the other waits for: a handshake writes while it reads.
  void on_events(uint32_t events) override {
    connection_ptr alive(this);
    const bool hang_up = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    hung_up_ = hung_up_ || hang_up;
    if (closed()) return;
    if (!proxy_awaited_) {
      stream_->flush();  // that it failed shows in the read
      writable();
    }
    if (!closed()) readable(hang_up);
  }

  std::string certificate_user() const override {
    const auto& o = transport_->options();
    return tls_ ? tls_->user_name(o.tls->user_name) : std::string();
  }
  std::string_view tls_version() const override {
    return tls_ ? std::string_view(tls_->version()) : std::string_view();
  }

 private:
  long read_some(char* into, size_t max) override {
    if (proxy_awaited_) {
      if (const long n = read_proxy_header(into, max); n != 0) return n;
    }
    const long n = stream_->read_some(into, max);
    set_emptied(stream_->emptied());
    return n;
  }
  long write_some(const char* from, size_t size) override {
    return proxy_awaited_ ? failed : stream_->write_some(from, size);
  }
  void watch_transport() override { reactor().watch(fd_, *this); }
  void unwatch_transport() override { reactor().unwatch(fd_, *this); }
  void close_transport() override {
    if (fd_ < 0) return;
    unwatch_transport();
    fd_ = -1;
    tls_ = nullptr;
    stream_->close();
    stream_.reset();
    transport_->count().open.fetch_sub(1, std::memory_order_relaxed);
  }

  // 0: the header has been taken off the socket. It is looked at there until it is whole, so that
  // what follows stays for TLS.
  long read_proxy_header(char* into, size_t max) {
    const ssize_t n = ::recv(fd_, into, std::min(max, proxy_header_bytes_max), MSG_PEEK);
    if (n == 0) return refuse_proxy("the peer closed before its PROXY header was whole");
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? would_block : failed;
    const auto result = parse_proxy_header({into, static_cast<size_t>(n)});
    if (std::get_if<proxy_need_more>(&result))
      return hung_up_ ? refuse_proxy("the peer closed before its PROXY header was whole")
                      : would_block;
    if (const auto* m = std::get_if<proxy_malformed>(&result)) return refuse_proxy(m->why);
    const auto& header = *std::get_if<proxy_header>(&result);
    if (read_socket(fd_, into, header.size) != static_cast<long>(header.size)) return failed;
    if (!header.source.empty()) set_peer(header.source);
    proxy_awaited_ = false;
    return 0;
  }
  long refuse_proxy(std::string_view why) {
    transport_->count().proxy_refused.fetch_add(1, std::memory_order_relaxed);
    log::warn(
        "proxy_header_refused",
        {{"listener", transport_->name()},
         {"address", peer()},
         {"why", why},
         {"hint", "with proxy_protocol: on, only a proxy that sends the header may connect"}});
    return failed;
  }

  static void on_handshake_failed(void* self, tls_failure why, const char* text) {
    auto* c = static_cast<layered_connection*>(self);
    c->transport_->count().tls_failed[static_cast<size_t>(why)].fetch_add(
        1, std::memory_order_relaxed);
    log::warn("tls_handshake_failed", {{"listener", c->transport_->name()},
                                       {"address", c->peer()},
                                       {"reason", to_string(why)},
                                       {"why", text}});
  }
  static void on_upgrade_refused(void* self, websocket_refusal why) {
    auto* c = static_cast<layered_connection*>(self);
    c->transport_->count().websocket_refused[static_cast<size_t>(why)].fetch_add(
        1, std::memory_order_relaxed);
    log::warn(
        "websocket_refused",
        {{"listener", c->transport_->name()}, {"address", c->peer()}, {"reason", to_string(why)}});
  }

  const transport_ptr transport_;
  std::unique_ptr<byte_stream> stream_;
  tls_stream* tls_ = nullptr;  // in stream_
  int fd_;
  bool proxy_awaited_, hung_up_ = false;
};

bool layered(const transport_options& o) {
  return o.proxy_protocol ||
         (o.kind != transport_kind::tcp && o.kind != transport_kind::unix_socket);
}

}  // namespace

std::shared_ptr<transport> transport::make(std::string name, transport_options o,
                                           std::vector<tls_fault>& wrong) {
  tls_material_ptr material;
  if (o.tls && !(material = load_tls(*o.tls, wrong))) return nullptr;
  return std::make_shared<transport>(std::move(name), std::move(o), std::move(material));
}

transport::transport(std::string name, transport_options o, tls_material_ptr material)
    : name_(std::move(name)), options_(std::move(o)) {
  if (options_.tls) tls_ = std::make_unique<tls_context>(*options_.tls, std::move(material));
}

connection_ptr transport::connect(reactor& r, int fd, std::string peer) {
  counters_.accepted.fetch_add(1, std::memory_order_relaxed);
  if (layered(options_))
    return {new layered_connection(r, fd, std::move(peer), shared_from_this()), false};
  return make_tcp_connection(r, fd, std::move(peer), {shared_from_this(), &counters_.open});
}

}  // namespace dunlin::net
