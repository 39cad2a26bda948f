// The reference point of compare.sh: the least work that moves MQTT 3.1.1 publishes from many
// sockets to their receivers.
//
//   limit PORT [--drop-every N] [--duplicate-every N] [--swap-every N]
//
// One epoll loop on 127.0.0.1; frames are walked by their length only; a filter that ends in '#'
// takes everything, any other is one exact topic. No sessions, no checks, no limits,
// acknowledgements before anything is delivered: not a broker. The three options make deliveries go
// wrong on purpose, which is how selftest.sh proves that dunlin-load notices.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dunlin::bench {
namespace {

struct connection {
  int fd = -1;
  std::string in;   // the beginning of a packet
  std::string out;  // not yet taken by the socket from `sent` on
  size_t sent = 0;
  bool dirty = false;    // has output since the last flush
  bool blocked = false;  // the socket is full
  uint16_t packet_id = 0;
  std::string held;  // swap: waits for the next message
};

struct faults {
  uint64_t drop_every = 0, duplicate_every = 0, swap_every = 0;
  uint64_t deliveries = 0;
  bool any() const { return drop_every + duplicate_every + swap_every > 0; }
  bool hits(uint64_t every) const { return every > 0 && deliveries % every == 0; }
};

struct text_hash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

struct packet {
  uint8_t type;
  uint8_t qos;
  const char* whole;
  size_t size;
  const char* body;
  size_t body_size;
  size_t length_at(size_t at) const {
    return size_t(uint8_t(body[at])) << 8 | uint8_t(body[at + 1]);
  }
};

class relay {
 public:
  explicit relay(const faults& f) : faults_(f), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  bool listen_on(uint16_t port);
  void run();

 private:
  void watch(connection* c, uint32_t events, int operation);
  void accept_all();
  void read_from(connection* c);
  size_t walk(connection* c, const char* b, size_t size);
  void handle(connection* c, const packet& p);
  void subscribe(connection* c, const packet& p);
  void publish(connection* c, const packet& p);
  void give(connection* to, const packet& p);
  void give_faulty(connection* to, const packet& p);
  void append(connection* to, const packet& p);
  void mark(connection* c);
  void flush(connection* c);
  void flush_all();
  void close(connection* c);

  faults faults_;
  int epoll_;
  int listener_ = -1;
  std::vector<std::unique_ptr<connection>> connections_;  // kept until the end: not a broker
  std::vector<connection*> sinks_;                        // of everything
  std::vector<connection*> dirty_;
  std::unordered_map<std::string, std::vector<connection*>, text_hash, std::equal_to<>> topics_;
  char buffer_[1 << 17];
};

bool relay::listen_on(uint16_t port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return false;
  if (listen(listener_, 4096) != 0) return false;
  watch(nullptr, EPOLLIN, EPOLL_CTL_ADD);
  return true;
}

void relay::watch(connection* c, uint32_t events, int operation) {
  epoll_event e{};
  e.events = events;
  e.data.ptr = c;
  epoll_ctl(epoll_, operation, c ? c->fd : listener_, &e);
}

void relay::run() {
  epoll_event events[512];
  for (;;) {
    const int n = epoll_wait(epoll_, events, 512, -1);
    for (int i = 0; i < n; ++i) {
      auto* c = static_cast<connection*>(events[i].data.ptr);
      if (c == nullptr) {
        accept_all();
        continue;
      }
      if (events[i].events & EPOLLOUT) flush(c);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_from(c);
    }
    flush_all();
  }
}

void relay::accept_all() {
  const int on = 1;
  for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_.push_back(std::make_unique<connection>());
    connections_.back()->fd = fd;
    watch(connections_.back().get(), EPOLLIN, EPOLL_CTL_ADD);
  }
}

void relay::read_from(connection* c) {
  if (c->fd < 0) return;
  const size_t kept = c->in.size();
  memcpy(buffer_, c->in.data(), kept);
  const ssize_t n = read(c->fd, buffer_ + kept, sizeof buffer_ - kept);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return close(c);
  const size_t size = kept + size_t(n);
  const size_t done = walk(c, buffer_, size);
  c->in.assign(buffer_ + done, size - done);
}

// Handles every whole packet; returns where the rest begins.
size_t relay::walk(connection* c, const char* b, size_t size) {
  size_t at = 0;
  while (size - at >= 2) {
    size_t body_size = 0, body = at + 1;
    bool whole = false;
    for (unsigned shift = 0; body < size && shift < 28; shift += 7) {
      const uint8_t x = uint8_t(b[body++]);
      body_size |= size_t(x & 127) << shift;
      if ((x & 128) == 0) {
        whole = true;
        break;
      }
    }
    if (!whole || size < body + body_size) break;
    const uint8_t first = uint8_t(b[at]);
    handle(c, {uint8_t(first >> 4), uint8_t(first >> 1 & 3), b + at, body + body_size - at,
               b + body, body_size});
    at = body + body_size;
  }
  return at;
}

void relay::handle(connection* c, const packet& p) {
  enum { connect = 1, publish_ = 3, pubrec = 5, pubrel = 6, subscribe_ = 8, pingreq = 12 };
  const auto answer = [&](char first) {
    c->out.append({first, 2, p.body[0], p.body[1]});
    mark(c);
  };
  switch (p.type) {
    case publish_:
      return publish(c, p);
    case subscribe_:
      return subscribe(c, p);
    case pubrec:
      return answer('\x62');
    case pubrel:
      return answer('\x70');
    case connect:
      c->out.append("\x20\x02\0\0", 4);
      return mark(c);
    case pingreq:
      c->out.append("\xd0\0", 2);
      return mark(c);
  }
}

void relay::subscribe(connection* c, const packet& p) {
  std::string codes;
  for (size_t at = 2; at < p.body_size;) {
    const size_t length = p.length_at(at);
    const std::string filter(p.body + at + 2, length);
    (filter.back() == '#' ? sinks_ : topics_[filter]).push_back(c);
    at += 2 + length;
    codes.push_back(p.body[at++]);
  }
  c->out.append({'\x90', char(2 + codes.size()), p.body[0], p.body[1]});
  c->out += codes;
  mark(c);
}

void relay::publish(connection* c, const packet& p) {
  const size_t topic = p.length_at(0);
  if (p.qos > 0) {
    c->out.append({p.qos == 1 ? '\x40' : '\x50', 2, p.body[2 + topic], p.body[3 + topic]});
    mark(c);
  }
  for (connection* to : sinks_) give(to, p);
  const auto found = topics_.find(std::string_view(p.body + 2, topic));
  if (found == topics_.end()) return;
  for (connection* to : found->second) give(to, p);
}

void relay::give(connection* to, const packet& p) {
  if (faults_.any()) return give_faulty(to, p);
  append(to, p);
}

void relay::give_faulty(connection* to, const packet& p) {
  ++faults_.deliveries;
  if (faults_.hits(faults_.drop_every)) return;
  if (faults_.hits(faults_.duplicate_every)) append(to, p);
  const std::string held = std::move(to->held);
  to->held.clear();
  const size_t before = to->out.size();
  append(to, p);
  if (held.empty() && faults_.hits(faults_.swap_every)) {
    to->held = to->out.substr(before);
    to->out.resize(before);
  }
  to->out += held;
}

void relay::append(connection* to, const packet& p) {
  const size_t at = to->out.size();
  to->out.append(p.whole, p.size);
  if (p.qos > 0) {
    if (++to->packet_id == 0) to->packet_id = 1;
    char* id = to->out.data() + at + (p.body - p.whole) + 2 + p.length_at(0);
    id[0] = char(to->packet_id >> 8);
    id[1] = char(to->packet_id);
  }
  mark(to);
}

void relay::mark(connection* c) {
  if (c->dirty) return;
  c->dirty = true;
  dirty_.push_back(c);
}

void relay::flush(connection* c) {
  while (c->sent < c->out.size()) {
    const ssize_t n = write(c->fd, c->out.data() + c->sent, c->out.size() - c->sent);
    if (n < 0) {
      if (errno != EAGAIN || c->blocked) return;
      c->blocked = true;
      return watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    c->sent += size_t(n);
  }
  c->out.clear();
  c->sent = 0;
  if (!c->blocked) return;
  c->blocked = false;
  watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

void relay::flush_all() {
  for (connection* c : dirty_) {
    c->dirty = false;
    c->out += c->held;  // nothing came to be swapped with
    c->held.clear();
    if (c->fd >= 0 && !c->blocked) flush(c);
  }
  dirty_.clear();
}

void relay::close(connection* c) {
  ::close(c->fd);
  c->fd = -1;
  std::string().swap(c->in);
  std::erase(sinks_, c);
  for (auto& [topic, receivers] : topics_) std::erase(receivers, c);
}

bool parse(int argc, char** argv, faults& f) {
  if (argc < 2 || argc % 2 != 0) return false;
  for (int i = 2; i < argc; i += 2) {
    const std::string_view option = argv[i];
    const uint64_t n = strtoull(argv[i + 1], nullptr, 10);
    if (option == "--drop-every") {
      f.drop_every = n;
    } else if (option == "--duplicate-every") {
      f.duplicate_every = n;
    } else if (option == "--swap-every") {
      f.swap_every = n;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace dunlin::bench

int main(int argc, char** argv) {
  dunlin::bench::faults f;
  if (!dunlin::bench::parse(argc, argv, f)) {
    fputs("usage: limit PORT [--drop-every N] [--duplicate-every N] [--swap-every N]\n", stderr);
    return 1;
  }
  auto relay = std::make_unique<dunlin::bench::relay>(f);
  if (!relay->listen_on(uint16_t(atoi(argv[1])))) {
    perror("limit: cannot listen");
    return 1;
  }
  relay->run();
}
