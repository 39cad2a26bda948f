// Rates of the client: counting what it sends, and not reading it while it is over.
#include "broker/session_rate.hpp"

#include <algorithm>

#include "broker/session.hpp"

namespace dunlin {

using mqtt::reason;

session_rate::session_rate(session& s) : owner(s) {
  on_fire = [](net::timer& t) { static_cast<session_rate&>(t).owner.rate_wait_over(); };
}

session_rate::~session_rate() { owner.forget_rate(*this); }

void session_rate::hold_reading() {
  overloaded = true;
  owner.pause_reading();
}

void session_rate::release_reading() {
  overloaded = false;
  owner.resume_reading();
}

const guard::listener_limits& session::rate_limits() const {
  static const guard::listener_limits none{};
  return listener_ ? listener_->limits() : none;
}

void session::start_rate() {
  if (rate_limits().any_rate() || directory_.guard.load.level() != guard::pressure::normal)
    rate_ = std::make_unique<session_rate>(*this);
}

// After a packet that was taken; true when the next one has to wait.
bool session::rate_over(const mqtt::frame& f) {
  const bool is_publish = f.type == mqtt::packet_type::publish;
  const uint64_t now = home().now_ms();
  const guard::listener_limits& l = rate_limits();
  if (is_publish) rate_->published_bytes += f.size;
  if (rate_->client.packet(is_publish, f.size, l, now)) rate_->over = true;
  if (l.messages_per_s || l.bytes_per_s)
    rate_->listener_wait_ms = listener_->take_packet(is_publish, f.size, now);
  return rate_->over || rate_->listener_wait_ms > 0;
}

void session::rate_after_read() {
  session_rate& r = *rate_;
  const uint64_t now = home().now_ms();
  if (r.published_bytes && directory_.guard.load.level() != guard::pressure::normal &&
      home().index() < directory_.watches.size()) {
    directory_.watches[home().index()]->note(r, r.published_bytes);
    r.noted = true;
  }
  r.published_bytes = 0;
  uint64_t wait = std::exchange(r.listener_wait_ms, 0);
  if (std::exchange(r.over, false)) {
    const guard::policy& p = directory_.guard.now();
    const auto v = r.client.hold(rate_limits(), p.rate_patience_ms, now);
    if (v.too_long && p.rate_disconnects) {
      fail(v.by_messages ? reason::message_rate_too_high : reason::quota_exceeded,
           v.by_messages ? "over client_messages_per_s for too long"
                         : "over client_bytes_per_s for too long");
      return;
    }
    wait = std::max(wait, v.wait_ms);
  }
  if (wait == 0) return;
  r.waiting = true;
  home().count().rate_holds.add();
  pause_reading();
  home().timers().set(r, now + wait);
}

void session::rate_wait_over() {
  rate_->waiting = false;
  resume_reading();
}

void session::pause_reading() {
  if (conn_) conn_->pause_reading();
}

// Reads on unless something else still holds it.
void session::resume_reading() {
  if (!conn_ || held_ || (rate_ && rate_->held())) return;
  since_ms_ = home().now_ms();  // it was not heard since it was not read
  conn_->start_reading();
}

void session::forget_rate(session_rate& r) {
  if (std::exchange(r.noted, false)) directory_.watches[home().index()]->forget(r);
}

}  // namespace dunlin
