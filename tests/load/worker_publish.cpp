// When a worker sends what: a fixed rate (open loop), a bound on the messages on their way (closed
// loop), or a window of unacknowledged ones.
//
// With a fixed rate message k of publisher p is due at a time that depends on nothing but p and k.
// While the broker holds the publisher back (a full window) messages carry that time: a broker that
// stalls is seen with the whole of the delay that it causes (no coordinated omission). When this
// program is late by itself, that is told apart (lateness), and not charged to the broker.
#include <algorithm>
#include <bit>

#include "tests/load/clock.hpp"
#include "tests/load/worker.hpp"

namespace dunlin::load {
namespace {

constexpr size_t chunk_bytes = 16'384;  // of one publisher before it is another's turn

}  // namespace

void worker::prepare_publishers() {
  for (client* c : publishers_) {
    publisher& p = *c->pub;
    if (!p.topic_of) {
      p.message = publish_template(p.topic, {options_.version, options_.qos, p.retain,
                                             options_.payload_bytes, state_.run_id, p.id});
    }
    // A power of two larger than any window, so that the ring's index is cheap.
    if (options_.qos > 0) p.sent_at.assign(std::bit_ceil(p.window + 1), 0);
  }
  slot_ = 0;
}

uint64_t worker::due(const publisher& p, uint64_t sequence) const {
  const double n = state_.moments[p.id] + double(sequence) * double(state_.publishers);
  return state_.times.begin + uint64_t(n * double(second_ns) / options_.rate);
}

uint64_t worker::publish_due() {
  if (publishers_.empty()) return UINT64_MAX;
  if (now_ < state_.times.begin) return state_.times.begin - now_;
  if (options_.rate > 0) return open_loop();
  if (now_ < state_.times.until()) top_up();
  return UINT64_MAX;
}

uint64_t worker::open_loop() {
  for (;;) {
    client& c = *publishers_[slot_ % publishers_.size()];
    const uint64_t at = due(*c.pub, slot_ / publishers_.size());
    if (at >= state_.times.until()) return UINT64_MAX;
    if (at > now_) {
      const uint64_t now = now_ns();
      if (at > now) return at - now;
      now_ = now;
    }
    ++slot_;
    pump(c);
    flush(c);
  }
}

// Every publisher in turn until nothing more may be sent: the receivers' reads make room again.
void worker::top_up() {
  if (options_.outstanding ==
      0) {  // acknowledgements and writable sockets do it; this is for the start
    if (now_ < next_top_up_) return;
    next_top_up_ = now_ + 2'000'000;
  }
  const size_t n = publishers_.size();
  for (size_t i = 0; i < n && (options_.outstanding == 0 || allowance() > 0); ++i) {
    client& c = *publishers_[turn_++ % n];
    if (c.state != link::ready || c.backlog()) continue;
    pump(c);
    flush(c);
  }
}

uint64_t worker::allowance() const {
  if (options_.outstanding == 0) return UINT64_MAX;
  const uint64_t each = std::max<uint64_t>(1, state_.receivers_each);
  const uint64_t bound = options_.outstanding * each;
  const uint64_t gone = state_.received.load(std::memory_order_relaxed) +
                        state_.written_off.load(std::memory_order_relaxed);
  const uint64_t total = state_.sent.load(std::memory_order_relaxed) * each;
  const uint64_t outstanding = total > gone ? total - gone : 0;
  return outstanding >= bound ? 0 : (bound - outstanding + each - 1) / each;
}

bool worker::flooding(const client& c) const {
  return phase_ == phase::publish && c.pub && c.state == link::ready && options_.qos == 0 &&
         options_.rate == 0 && options_.outstanding == 0 && now_ < state_.times.until() &&
         c.pub->sent < c.pub->limit;
}

void worker::pump(client& c) {
  publisher& p = *c.pub;
  if (c.state != link::ready || now_ < state_.times.begin) return;
  const uint64_t before = p.sent;
  uint64_t room = p.limit - p.sent;
  if (options_.qos > 0) {
    room = std::min<uint64_t>(room, p.window - std::min(p.window, p.in_flight()));
  } else if (c.backlog()) {
    p.held = options_.rate > 0;
    return;
  }
  if (options_.rate > 0) {
    pump_due(c, room);
  } else if (now_ < state_.times.until()) {
    room = std::min(room, allowance());
    for (; room > 0 && c.out.size() < c.out_head + chunk_bytes; --room) emit(c, now_);
  }
  const uint64_t sent = p.sent - before;
  if (sent == 0) return;
  if (options_.qos > 0) in_flight_ += sent;
  state_.sent.fetch_add(sent, std::memory_order_relaxed);
}

// What is due and has room. One that the broker held back counts from when it was due; one that is
// late by this program alone from when it is sent.
void worker::pump_due(client& c, uint64_t room) {
  publisher& p = *c.pub;
  const uint64_t last = state_.times.until() - 1;
  for (uint64_t at; (at = due(p, p.sent)) <= std::min(now_, last) && p.sent < p.limit; --room) {
    if (room == 0) {
      p.held = true;
      return;
    }
    if (at >= state_.times.measure) results.lateness.add(now_ - at);
    emit(c, p.held ? at : std::min(now_, last));
  }
  p.held = false;
}

void worker::emit(client& c, uint64_t time_ns) {
  publisher& p = *c.pub;
  if (p.topic_of) {
    p.message = publish_template(p.topic_of(p.sent), {options_.version, options_.qos, p.retain,
                                                      options_.payload_bytes, state_.run_id, p.id});
  }
  p.message.append(publisher::packet_id_of(p.sent), p.sent, time_ns, c.out);
  if (options_.qos > 0) p.sent_at[p.sent % p.sent_at.size()] = time_ns;
  ++p.sent;
}

uint64_t worker::unsent() const {
  if (options_.rate == 0) return 0;
  uint64_t n = 0;
  for (const client* c : publishers_) {
    for (uint64_t k = c->pub->sent; due(*c->pub, k) < state_.times.until(); ++k) ++n;
  }
  return n;
}

}  // namespace dunlin::load
