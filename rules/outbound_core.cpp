#include "rules/outbound_core.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::rules {
namespace {

batch_options batch_options_of(const outbound_options& o, const std::string& source) {
  return {o.kind,   o.config.format, o.config.order, o.config.envelope_messages_max,
          o.limits, o.config.id,     source};
}

// A lane that has this much does not wait for more.
lanes_options lanes_options_of(const outbound_options& o) {
  bool envelope = o.config.format == rule_format::envelope && o.kind == record_kind::message;
  bool device = o.config.order == rule_order::device;
  size_t messages = envelope ? o.config.envelope_messages_max : device ? 1 : o.limits.messages_max;
  return {device, static_cast<uint32_t>(std::clamp<size_t>(messages, 1, UINT32_MAX)),
          std::max<size_t>(1, o.limits.bytes_max / 2), o.config.linger};
}

}  // namespace

outbound_core::outbound_core(outbound_options options, spool_state state)
    : options_(std::move(options)),
      batch_options_(batch_options_of(options_, state.source)),
      next_sequence_(state.next_sequence),
      next_message_(state.next_message),
      read_next_(state.first_sequence),
      durable_next_(state.next_sequence),
      spilled_(state.first_sequence < state.next_sequence),
      spool_bytes_(state.bytes),
      lag_(state.messages),
      oldest_ms_(state.oldest_ms),
      lanes_(lanes_options_of(options_)) {
  counters_.id = options_.config.id;
  counters_.type = options_.kind == record_kind::event ? "status" : "outbound";
  counters_.topic = options_.config.topic;
  counters_.queue = options_.config.queue;
  counters_.group = options_.config.group;
}

// --- taking ---

ec outbound_core::check_store(std::string_view records, uint32_t count) const {
  if (stopping_) return ec::stopping;
  if (count_records(records) != count) return ec::bad_records;
  if (spool_bytes_ + unwritten_bytes_ + records.size() > options_.config.spool_bytes_max) {
    return ec::spool_full;
  }
  if (unwritten_bytes_ + records.size() > options_.unwritten_bytes_max) return ec::overloaded;
  return ec::none;
}

void outbound_core::store(uint64_t ticket, std::string records, uint32_t count, instant now) {
  auto fault = check_store(records, count);
  if (fault != ec::none || count == 0) {
    if (fault != ec::none) counters_.refused += count;
    if (fault == ec::spool_full) {
      note_error("the spool is full: " + std::to_string(options_.config.spool_bytes_max) +
                     " bytes (spool_bytes_max) wait for the message queue",
                 now);
    }
    effects_.emplace_back(effect::answer{{ticket}, fault});
    return;
  }
  unwritten_bytes_ += records.size();
  if (!pending_.empty() &&
      pending_.back().records.size() + records.size() <= options_.entry_bytes_max) {
    auto& last = pending_.back();
    last.records += records;
    last.count += count;
    last.tickets.push_back(ticket);
  } else {
    pending_.push_back({std::move(records), count, {ticket}});
  }
  write_pending(now);
}

// One round of writes at a time: what comes meanwhile shares the next, and its fsync.
void outbound_core::write_pending(instant now) {
  if (!writing_.empty()) return;
  while (!pending_.empty()) {
    auto b = std::move(pending_.front());
    pending_.pop_front();
    spool_entry e{next_sequence_++, next_message_, b.count, now.ms,
                  std::make_shared<const std::string>(std::move(b.records))};
    next_message_ += b.count;
    writing_.push_back({e, std::move(b.tickets)});
    effects_.emplace_back(
        effect::write_entry{std::move(e), options_.config.ack == acknowledge::stored});
  }
}

void outbound_core::written(uint64_t sequence, bool ok, const std::string& error, instant now) {
  auto w = std::move(writing_.front());  // the spool answers in order
  writing_.pop_front();
  auto bytes = w.entry.records->size();
  unwritten_bytes_ -= bytes;
  store_fault_ = !ok;
  if (!ok) {
    counters_.refused += w.entry.count;
    note_error(error, now);
    effects_.emplace_back(effect::answer{std::move(w.tickets), ec::store_failed});
  } else {
    durable_next_ = sequence + 1;
    counters_.taken += w.entry.count;
    lag_ += w.entry.count;
    spool_bytes_ += bytes;
    if (options_.config.ack == acknowledge::stored) {
      effects_.emplace_back(effect::answer{std::exchange(w.tickets, {}), ec::none});
    }
    if (!spilled_ && !reading_ && window_has_room()) {
      admit(std::move(w.entry), std::move(w.tickets), now);
    } else {
      if (!w.tickets.empty()) spilled_tickets_.emplace(sequence, std::move(w.tickets));
      if (!spilled_) oldest_ms_ = w.entry.stored_ms;
      spilled_ = true;
    }
  }
  write_pending(now);
  wake(now);
}

// --- the window ---

bool outbound_core::window_has_room() const {
  return window_bytes_ < options_.window_bytes_max && window_.size() < options_.window_entries_max;
}

void outbound_core::admit(spool_entry e, std::vector<uint64_t> tickets, instant now) {
  auto slot = first_slot_ + window_.size();
  read_next_ = e.sequence + 1;
  auto& in = window_.emplace_back();
  in.stored = std::move(e);
  in.tickets = std::move(tickets);
  in.bytes = in.stored.records->size();
  window_bytes_ += in.bytes;

  std::string_view all{*in.stored.records}, left{all};
  device_message m;
  record_walk walk;
  std::vector<message_ref> damaged;
  while (true) {
    auto offset = static_cast<uint32_t>(all.size() - left.size());
    walk = next_record(left, m);
    if (walk == record_walk::end) break;
    message_ref ref{slot, offset, in.unsettled++};
    if (walk == record_walk::damaged) {
      damaged.push_back(ref);
      break;
    }
    lanes_.add(lane_key(m), ref, all.size() - left.size() - offset, now.at);
  }
  if (!damaged.empty()) bury(std::move(damaged), 0, "the rest of a spool entry is damaged", now);
  if (in.unsettled == 0) advance();
}

void outbound_core::read_ahead(instant now) {
  if (stopping_ || reading_ || !spilled_ || window_bytes_ > options_.window_bytes_max / 2 ||
      window_.size() > options_.window_entries_max / 2 || (read_fault_ && now.at < read_retry_)) {
    return;
  }
  reading_ = true;
  effects_.emplace_back(
      effect::read_entries{read_next_, durable_next_, options_.window_bytes_max - window_bytes_});
}

void outbound_core::read(std::vector<spool_entry> entries, uint64_t to, instant now) {
  reading_ = read_fault_ = false;
  if (entries.empty()) read_next_ = to;
  for (auto& e : entries) {
    std::vector<uint64_t> tickets;
    if (auto node = spilled_tickets_.extract(e.sequence)) tickets = std::move(node.mapped());
    oldest_ms_ = e.stored_ms;
    admit(std::move(e), std::move(tickets), now);
  }
  spilled_ = read_next_ < durable_next_;
  if (!spilled_) oldest_ms_ = 0;
  advance();
  wake(now);
}

void outbound_core::read_failed(const std::string& error, instant now) {
  reading_ = false;
  read_fault_ = true;
  read_retry_ = now.at + options_.config.retry_max;
  note_error(error, now);
}

void outbound_core::settle(const message_ref& ref) {
  auto& e = window_[ref.slot - first_slot_];
  if (lag_ > 0) --lag_;
  if (--e.unsettled > 0) return;
  window_bytes_ -= e.bytes;
  e.stored.records.reset();
  if (!e.tickets.empty())
    effects_.emplace_back(effect::answer{std::exchange(e.tickets, {}), ec::none});
}

// What is done at the front leaves the window and the spool.
void outbound_core::advance() {
  uint64_t before = 0, next_message = 0;
  while (!window_.empty() && window_.front().unsettled == 0) {
    const auto& e = window_.front();
    before = e.stored.sequence + 1;
    next_message = e.stored.first_message + e.stored.count;
    spool_bytes_ -= std::min<uint64_t>(spool_bytes_, e.bytes);
    window_.pop_front();
    ++first_slot_;
  }
  if (before > 0) effects_.emplace_back(effect::remove_entries{before, next_message});
  // A backlog's size is an estimate when appends had failed in it; an empty one is known.
  if (window_.empty() && !spilled_ && !reading_) lag_ = spool_bytes_ = 0;
}

bool outbound_core::record_at(const message_ref& ref, device_message& m, size_t* size) const {
  const auto& e = window_[ref.slot - first_slot_];
  std::string_view left{*e.stored.records};
  left.remove_prefix(ref.offset);
  auto before = left.size();
  if (next_record(left, m) != record_walk::record) return false;
  if (size) *size = before - left.size();
  return true;
}

uint64_t outbound_core::number_of(const message_ref& ref) const {
  return window_[ref.slot - first_slot_].stored.first_message + ref.index;
}

// --- status ---

void outbound_core::stop(instant now) {
  stopping_ = true;
  wake(now);
}

bool outbound_core::idle() const {
  auto waits = [](const auto& r) { return r.second.waiting; };
  return writing_.empty() && std::ranges::all_of(requests_, waits) &&
         std::ranges::all_of(burials_, waits);
}

void outbound_core::note_error(std::string text, instant now) {
  counters_.last_error = std::move(text);
  counters_.last_error_ms = now.ms;
}

std::string_view outbound_core::state() const {
  if (stopping_) return "stopped";
  if (health_ == health::misconfigured) return "misconfigured";
  return store_fault_ || read_fault_ || health_ == health::retrying ? "retrying" : "running";
}

rule_status outbound_core::status(instant now) {
  auto s = counters_;
  s.state = state();
  s.rate = rate_.per_second(now.at);
  s.lag = lag_;
  s.spool_bytes = spool_bytes_ + unwritten_bytes_;
  auto oldest = window_.empty() ? oldest_ms_ : window_.front().stored.stored_ms;
  s.oldest_ms = lag_ > 0 && oldest > 0 ? std::max<int64_t>(0, now.ms - oldest) : 0;
  return s;
}

}  // namespace dunlin::rules
