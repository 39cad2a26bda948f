#include "tests/load/worker.hpp"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "broker/mqtt/encode.hpp"
#include "tests/load/clock.hpp"

namespace dunlin::load {
namespace {

constexpr size_t read_bytes = 256 << 10;
constexpr uint64_t turn_max_ns = 5'000'000;  // a phase is noticed this soon

}  // namespace

worker::worker(const options& o, run_state& state, uint32_t index)
    : options_(o), state_(state), index_(index), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  read_buffer_.resize(2 * read_bytes);
}

worker::~worker() {
  for (const auto& c : clients_) {
    if (c->fd >= 0) ::close(c->fd);
  }
  ::close(epoll_);
}

void worker::add(std::unique_ptr<client> c) {
  if (c->pub) publishers_.push_back(c.get());
  clients_.push_back(std::move(c));
}

void worker::run() {
  prctl(PR_SET_TIMERSLACK, 1000);  // a message is sent when it is due, not 50 us later
  while (phase_ != phase::close) {
    if (const phase p = state_.now.load(std::memory_order_acquire); p != phase_) enter(p);
    now_ = now_ns();
    uint64_t wait = turn_max_ns;
    if (phase_ == phase::connect) open_more();
    if (phase_ == phase::publish) wait = std::min(wait, publish_due());
    poll(wait);
    if (now_ >= next_ping_) keep_alive();
    publish_counters();
  }
}

void worker::enter(phase p) {
  phase_ = p;
  now_ = now_ns();
  if (p == phase::subscribe) {
    for (const auto& c : clients_) {
      if (c->sub && c->state == link::ready) subscribe_more(*c);
    }
  } else if (p == phase::publish) {
    prepare_publishers();
  } else if (p == phase::close) {
    close_all();
  }
}

void worker::open_more() {
  if (next_open_ == clients_.size()) return;
  const size_t at_once = std::max<size_t>(1, options_.connecting_max / options_.threads);
  size_t allowed = clients_.size();
  if (options_.connect_rate > 0) {
    const double elapsed = double(now_ - state_.connect_begin) / double(second_ns);
    allowed = size_t(elapsed * options_.connect_rate / options_.threads) + 1;
  }
  while (next_open_ < std::min(allowed, clients_.size()) && next_open_ - done_opening_ < at_once) {
    open(*clients_[next_open_++]);
  }
}

// Without TLS and WebSocket CONNECT goes out with the connection where that stands at once, as it
// does on a loopback address: no event, and no look at the socket's error, is needed.
void worker::open(client& c) {
  const endpoint& target = options_.targets[c.index % options_.targets.size()];
  const int family = target.address.ss_family;
  // A Unix socket's connect() waits for room in the broker's backlog: without, it would fail. What
  // follows never waits either way.
  const int waits = family == AF_UNIX ? 0 : SOCK_NONBLOCK;
  c.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | waits, 0);
  c.state = link::opening;
  if (c.fd < 0) return lose(c, strerror(errno));
  const int one = 1;
  const bool idle = !c.pub && !c.sub;
  if (family != AF_UNIX && !idle) setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // The first source address is the one that the system takes by itself.
  if (options_.per_address > 0 && family == AF_INET && c.index >= options_.per_address) {
    setsockopt(c.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + c.index / options_.per_address);
    if (bind(c.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) {
      return lose(c, strerror(errno));
    }
  }
  const auto* to = reinterpret_cast<const sockaddr*>(&target.address);
  if (::connect(c.fd, to, target.length) != 0 && errno != EINPROGRESS) {
    return lose(c, strerror(errno));
  }
  if (target.layered()) {
    c.over = std::make_unique<channel>(target, options_.tls.get(), c.fd, random_);
    go_on_opening(c);
  } else {
    say_connect(c);
  }
  if (c.state == link::lost) return;
  epoll_event e{};
  e.events = EPOLLIN | (c.wants_write ? uint32_t(EPOLLOUT) : 0);
  e.data.ptr = &c;
  c.watched = true;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &e);
}

void worker::go_on_opening(client& c) {
  switch (c.over->open()) {
    case step::done:
      return say_connect(c);
    case step::failed:
      return lose(c, c.over->why());
    case step::wants_read:
      return want_write(c, false);
    case step::wants_write:
      return want_write(c, true);
  }
}

void worker::say_connect(client& c) {
  mqtt::connect p;
  p.ver = options_.version;
  p.clean_start = !options_.persistent;
  p.keep_alive_s = options_.keep_alive_s;
  p.client_id = c.id;
  if (options_.persistent) p.props.session_expiry_interval = 3600;
  mqtt::encode(p, c.out);
  c.state = link::handshake;
  flush(c);
}

long worker::receive(client& c, char* into, size_t max) {
  if (c.over) return c.over->read(into, max);
  return recv(c.fd, into, max, MSG_DONTWAIT);
}

long worker::transmit(client& c, const char* from, size_t size) {
  if (c.over) return c.over->write(from, size);
  return send(c.fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void worker::poll(uint64_t timeout_ns) {
  epoll_event events[512];
  const timespec t{time_t(timeout_ns / second_ns), long(timeout_ns % second_ns)};
  const int n = epoll_pwait2(epoll_, events, 512, &t, nullptr);
  now_ = now_ns();
  for (int i = 0; i < n; ++i) {
    client& c = *static_cast<client*>(events[i].data.ptr);
    const uint32_t what = events[i].events;
    if (c.fd < 0) continue;
    if (c.state == link::opening) {
      go_on_opening(c);
      continue;
    }
    if (what & (EPOLLIN | EPOLLERR | EPOLLHUP)) readable(c);
    if (c.fd >= 0 && (what & EPOLLOUT)) writable(c);
  }
}

void worker::writable(client& c) {
  if (c.backlog()) flush(c);
  const bool late = options_.rate > 0 && phase_ == phase::publish && c.pub && !c.backlog();
  if (c.fd >= 0 && (flooding(c) || late)) {
    pump(c);
    flush(c);
  } else if (!c.backlog()) {
    want_write(c, false);
  }
}

void worker::flush(client& c) {
  if (c.fd < 0 || c.state == link::opening) return;
  while (c.backlog()) {
    const long n = transmit(c, c.out.data() + c.out_head, c.out.size() - c.out_head);
    if (n >= 0) {
      c.out_head += size_t(n);
    } else if (errno == EAGAIN) {
      if (c.out_head > 65'536) {
        c.out.erase(0, c.out_head);
        c.out_head = 0;
      }
      return want_write(c, true);
    } else if (errno != EINTR) {
      return lose(c, strerror(errno));
    }
  }
  c.out.clear();
  c.out_head = 0;
  want_write(c, flooding(c));
}

void worker::want_write(client& c, bool on) {
  if (c.wants_write == on || c.fd < 0) return;
  c.wants_write = on;
  if (!c.watched) return;
  epoll_event e{};
  e.events = EPOLLIN | (on ? uint32_t(EPOLLOUT) : 0);
  e.data.ptr = &c;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &e);
}

void worker::lose(client& c, std::string_view why) {
  if (c.state == link::lost) return;
  if (c.state == link::ready) {
    --ready_;
  } else {
    ++done_opening_;
  }
  ++failed_;
  if (c.pub) in_flight_ -= c.pub->in_flight();
  if (results.first_error.empty()) results.first_error = "client " + c.id + ": " + std::string(why);
  c.state = link::lost;
  c.over.reset();
  if (c.fd >= 0) ::close(c.fd);
  c.fd = -1;
  std::string().swap(c.out);
  c.out_head = 0;
}

void worker::keep_alive() {
  // A publisher that sends needs no ping, but to find out costs more than the two bytes.
  const uint64_t every = std::max<uint64_t>(1, options_.keep_alive_s) * second_ns / 2;
  const bool first = next_ping_ == 0;
  next_ping_ = now_ + every;
  if (first || options_.keep_alive_s == 0) return;
  for (const auto& c : clients_) {
    if (c->state != link::ready) continue;
    mqtt::encode(mqtt::pingreq{}, options_.version, c->out);
    flush(*c);
  }
}

void worker::close_all() {
  for (const auto& c : clients_) {
    if (c->fd < 0) continue;
    if (c->state == link::ready && !c->backlog()) {
      mqtt::encode(mqtt::disconnect{}, options_.version, c->out);
      flush(*c);
    }
    if (c->fd >= 0) ::close(c->fd);
    c->fd = -1;
  }
}

void worker::publish_counters() {
  const auto set = [](std::atomic<uint64_t>& to, uint64_t value) {
    to.store(value, std::memory_order_release);
  };
  set(counters.in_flight, in_flight_);
  set(counters.ready, ready_);
  set(counters.failed, failed_);
  set(counters.granted, granted_);
  set(counters.denied, denied_);
  set(counters.acknowledged, acknowledged_);
}

}  // namespace dunlin::load
