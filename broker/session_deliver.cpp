// Messages to the client, and what holds back their publishers.
#include "base/log.hpp"
#include "broker/session.hpp"

namespace dunlin {

void session::on_deliver(deliver& d) {
  core::tally t;
  const uint64_t now = net::reactor::current()->now_ms();  // not home(): it may be on its way there
  const options& limits = directory_.limits();
  if (d.page) {
    if (!pages_due_) pages_due_ = std::make_unique<std::vector<page_due>>();
    pages_due_->push_back({d.shard, d.page});
  }
  const auto arrived = static_cast<uint32_t>(d.items.size());
  outgoing_.set_limits(directory_.now().queue);
  if (conn_ && at_home()) {
    std::string& out = conn_->out();
    for (auto& item : d.items) {
      // Publishers are held back while the output is full; only a client that stays slow loses QoS
      // 0 messages.
      const bool room = conn_->unsent() <= limits.output_high_bytes || (!slow_ && item.qos == 0);
      outgoing_.offer(std::move(item), now, &out, room, t);
    }
    conn_->changed();
  } else {
    give_back_late(d.items);
    for (auto& item : d.items) outgoing_.offer(std::move(item), now, nullptr, false, t);
  }
  count(t);
  gate_.mailbox.fetch_sub(arrived);
  update_flow();
}

void session::pump() {
  if (!conn_ || !outgoing_.has_sendable()) return;
  core::tally t;
  std::string& out = conn_->out();
  const size_t sent = out.size() - conn_->unsent();  // still in front
  outgoing_.pump(home().now_ms(), out, sent + directory_.limits().output_high_bytes, t);
  count(t);
  conn_->changed();
}

void session::on_drained() {
  watched w(*this);
  pump();
  update_flow();
}

// Decides whether publishers to this client are welcome. They are held back while its output or
// queue is full, as long as it takes at least output_low_bytes in every slow_grace_ms: a fast
// client that is behind loses nothing. One that does not is slow, and from then on the loss is its
// own, until it has caught up.
void session::update_flow() {
  const options& limits = directory_.limits();
  const size_t unsent = conn_ ? conn_->unsent() : 0;
  const size_t queued = conn_ ? outgoing_.queued_messages() : 0;
  const bool full = unsent > limits.output_high_bytes || queued > limits.queue_messages_max / 2;
  const bool low = unsent <= limits.output_low_bytes && queued <= limits.queue_messages_max / 4;
  if (lag_)
    observe_lag();
  else if (unsent > limits.output_low_bytes || queued > 0 ||
           (conn_ && outgoing_.in_flight() >= operate::lag::in_flight_min))
    fall_behind();
  if (low) {
    if (std::exchange(slow_, false)) gate_.slow.store(false);
    if (gate_.congested.load(std::memory_order_relaxed)) {
      gate_.congested.store(false);
      holding_.reset();
    }
  } else if (full && !slow_ && !gate_.congested.load(std::memory_order_relaxed)) {
    gate_.congested.store(true);
    home().count().publishers_held.add();
    if (lag_) ++lag_->held;
    if (trace_) trace_note("holds_publishers", "", std::to_string(unsent) + " bytes unsent");
    hold_publishers();
  }
  if (unsent > limits.output_low_bytes) conn_->notify_when_drained(limits.output_low_bytes);
  if (pages_due_) ask_retained();
  if (gate_.parked.load()) release_publishers();
}

// Where a page went and there is room for the next. Offline it waits: the rest comes when the
// client is back.
void session::ask_retained() {
  constexpr size_t queued_max = 128;
  if (!conn_ || !at_home() || outgoing_.queued_messages() > queued_max ||
      conn_->unsent() > directory_.limits().output_low_bytes)
    return;
  const auto due = std::exchange(pages_due_, nullptr);
  for (const page_due& p : *due) send(directory_.shards[p.shard], more_retained{&gate_, p.page});
}

// The grace period begins.
void session::hold_publishers() {
  if (!holding_) holding_ = std::make_unique<holding>();
  holding_->timer.owner = this;
  holding_->timer.on_fire = [](net::timer& t) {
    static_cast<session_timer&>(t).owner->on_slow_timer();
  };
  holding_->taken = conn_->bytes_out();
  home().timers().set(holding_->timer, home().now_ms() + directory_.limits().slow_grace_ms);
}

void session::on_slow_timer() {
  if (conn_ && conn_->bytes_out() - holding_->taken >= directory_.limits().output_low_bytes)
    return hold_publishers();
  slow_ = true;
  gate_.slow.store(true);
  if (trace_) trace_note("slow", "", "its publishers are not held back any longer");
  gate_.congested.store(false);
  release_publishers();
}

void session::release_publishers() {
  if (gate_.held(directory_.limits().mailbox_messages_max / 2) || !gate_.parked.exchange(false))
    return;
  for (const auto& s : directory_.shards) send(s, drained{&gate_});
  for (const auto& r : directory_.registries) send(r, drained{&gate_});
}

void session::count(const core::tally& t) {
  using metrics::drop_reason;
  auto& c = net::reactor::current()->count();  // not home(): it may be on its way there
  const uint64_t dropped =
      t.queue_full + t.slow_subscriber + t.too_large + t.session_ended + t.not_connected;
  c.queued.add(t.queued - t.delivered - t.expired - t.refused - t.given_back - dropped);
  c.delivered.add(t.delivered);
  if (trace_ || (lag_ && dropped)) [[unlikely]]
    count_watched(t);
  for (uint8_t q = 0; q < 3; ++q)
    if (t.sent[q]) {
      c.sent[q].add(t.sent[q]);
      c.packets_sent[mqtt::packet_type::publish].add(t.sent[q]);
    }
  if (shared_) tell_group();
  if (t.expired) c.expired.add(t.expired);
  if (t.refused) c.refused.add(t.refused);
  if (!dropped) return;
  c.dropped[drop_reason::queue_full].add(t.queue_full);
  c.dropped[drop_reason::slow_subscriber].add(t.slow_subscriber);
  c.dropped[drop_reason::too_large].add(t.too_large);
  c.dropped[drop_reason::session_ended].add(t.session_ended);
  c.dropped[drop_reason::not_connected].add(t.not_connected);
}

}  // namespace dunlin
