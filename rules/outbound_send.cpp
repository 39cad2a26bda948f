// The half of outbound_core that faces the message queue: lanes, batches, retries, dead letters.
#include <algorithm>
#include <functional>
#include <utility>

#include "rules/outbound_core.hpp"

namespace dunlin::rules {
namespace {

uint64_t mix(uint64_t hash, std::string_view bytes) {
  return hash * 0x9E3779B97F4A7C15ull + std::hash<std::string_view>{}(bytes);
}

}  // namespace

// Which messages may share a batch; the builder looks again, so that two of one key that differ do
// no harm.
uint64_t outbound_core::lane_key(const device_message& m) const {
  const auto& c = options_.config;
  if (c.order == rule_order::device) return mix(1, m.client_id);
  bool envelope = c.format == rule_format::envelope && options_.kind == record_kind::message;
  if (envelope || options_.limits.mixed_properties) return 0;
  auto key = mix(mix(mix(m.qos, m.client_id), m.topic), m.content_type);
  if (m.expiry_s) key = key * 31 + *m.expiry_s + static_cast<uint64_t>(m.born_ms / 1000);
  for (const auto& [name, value] : m.user_properties) key = mix(mix(key, name), value);
  return key;
}

std::chrono::milliseconds outbound_core::back_off(uint32_t attempts) const {
  auto wait = options_.config.retry_min;
  for (uint32_t i = 1; i < attempts && wait < options_.config.retry_max; ++i) wait *= 2;
  return std::min(wait, options_.config.retry_max);
}

void outbound_core::wake(instant now) {
  for (auto& [id, b] : burials_) {
    if (!b.waiting || b.due > now.at) continue;
    b.waiting = false;
    effects_.emplace_back(effect::bury{id, b.letters});
  }
  if (stopping_) return;
  for (auto& [id, r] : requests_) {
    if (r.waiting && r.due <= now.at) send_again(id, r, now);
  }
  pump(now);
  read_ahead(now);
}

std::chrono::steady_clock::time_point outbound_core::due() const {
  auto when = time_point::max();
  for (const auto& [id, b] : burials_) {
    if (b.waiting) when = std::min(when, b.due);
  }
  if (stopping_) return when;
  for (const auto& [id, r] : requests_) {
    if (r.waiting) when = std::min(when, r.due);
  }
  if (requests_.size() < options_.config.in_flight_max) when = std::min(when, lanes_.due());
  if (read_fault_ && spilled_) when = std::min(when, read_retry_);
  return when;
}

void outbound_core::pump(instant now) {
  while (requests_.size() < options_.config.in_flight_max) {
    auto* l = lanes_.next(now.at);
    if (!l) break;
    send_from(*l, now);
  }
  advance();
}

// Takes one batch from the lane; false when all that it looked at was expired or refused.
bool outbound_core::send_from(lane& l, instant now) {
  batch_builder builder(batch_options_, now.ms);
  request r;
  r.from = &l;
  r.built_ms = now.ms;
  auto cap = lanes_.cap(l);
  uint32_t taken = 0;
  device_message m;
  for (; !l.refs.empty() && builder.count() < cap; ++taken) {
    auto ref = l.refs.front();
    size_t size = 0;
    record_at(ref, m, &size);
    bool over = options_.kind == record_kind::message && expired(m.expiry_s, m.born_ms, now.ms);
    auto result = over ? batch_builder::refused : builder.add(m, number_of(ref), size);
    if (result == batch_builder::full) break;
    l.refs.pop_front();
    l.bytes -= std::min(l.bytes, size);
    if (over) {
      ++counters_.expired;
      settle(ref);
    } else if (result == batch_builder::refused) {
      bury({ref}, 0, builder.reason(), now);
    } else {
      r.refs.push_back(ref);
      r.bytes += size;
    }
  }
  bool any = !r.refs.empty();
  if (any) {
    ++l.flying;
    auto id = next_request_++;
    effects_.emplace_back(effect::send_batch{id, builder.finish()});
    requests_.emplace(id, std::move(r));
  }
  lanes_.taken(l, taken, now.at);
  return any;
}

// The same messages in the same batch: built for the same time.
void outbound_core::send_again(uint64_t id, request& r, instant now) {
  batch_builder builder(batch_options_, r.built_ms);
  device_message m;
  for (const auto& ref : r.refs) {
    size_t size = 0;
    record_at(ref, m, &size);
    builder.add(m, number_of(ref), size);
  }
  r.waiting = false;
  effects_.emplace_back(effect::send_batch{id, builder.finish()});
}

void outbound_core::sent(uint64_t id, const queue_result& result, instant now) {
  auto at = requests_.find(id);
  if (at == requests_.end()) return;
  if (result.what != outcome::ok) note_error(result.error, now);
  switch (result.what) {
    case outcome::retry:
    case outcome::misconfigured:
      on_retry(at->second, result.what == outcome::misconfigured, now);
      break;
    case outcome::ok:
    case outcome::refused: {
      auto r = std::move(at->second);
      requests_.erase(at);
      if (result.what == outcome::ok) {
        on_ok(std::move(r), now);
      } else {
        on_refused(std::move(r), result, now);
      }
    }
  }
  wake(now);
}

void outbound_core::on_ok(request r, instant now) {
  counters_.sent += r.refs.size();
  rate_.add(r.refs.size(), now.at);
  for (const auto& ref : r.refs) settle(ref);
  lanes_.landed(*r.from, now.at);
  advance();
  // The queue is back: what waits for its next try need not wait on. Not when others went through
  // all the time: then it is their own fault that they wait for.
  if (health_ != health::running && now.at - down_since_ > std::chrono::seconds(1)) {
    for (auto& [id, other] : requests_) {
      if (other.waiting) other.due = now.at;
    }
  }
  health_ = health::running;
}

void outbound_core::on_retry(request& r, bool misconfigured, instant now) {
  if (health_ == health::running) down_since_ = now.at;
  health_ = misconfigured ? health::misconfigured : health::retrying;
  r.waiting = true;
  r.due = now.at + (misconfigured ? options_.config.retry_max : back_off(++r.attempts));
}

void outbound_core::on_refused(request r, const queue_result& result, instant now) {
  health_ = health::running;
  if (r.refs.size() > 1) {
    lanes_.give_back(*r.from, r.refs, r.bytes);
  } else {
    bury(std::move(r.refs), result.code, result.error, now);
  }
  lanes_.landed(*r.from, now.at);
}

// --- dead letters ---

void outbound_core::bury(std::vector<message_ref> refs, int code, const std::string& reason,
                         instant now) {
  burial b;
  for (const auto& ref : refs) {
    std::string_view rest{*window_[ref.slot - first_slot_].stored.records};
    rest.remove_prefix(ref.offset);
    device_message m;
    auto left = rest;
    bool whole = next_record(left, m) == record_walk::record;
    auto record = whole ? rest.substr(0, rest.size() - left.size()) : rest;
    b.letters.push_back({now.ms, code, reason, std::string(record)});
  }
  b.refs = std::move(refs);
  note_error("dead letter: " + reason, now);
  auto id = next_burial_++;
  effects_.emplace_back(effect::bury{id, b.letters});
  burials_.emplace(id, std::move(b));
}

// Done with a message only when its dead letter is on disk.
void outbound_core::buried(uint64_t id, bool ok, const std::string& error, instant now) {
  auto at = burials_.find(id);
  if (at == burials_.end()) return;
  if (ok) {
    counters_.dead_letters += at->second.refs.size();
    for (const auto& ref : at->second.refs) settle(ref);
    burials_.erase(at);
    store_fault_ = false;
  } else {
    store_fault_ = true;
    note_error(error, now);
    at->second.waiting = true;
    at->second.due = now.at + options_.config.retry_max;
  }
  wake(now);
  advance();
}

}  // namespace dunlin::rules
