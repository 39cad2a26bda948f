#include "rules/inbound_core.hpp"

#include <algorithm>
#include <utility>

#include "rules/mapping.hpp"
#include "rules/record.hpp"

namespace dunlin::rules {
namespace {

// The delivery as a record: the queue's topic, the body, and all properties, tag and keys as user
// properties.
dead_letter letter_of(const queue_message& m, const rule& r, std::string reason, int64_t now_ms) {
  device_message d;
  d.topic = r.queue;
  d.payload = m.body;
  d.client_id = m.message_id;
  d.qos = 1;
  d.born_ms = m.born_ms;
  for (const auto& [name, value] : m.properties) d.user_properties.emplace_back(name, value);
  if (!m.tag.empty()) d.user_properties.emplace_back("TAGS", m.tag);
  for (const auto& key : m.keys) d.user_properties.emplace_back("KEYS", key);
  dead_letter letter{now_ms, 0, std::move(reason), {}};
  append_record(d, letter.record);
  return letter;
}

buried_delivery buried(queue_message m, const rule& r, std::string reason, int64_t now_ms) {
  auto letter = letter_of(m, r, std::move(reason), now_ms);
  return {std::move(m), std::move(letter)};
}

// Longer with each attempt, so that a device's full queue is not hammered.
std::chrono::milliseconds delay_of(const queue_message& m, const rule& r) {
  auto delay = std::max(r.retry_min, std::chrono::milliseconds(1000));
  auto most = std::max(r.retry_max, delay);
  for (uint32_t i = 1; i < m.attempt && delay < most; ++i) delay *= 2;
  return std::min(delay, most);
}

}  // namespace

sorted_batch sort_out(std::vector<queue_message> messages, const rule& r, int64_t now_ms) {
  sorted_batch b;
  for (auto& m : messages) {
    if (expired(m, now_ms)) {
      b.expired.push_back(std::move(m));
      continue;
    }
    auto mapped = from_queue(m, r.topic, now_ms);
    if (auto* fault = std::get_if<unmappable>(&mapped)) {
      b.dead.push_back(buried(std::move(m), r, std::move(fault->reason), now_ms));
    } else {
      b.inject.push_back(std::move(std::get<inbound_message>(mapped)));
      b.injected.push_back(std::move(m));
    }
  }
  return b;
}

verdict judge(std::vector<queue_message> injected, const std::vector<injection>& results,
              const rule& r, int64_t now_ms) {
  verdict v;
  for (size_t i = 0; i < injected.size(); ++i) {
    auto& m = injected[i];
    // Fewer results than messages: the rest has no answer, so it comes again.
    auto result = i < results.size() ? results[i] : injection::refused;
    switch (result) {
      case injection::met:
        ++v.met;
        v.ack.push_back(std::move(m));
        break;
      case injection::no_receiver:
        ++v.no_receiver;
        if (r.policy == unroutable::ack) {
          v.ack.push_back(std::move(m));
        } else {
          v.dead.push_back(buried(std::move(m), r, "no device takes it", now_ms));
        }
        break;
      case injection::refused:
        ++v.refused;
        if (m.attempt >= inbound_attempts_max) {
          v.dead.push_back(buried(std::move(m), r,
                                  "refused " + std::to_string(inbound_attempts_max) + " times",
                                  now_ms));
        } else {
          auto delay = delay_of(m, r);
          v.nack.push_back({std::move(m), delay});
        }
    }
  }
  return v;
}

std::vector<nack_delivery> give_back(std::vector<queue_message> injected, const rule& r) {
  std::vector<nack_delivery> all;
  for (auto& m : injected) {
    auto delay = delay_of(m, r);
    all.push_back({std::move(m), delay});
  }
  return all;
}

}  // namespace dunlin::rules
