// What operators see of a session: its trace, what holds it back, its facts. Nothing here runs for
// a session that nobody watches and that keeps up.
#include "base/wall_clock.hpp"
#include "broker/session.hpp"

namespace dunlin {

// -- trace --------------------------------------------------------------------

operate::trace_time session::trace_now() const {
  return {net::reactor::current()->now_ms(), wall_clock_ms()};
}

void session::on_begin_trace(const begin_trace& b) {
  if (b.to->over(trace_now().now_ms)) return;
  trace_ = std::make_unique<operate::session_trace>(b.to);
  if (conn_ && at_home()) trace_->mark = conn_->out().size();
  gate_.traced.store(true, std::memory_order_relaxed);
  trace_note(conn_ ? "traced" : "traced_offline", "",
             std::to_string(subscriptions_.size()) + " subscriptions, " +
                 std::to_string(outgoing_.queued_messages()) + " messages wait, " +
                 std::to_string(outgoing_.in_flight()) + " in flight");
}

// A connection begins: a trace may have waited for it.
void session::find_trace() {
  if (trace_) return;
  if (auto t = directory_.traces.find(gate_.client_id, trace_now().now_ms)) {
    trace_ = std::make_unique<operate::session_trace>(std::move(t));
    gate_.traced.store(true, std::memory_order_relaxed);
  }
}

bool session::trace_enter() {
  if (trace_->inside) {
    trace_sent();
    return false;
  }
  trace_->inside = true;
  trace_->mark = conn_ ? conn_->out().size() : 0;
  return true;
}

void session::trace_leave(bool outermost) {
  trace_sent();
  trace_->queue(outgoing_.queued_messages(), outgoing_.queued_bytes(), trace_now());
  if (outermost) trace_->inside = false;
  if (!trace_->over(trace_now().now_ms)) return;
  trace_.reset();
  gate_.traced.store(false, std::memory_order_relaxed);
}

void session::trace_sent() {
  if (conn_) trace_->packets_out(conn_->out(), ver_, trace_now());
}

void session::trace_in(const mqtt::frame& f) {
  trace_sent();
  trace_->packet_in(f, ver_, trace_now());
}

void session::trace_connected(const connect_request& r, bool session_present) {
  trace_->mark = conn_->out().size();
  std::string detail = conn_->peer();
  if (r.listener) detail += " on listener " + r.listener->name;
  detail += ", MQTT " + facts().version + ", keep-alive " + std::to_string(r.keep_alive_s) +
            " s, session expiry " + std::to_string(r.session_expiry_s) + " s";
  if (!r.user_name.empty()) detail += ", user " + r.user_name;
  if (r.clean_start) detail += ", clean start";
  if (r.last_will) detail += ", with a will";
  trace_note("connected", session_present ? "session present" : "new session", std::move(detail));
}

void session::trace_disconnected(close_kind how, mqtt::reason code, std::string_view why) {
  trace_sent();
  const char* what = how == close_kind::taken_over ? "taken_over" : "disconnected";
  const char* by = how == close_kind::disconnected ? "by the client"
                   : how == close_kind::lost       ? "by the network"
                                                   : "by the server";
  trace_note(what, mqtt::to_string(code),
             std::string(by) + (why.empty() ? "" : ": ") + std::string(why));
}

void session::trace_note(const char* what, std::string_view reason, std::string detail) {
  trace_->note(what, reason, std::move(detail), trace_now());
}

void session::count_watched(const core::tally& t) {
  if (lag_) lag_->dropped += t.queue_full + t.slow_subscriber;
  if (trace_) trace_->tally(t, trace_now());
}

// -- what holds it back -------------------------------------------------------

void session::fall_behind() {
  if (!conn_ || !at_home()) return;
  lag_ = std::make_unique<operate::lag>(this, &session::describe_lag);
  observe_lag();
}

void session::observe_lag() {
  const size_t in_flight = outgoing_.in_flight();
  const bool behind = (conn_ && conn_->unsent() > directory_.limits().output_low_bytes) ||
                      outgoing_.queued_messages() > 0 || in_flight >= operate::lag::in_flight_min;
  lag_->observe(behind, outgoing_.first_sequence(), outgoing_.end_sequence(), home().now_ms());
}

operate::slow_subscriber session::describe_lag(const void* owner, uint64_t now_ms) {
  const auto& s = *static_cast<const session*>(owner);
  operate::slow_subscriber d;
  d.client_id = s.gate_.client_id;
  if (s.conn_) {
    d.address = s.conn_->peer();
    d.unsent_bytes = s.conn_->unsent();
  }
  d.queued_messages = s.outgoing_.queued_messages();
  d.queued_bytes = s.outgoing_.queued_bytes();
  d.in_flight = s.outgoing_.in_flight();
  d.latency_ms = s.lag_->latency_ms(now_ms);
  d.behind_ms = s.lag_->behind_ms(now_ms);
  d.held = s.lag_->held;
  d.dropped = s.lag_->dropped;
  d.slow = s.slow_;
  return d;
}

operate::session_facts session::facts() {
  operate::session_facts f;
  f.found = true;
  f.client_id = gate_.client_id;
  f.version = ver_ == mqtt::version::v5 ? "5.0" : ver_ == mqtt::version::v31 ? "3.1" : "3.1.1";
  f.keep_alive_s = keep_alive_s_;
  f.session_expiry_s = session_expiry_s_;
  f.subscriptions = subscriptions_.size();
  f.queued_messages = outgoing_.queued_messages();
  f.queued_bytes = outgoing_.queued_bytes();
  f.in_flight = outgoing_.in_flight();
  if (!conn_) return f;
  f.connected = true;
  f.address = conn_->peer();
  f.user = std::string(user_name_.view());
  if (listener_) f.listener = listener_->name();
  f.unsent_bytes = conn_->unsent();
  f.held = held_;
  f.holds_publishers = gate_.congested.load(std::memory_order_relaxed);
  f.slow = slow_;
  return f;
}

}  // namespace dunlin
