#include "tests/load/engine.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/load/arrivals.hpp"
#include "tests/load/clock.hpp"
#include "tests/load/usage.hpp"

namespace dunlin::load {
namespace {

// Nothing for so long: what is missing is lost. Longer for one who lets the drain last longer.
constexpr uint64_t silence_min_ns = 2 * second_ns;
constexpr uint64_t silence_share = 10;          // of --drain-max
constexpr uint64_t repeats_ns = second_ns / 5;  // after the last one: time for late duplicates
constexpr uint64_t write_off_ns = 300'000'000;  // a closed loop goes on without what is missing
constexpr uint64_t tick_ns = 100'000'000;

std::atomic<bool> stop{false};

void sleep_until(uint64_t at) {
  const timespec t{time_t(at / second_ns), long(at % second_ns)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
}

}  // namespace

void request_stop() { stop.store(true, std::memory_order_relaxed); }
bool stop_requested() { return stop.load(std::memory_order_relaxed); }

engine::engine(const options& o, uint32_t publishers, uint64_t receivers_each)
    : options_(o), progress_(o.quiet) {
  state_.run_id = uint32_t(now_ns() ^ uint64_t(getpid()) << 16);
  state_.publishers = publishers;
  state_.moments = moments(o.independent, publishers);
  state_.receivers_each = receivers_each;
  char unique[32];
  snprintf(unique, sizeof unique, "load-%08x-", state_.run_id);
  prefix_ = o.client_prefix.empty() ? unique : o.client_prefix;
  for (uint32_t i = 0; i < o.threads; ++i)
    workers_.push_back(std::make_unique<worker>(o, state_, i));
}

engine::~engine() { close(); }

void engine::add(std::unique_ptr<client> c) {
  c->index = uint32_t(clients_++);
  if (c->id.empty()) c->id = prefix_ + std::to_string(c->index);
  if (c->sub) filters_ += c->sub->filters;
  workers_[c->index % workers_.size()]->add(std::move(c));
}

bool engine::connect() {
  state_.connect_begin = now_ns();
  for (const auto& w : workers_) threads_.emplace_back([p = w.get()] { p->run(); });
  const auto settled = [&] {
    return total(&worker_counters::ready) + total(&worker_counters::failed) >= clients_;
  };
  // Seldom: a look takes the workers' core, and the end is in last_ready_ns.
  wait(now_ns() + to_ns(options_.setup_max), 10'000'000, settled);
  return total(&worker_counters::ready) == clients_;
}

bool engine::subscribe() {
  subscribe_begin_ = now_ns();
  state_.now.store(phase::subscribe, std::memory_order_release);
  const auto settled = [&] {
    const uint64_t answered = total(&worker_counters::granted) + total(&worker_counters::denied);
    return answered >= filters_ || total(&worker_counters::failed) > 0;
  };
  wait(now_ns() + to_ns(options_.setup_max), 1'000'000, settled);
  return total(&worker_counters::granted) == filters_;
}

interval engine::publish(double warmup, double seconds) {
  schedule& t = state_.times;
  t.begin = now_ns() + 20'000'000;
  t.measure = t.begin + to_ns(warmup);
  t.end = seconds > 0 ? t.measure + to_ns(seconds) : UINT64_MAX;
  state_.now.store(phase::publish, std::memory_order_release);
  if (seconds <= 0) return {};
  last_change_ = t.begin;
  interval measured;
  const auto never = [] { return false; };
  wait(t.measure, 10'000'000, never);
  measured.from = take_sample();
  wait(t.until(), 10'000'000, never);
  if (stop_requested()) t.end = std::min(t.until(), now_ns());
  measured.to = take_sample();
  return measured;
}

drain_end engine::drain() {
  return settle([&] {
    const uint64_t sent = state_.sent.load(std::memory_order_acquire);
    return state_.received.load() >= sent * state_.receivers_each &&
           total(&worker_counters::in_flight) == 0;
  });
}

drain_end engine::wait_sent(uint64_t wanted) {
  return settle([&] {
    return state_.sent.load(std::memory_order_acquire) >= wanted &&
           total(&worker_counters::in_flight) == 0;
  });
}

drain_end engine::wait_received(uint64_t wanted) {
  return settle([&] { return state_.received.load() >= wanted; });
}

drain_end engine::settle(const std::function<bool()>& complete) {
  const auto progress_made = [&] {
    return state_.received.load() + total(&worker_counters::acknowledged) + state_.sent.load();
  };
  sleep_until(now_ns() + 10'000'000);  // every worker has counted what it sent last
  const uint64_t end = now_ns() + to_ns(options_.drain_max);
  const uint64_t silence = std::max(silence_min_ns, to_ns(options_.drain_max) / silence_share);
  uint64_t last = progress_made(), changed = now_ns();
  const bool ended = wait(end, 2'000'000, [&] {
    if (const uint64_t n = progress_made(); n != last) {
      last = n;
      settled_at_ = changed = now_ns();
    }
    if (complete()) return true;
    return now_ns() - changed > silence;
  });
  if (!ended) return complete() ? drain_end::complete : drain_end::cut_off;
  if (!complete()) return drain_end::silent;
  sleep_until(now_ns() + repeats_ns);
  return drain_end::complete;
}

void engine::idle(double seconds) {
  wait(now_ns() + to_ns(seconds), 20'000'000, [] { return false; });
}

void engine::close() {
  state_.now.store(phase::close, std::memory_order_release);
  for (std::thread& t : threads_) t.join();
  threads_.clear();
  progress_.clear();
}

// False when the time was over, or an interrupt came, before it was done.
bool engine::wait(uint64_t until_ns, uint64_t poll_ns, const std::function<bool()>& done) {
  const bool stopped_before = stop_requested();
  for (;;) {
    if (done()) return true;
    const uint64_t now = now_ns();
    if (now >= until_ns || (stop_requested() && !stopped_before)) return false;
    if (now >= next_tick_) tick();
    sleep_until(std::min(until_ns, now + poll_ns));
  }
}

void engine::tick() {
  const uint64_t now = now_ns();
  next_tick_ = now + tick_ns;
  resident_max_ = std::max(resident_max_, resident_bytes(options_.pids));
  const uint64_t received = state_.received.load(), sent = state_.sent.load();
  if (received != last_received_) {
    last_received_ = received;
    last_change_ = now;
  } else if (options_.outstanding > 0 && now - last_change_ > write_off_ns) {
    const uint64_t expected = sent * state_.receivers_each;
    state_.written_off = expected > received ? expected - received : 0;
    last_change_ = now;
  }
  static constexpr std::string_view doing[] = {"connecting", "subscribing", "publishing",
                                               "closing"};
  progress_.show({doing[size_t(state_.now.load())], clients_, total(&worker_counters::ready),
                  total(&worker_counters::failed), sent, received},
                 now);
}

sample engine::take_sample() const {
  sample s;
  s.at = now_ns();
  s.sent = state_.sent.load();
  s.received = state_.received.load();
  s.acknowledged = total(&worker_counters::acknowledged);
  s.broker_cpu_s = cpu_seconds(options_.pids);
  s.own_cpu_s = own_cpu_seconds();
  s.machine_cpu_s = machine_cpu_seconds();
  s.resident_bytes = resident_bytes(options_.pids);
  return s;
}

uint64_t engine::total(std::atomic<uint64_t> worker_counters::*counter) const {
  uint64_t n = 0;
  for (const auto& w : workers_) n += (w->counters.*counter).load(std::memory_order_acquire);
  return n;
}

uint64_t engine::highest(std::atomic<uint64_t> worker_counters::*counter) const {
  uint64_t n = 0;
  for (const auto& w : workers_) n = std::max(n, (w->counters.*counter).load());
  return n;
}

double engine::connect_seconds() const {
  const uint64_t last = highest(&worker_counters::last_ready_ns);
  return last > state_.connect_begin ? double(last - state_.connect_begin) / 1e9 : 0;
}

double engine::subscribe_seconds() const {
  const uint64_t last = highest(&worker_counters::last_granted_ns);
  return last > subscribe_begin_ ? double(last - subscribe_begin_) / 1e9 : 0;
}

}  // namespace dunlin::load
