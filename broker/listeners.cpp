#include "broker/listeners.hpp"

#include <absl/strings/str_cat.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <utility>

#include "base/log.hpp"
#include "broker/handshake.hpp"

namespace dunlin {
namespace {

bool is_file(const listener_config& c) {
  return c.transport.kind == net::transport_kind::unix_socket;
}
// Whether the same socket serves both.
bool same_socket(const listener_config& a, const listener_config& b) {
  return a.address == b.address && is_file(a) == is_file(b);
}

}  // namespace

absl::StatusOr<int> listeners::bind(const listener_config& c) {
  return is_file(c) ? net::bind_unix(c.address, c.transport.mode) : net::bind_tcp(c.address);
}

// Loads the certificates, and binds where there is no socket to take over.
absl::Status listeners::prepare(entry& e, size_t index) {
  const auto& c = e.config;
  std::vector<net::tls_fault> wrong;
  e.transport = net::transport::make(c.profile->name, c.transport, wrong);
  if (!e.transport)
    return absl::InvalidArgumentError(
        absl::StrCat("listeners.", index, ".tls.", net::to_line(wrong[0])));
  c.profile->guard = &directory_.guard.listener(c.profile->name);
  if (e.heir_of) {
    e.address = e.heir_of->address;
    return absl::OkStatus();
  }
  auto fd = bind(c);
  if (!fd.ok())
    return absl::Status(fd.status().code(),
                        absl::StrCat("listeners.", index, ".address: ", fd.status().message()));
  e.fd = *fd;
  e.address = net::local_address(*fd);
  return absl::OkStatus();
}

void listeners::make_socket(entry& e) {
  e.socket = std::make_unique<net::tcp_listener>(
      std::exchange(e.fd, -1), directory_.reactors,
      [this, profile = e.config.profile, t = e.transport](net::reactor& r, int fd,
                                                          std::string peer) {
        begin_handshake(t->connect(r, fd, std::move(peer)), directory_, profile);
      },
      is_file(e.config) ? e.config.address : std::string());
}

absl::Status listeners::open(const std::vector<listener_config>& configured) {
  for (size_t i = 0; i < configured.size(); ++i) {
    all_.push_back(std::make_unique<entry>());
    all_.back()->config = configured[i];
    if (auto s = prepare(*all_.back(), i); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status listeners::start() {
  for (auto& e : all_) {
    make_socket(*e);
    if (auto s = e->socket->start(); !s.ok()) return s;
  }
  tell_transports();
  watcher_.start(transports());
  return absl::OkStatus();
}

// The listener that is already just as wanted.
std::unique_ptr<listeners::entry> listeners::take_same(const listener_config& wanted) {
  for (auto& e : all_)
    if (e && e->config.profile->name == wanted.profile->name && same_socket(e->config, wanted) &&
        e->config.transport == wanted.transport)
      return std::move(e);
  return nullptr;
}

listeners::entry* listeners::heritage(const listener_config& wanted) const {
  for (const auto& e : all_)
    if (e && same_socket(e->config, wanted)) return e.get();
  return nullptr;
}

std::vector<std::string> listeners::change(const std::vector<listener_config>& wanted) {
  entries next(wanted.size());
  std::vector<std::pair<size_t, size_t>> kept;  // place now, place before
  std::vector<std::string> faults;
  std::vector<entry*> before;
  for (const auto& e : all_) before.push_back(e.get());
  for (size_t i = 0; i < wanted.size(); ++i) {
    next[i] = take_same(wanted[i]);
    if (next[i])
      kept.emplace_back(i, std::find(before.begin(), before.end(), next[i].get()) - before.begin());
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (next[i]) continue;
    next[i] = std::make_unique<entry>();
    next[i]->config = wanted[i];
    next[i]->heir_of = heritage(wanted[i]);
    if (auto s = prepare(*next[i], i); !s.ok()) faults.emplace_back(s.message());
  }
  if (!faults.empty()) {
    for (auto& [now, then] : kept) all_[then] = std::move(next[now]);
    for (auto& e : next)
      if (e && e->fd >= 0) {
        ::close(e->fd);
        if (is_file(e->config)) ::unlink(e->config.address.c_str());
      }
    return faults;
  }
  if (kept.size() < next.size() || kept.size() < all_.size())
    on_first_reactor([&] { replace(next); });
  all_ = std::move(next);
  tell_transports();
  watcher_.stop();
  watcher_.start(transports());
  return {};
}

void listeners::replace(entries& next) {
  for (auto& e : next) {
    if (e->socket) continue;
    if (entry* before = std::exchange(e->heir_of, nullptr)) {
      e->fd = before->socket->hand_over();
      before->handed_over = true;
      if (is_file(e->config)) ::chmod(e->config.address.c_str(), e->config.transport.mode);
    }
    make_socket(*e);
    if (auto s = e->socket->start(); !s.ok())
      log::error("listener_failed",
                 {{"listener", e->config.profile->name}, {"why", std::string(s.message())}});
    else
      log::info("listening", {{"listener", e->config.profile->name}, {"address", e->address}});
  }
  for (auto& e : all_) {
    if (!e) continue;
    if (!e->handed_over) {
      e->socket->stop();
      log::info("listener_closed",
                {{"listener", e->config.profile->name}, {"address", e->address}});
    }
    stopped_.push_back(std::move(e->socket));
  }
}

void listeners::on_first_reactor(const std::function<void()>& f) {
  std::promise<void> done;
  directory_.reactors[0]->post([&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

void listeners::stop() {
  watcher_.stop();
  on_first_reactor([this] {
    for (auto& e : all_) e->socket->stop();
  });
}

std::vector<net::transport_ptr> listeners::transports() const {
  std::lock_guard lock(mutex_);
  return transports_;
}

// Others look at them while a change takes all_ apart: they see those of before, then those of
// after.
void listeners::tell_transports() {
  std::vector<net::transport_ptr> now;
  for (const auto& e : all_) now.push_back(e->transport);
  std::lock_guard lock(mutex_);
  transports_.swap(now);
}

listeners::certificates_report listeners::reload_certificates() {
  certificates_report report;
  const auto all = transports();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i]->tls()) continue;
    std::vector<net::tls_fault> wrong;
    if (net::reload_certificates(*all[i], wrong)) report.reloaded.push_back(all[i]->name());
    for (const auto& f : wrong)
      report.wrong.push_back(absl::StrCat("listeners.", i, ".tls.", net::to_line(f)));
  }
  return report;
}

std::vector<metrics::listener_numbers> listeners::numbers() const {
  std::vector<metrics::listener_numbers> out;
  for (const auto& t : transports()) {
    auto& c = t->count();
    metrics::listener_numbers n;
    n.name = t->name();
    n.transport = net::to_string(t->options().kind);
    n.open = c.open.load(std::memory_order_relaxed);
    n.accepted = c.accepted.load(std::memory_order_relaxed);
    n.proxy_refused = c.proxy_refused.load(std::memory_order_relaxed);
    for (size_t i = 0; i < net::tls_failures; ++i)
      n.tls_failed.emplace_back(net::to_string(static_cast<net::tls_failure>(i)), c.tls_failed[i]);
    for (size_t i = 0; i < net::websocket_refusals; ++i)
      n.websocket_refused.emplace_back(net::to_string(static_cast<net::websocket_refusal>(i)),
                                       c.websocket_refused[i]);
    if (t->tls()) n.certificate_expires_s = t->tls()->now()->expires_s;
    out.push_back(std::move(n));
  }
  return out;
}

std::vector<std::string> listeners::addresses() const {
  std::vector<std::string> out;
  for (const auto& e : all_) out.push_back(e->address);
  return out;
}

}  // namespace dunlin
