#include "broker/net/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdlib>

#include "base/log.hpp"
#include "broker/net/connection.hpp"

namespace dunlin::net {
namespace {

// Sockets and timers of one turn: who is next waits for their work, a fraction of a millisecond.
constexpr int events_max = 64;
constexpr size_t timers_per_turn = 4;
constexpr size_t messages_per_resume = 64;
// While sockets keep it busy, io() is looked at every so many turns.
constexpr uint32_t io_every_turns = 8;
constexpr int actor_rounds_max = 4;
constexpr uint64_t turn_max_window_ms = 10'000;
const placement nothing_moves;

uint64_t monotonic_ns() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace

struct reactor::event_batch {
  epoll_event events[events_max];
  int count = 0;
};

thread_local reactor* reactor::current_ = nullptr;

reactor::reactor(caf::actor_system& system, uint32_t index, clock now)
    : caf::execution_unit(&system),
      index_(index),
      clock_(std::move(now)),
      now_ms_(clock_()),
      timers_(now_ms_),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      events_(std::make_unique<event_batch>()),
      read_buffer_(new char[read_buffer_bytes]),
      placement_(&nothing_moves) {
  if (epoll_fd_ < 0 || wake_fd_ < 0) {
    log::error("reactor_failed", {{"why", "no file descriptors left for epoll and eventfd"},
                                  {"hint", "raise the limit of open files (ulimit -n)"}});
    std::abort();
  }
  epoll_event e{};
  e.events = EPOLLIN | EPOLLET;
  e.data.ptr = nullptr;  // the wake-up
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &e);
}

reactor::~reactor() {
  stop();
  drop_actors();
  ::close(wake_fd_);
  ::close(epoll_fd_);
}

void reactor::start() {
  thread_ = std::thread([this] { run(); });
}

void reactor::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wake();
  thread_.join();
}

void reactor::drop_actors() {
  hand_over();
  take_inbox();
  for (auto* queue : {&ready_, &bulk_}) {
    while (!queue->empty()) {
      caf::intrusive_ptr_release(queue->front());
      queue->pop_front();
    }
  }
}

void reactor::run() {
  current_ = this;
  while (!stopping_) {
    const uint64_t began = monotonic_ns();
    waited_ns_ = 0;
    const bool worked = turn(true);
    counters_.turns.add();
    const uint64_t took = monotonic_ns() - began - waited_ns_;
    counters_.busy_ns.add(took);
    if (now_ms_ >= turn_max_since_ms_ + turn_max_window_ms) {
      turn_max_since_ms_ = now_ms_;
      counters_.turn_max_ns.set(took);
    } else if (took > counters_.turn_max_ns.value()) {
      counters_.turn_max_ns.set(took);
    }
    if (!worked && !io_.stopped()) wait_in_io();
  }
  current_ = nullptr;
}

bool reactor::run_turn() { return turn(false); }

bool reactor::turn(bool may_wait) {
  current_ = this;
  now_ms_ = clock_();
  moves_left_ = moves_per_turn;
  bool worked = !timers_.advance(now_ms_, timers_per_turn);
  if (take_inbox()) worked = true;
  if (read_again()) worked = true;
  if (poll_sockets(may_wait && !worked && io_.stopped() ? wait_ms() : 0)) worked = true;
  if (take_inbox()) worked = true;
  if (hand_over()) worked = true;
  // A PUBLISH goes from session to shard to session: in one turn, without a look at the sockets
  // between.
  for (int round = 0; round < actor_rounds_max && run_actors(ready_, ready_.size()); ++round)
    worked = true;
  if (run_actors(bulk_, std::min(bulk_.size(), bulk_per_turn))) worked = true;
  if (!io_.stopped() && (!worked || ++turn_ % io_every_turns == 0) && io_.poll() > 0) worked = true;
  flush_dirty();
  if (hand_over()) worked = true;
  return worked || has_more();
}

// For the next turn, whatever the sockets and other threads bring.
bool reactor::has_more() const {
  return !ready_.empty() || !bulk_.empty() || !dirty_.empty() || !rereads_.empty();
}

void reactor::run_until_idle() {
  while (run_turn()) {
  }
  current_ = nullptr;
}

void reactor::exec_later(caf::resumable* p) {
  reactor* const here = current_;
  if (here == this) {
    (in_bulk_ ? bulk_ : ready_).push_back(p);
    return;
  }
  if (here) return here->hand_over_later(*this, p);
  {
    std::lock_guard lock(inbox_mutex_);
    inbox_.ready.push_back(p);
  }
  wake();
}

void reactor::hand_over_later(reactor& to, caf::resumable* p) {
  if (outboxes_.size() <= to.index_) outboxes_.resize(to.index_ + 1);
  outbox& o = outboxes_[to.index_];
  assert(!o.to || o.to == &to);
  o.to = &to;
  hands_over_ = true;
  (in_bulk_ ? o.held.bulk : o.held.ready).push_back(p);
  if (o.held.size() >= hand_over_at) hand_over(o);
}

bool reactor::hand_over() {
  if (!std::exchange(hands_over_, false)) return false;
  for (outbox& o : outboxes_)
    if (!o.held.empty()) hand_over(o);
  return true;
}

void reactor::hand_over(outbox& o) {
  {
    std::lock_guard lock(o.to->inbox_mutex_);
    for (auto* p : o.held.ready) o.to->inbox_.ready.push_back(p);
    for (auto* p : o.held.bulk) o.to->inbox_.bulk.push_back(p);
  }
  o.held.ready.clear();
  o.held.bulk.clear();
  o.to->wake();
}

void reactor::post(std::function<void()> f) {
  {
    std::lock_guard lock(inbox_mutex_);
    posted_.push_back(std::move(f));
  }
  wake();
}

// Either this thread sees that the reactor sleeps, or the reactor sees woken_ before it does: both
// are set and read with sequential consistency. A reactor that is at work costs its senders no
// system call.
void reactor::wake() {
  woken_.store(true);
  if (!sleeping_.load() || !sleeping_.exchange(false)) return;
  const uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(wake_fd_, &one, sizeof one);
}

bool reactor::take_inbox() {
  if (!woken_.load(std::memory_order_acquire)) return false;
  std::vector<std::function<void()>> calls;
  {
    std::lock_guard lock(inbox_mutex_);
    woken_.store(false);
    std::swap(inbox_taken_, inbox_);
    calls.swap(posted_);
  }
  const bool worked = !inbox_taken_.empty() || !calls.empty();
  ready_.insert(ready_.end(), inbox_taken_.ready.begin(), inbox_taken_.ready.end());
  bulk_.insert(bulk_.end(), inbox_taken_.bulk.begin(), inbox_taken_.bulk.end());
  inbox_taken_.ready.clear();
  inbox_taken_.bulk.clear();
  for (auto& f : calls) f();
  return worked;
}

bool reactor::run_actors(std::deque<caf::resumable*>& queue, size_t max) {
  for (size_t i = 0; i < max; ++i) {
    caf::resumable* p = queue.front();
    queue.pop_front();
    if (p->resume(this, messages_per_resume) == caf::resumable::resume_later)
      queue.push_back(p);
    else
      caf::intrusive_ptr_release(p);
  }
  hand_over();
  return max > 0;
}

bool reactor::poll_sockets(int timeout_ms) {
  auto& batch = *events_;
  const int n =
      timeout_ms == 0 ? ::epoll_wait(epoll_fd_, batch.events, events_max, 0) : wait(timeout_ms);
  if (n <= 0) return false;
  batch.count = n;
  for (int i = 0; i < n; ++i) {
    if (auto* p = static_cast<pollable*>(batch.events[i].data.ptr)) {
      p->on_events(batch.events[i].events);
    } else {
      uint64_t ignored;
      [[maybe_unused]] auto got = ::read(wake_fd_, &ignored, sizeof ignored);
    }
  }
  batch.count = 0;
  return true;
}

void reactor::watch(int fd, pollable& p) {
  epoll_event e{};
  e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  e.data.ptr = &p;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &e);
}

void reactor::watch_level(int fd, pollable& p) {
  epoll_event e{};
  e.events = EPOLLIN;
  e.data.ptr = &p;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &e);
}

void reactor::unwatch(int fd, pollable& p) {
  epoll_event unused{};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &unused);
  // The rest of the batch that is being handed out must not reach it.
  auto& batch = *events_;
  for (int i = 0; i < batch.count; ++i)
    if (batch.events[i].data.ptr == &p) batch.events[i].data.ptr = nullptr;
}

void reactor::flush_later(connection& c) {
  intrusive_ptr_add_ref(&c);
  dirty_.push_back(&c);
}

void reactor::read_later(connection& c) {
  intrusive_ptr_add_ref(&c);
  rereads_.push_back(&c);
}

void reactor::forget(connection& c) {
  for (auto* queue : {&dirty_, &rereads_})
    for (size_t n = std::erase(*queue, &c); n > 0; --n) intrusive_ptr_release(&c);
}

bool reactor::read_again() {
  if (rereads_.empty()) return false;
  rereading_.swap(rereads_);
  for (auto* c : rereading_) {
    c->read_now();
    intrusive_ptr_release(c);
  }
  rereading_.clear();
  return true;
}

void reactor::flush_dirty() {
  // Flushing may make others dirty (a publisher that goes on): those wait for the next turn.
  flushing_.swap(dirty_);
  for (auto* c : flushing_) {
    c->flush_now();
    intrusive_ptr_release(c);
  }
  flushing_.clear();
}

int reactor::wait_ms() const {
  if (has_more()) return 0;
  if (timers_.armed() == 0) return -1;
  return static_cast<int>(timer_wheel::tick_ms - clock_() % timer_wheel::tick_ms);
}

// The look at the sockets of a turn that has nothing else to do: one system call for both.
int reactor::wait(int timeout_ms) {
  const uint64_t began = monotonic_ns();
  sleeping_.store(true);
  if (woken_.load()) timeout_ms = 0;
  const int n = ::epoll_wait(epoll_fd_, events_->events, events_max, timeout_ms);
  sleeping_.store(false);
  waited_ns_ = monotonic_ns() - began;
  now_ms_ = clock_();
  return n;
}

void reactor::wait_in_io() {
  namespace asio = boost::asio;
  const int timeout_ms = wait_ms();
  if (timeout_ms == 0) return;
  sleeping_.store(true);
  if (woken_.load()) {
    sleeping_.store(false);
    return;
  }
  asio::posix::stream_descriptor set(io_, ::dup(epoll_fd_));
  set.async_wait(asio::posix::stream_descriptor::wait_read, [](auto) {});
  asio::steady_timer tick(io_);
  if (timeout_ms > 0) {
    tick.expires_after(std::chrono::milliseconds(timeout_ms));
    tick.async_wait([](auto) {});
  }
  io_.run_one();
  sleeping_.store(false);
  set.cancel();
  tick.cancel();
  io_.poll();
}

std::string reactor::take_buffer() {
  if (buffers_.empty()) return {};
  std::string b = std::move(buffers_.back());
  buffers_.pop_back();
  return b;
}

void reactor::give_buffer(std::string b) {
  if (b.capacity() > pooled_buffer_bytes_max || buffers_.size() >= pooled_buffers_max) return;
  b.clear();
  buffers_.push_back(std::move(b));
}

}  // namespace dunlin::net
