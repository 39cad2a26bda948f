#include "rules/batch_builder.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "rules/envelope.hpp"

namespace dunlin::rules {
namespace {

constexpr size_t message_overhead =
    64;  // what a message costs in a request beyond its bytes, at most

size_t size_of(const queue_message& m) {
  size_t size = message_overhead + m.body.size() + m.tag.size() + m.message_id.size();
  for (const auto& key : m.keys) size += key.size();
  for (const auto& [name, value] : m.properties) size += name.size() + value.size() + 8;
  return size;
}

void append_number(std::string& out, uint64_t n) {
  char digits[20];
  auto end = std::to_chars(digits, digits + sizeof digits, n).ptr;
  out.append(digits, end);
}

std::string id_of(const std::string& source, uint64_t number) {
  std::string id;
  id.reserve(source.size() + 21);
  id.append(source) += '-';
  append_number(id, number);
  return id;
}

void event_to_queue(const device_message& m, queue_message& out) {
  out.body.assign(m.payload);
  out.tag.assign(m.topic);
  if (!m.client_id.empty()) out.keys.emplace_back(m.client_id);
  out.born_ms = m.born_ms;
}

}  // namespace

batch_builder::result batch_builder::refuse(std::string reason) {
  reason_ = std::move(reason);
  return refused;
}

batch_builder::result batch_builder::add(const device_message& m, uint64_t number, size_t size) {
  bool envelope = options_.format == rule_format::envelope && options_.kind == record_kind::message;
  auto r = envelope ? add_to_envelope(m, number, size) : add_message(m, number);
  if (r == added) ++count_;
  return r;
}

batch_builder::result batch_builder::add_message(const device_message& m, uint64_t number) {
  const auto& limits = options_.limits;
  bool alone = options_.order == rule_order::device || limits.messages_max <= 1;
  if (!batch_.empty() && (alone || batch_.size() >= limits.messages_max)) return full;
  queue_message out;
  if (options_.kind == record_kind::event) {
    event_to_queue(m, out);
  } else if (auto fault = to_queue(m, now_ms_, out)) {
    return refuse(std::move(fault->reason));
  }
  if (out.body.size() > limits.body_bytes_max) {
    return refuse("payload of " + std::to_string(out.body.size()) +
                  " bytes, over the message queue's " + std::to_string(limits.body_bytes_max));
  }
  auto bytes = size_of(out);
  if (!batch_.empty()) {
    const auto& first = batch_.front();
    if (bytes_ + bytes > limits.bytes_max) return full;
    if (!limits.mixed_properties &&
        (out.tag != first.tag || out.keys != first.keys || out.properties != first.properties)) {
      return full;
    }
  }
  if (options_.order == rule_order::device) out.message_group = message_group_of(m.client_id);
  out.message_id = id_of(options_.source, number);
  bytes_ += bytes;
  batch_.push_back(std::move(out));
  return added;
}

batch_builder::result batch_builder::add_to_envelope(const device_message& m, uint64_t number,
                                                     size_t size) {
  const auto& limits = options_.limits;
  // The record is never much smaller than its protobuf form.
  auto most = size + message_overhead + 8 * m.user_properties.size();
  auto body_max =
      std::min(limits.body_bytes_max, limits.bytes_max - std::min<size_t>(limits.bytes_max, 4096));
  if (most > body_max) {
    return refuse("message of " + std::to_string(size) + " bytes, over the message queue's " +
                  std::to_string(limits.body_bytes_max));
  }
  bool device = options_.order == rule_order::device;
  if (in_envelope_ > 0) {
    if (device && m.client_id != envelope_client_) return full;
    auto open_bytes = batch_.back().body.size();
    if (bytes_ + open_bytes + most > limits.bytes_max) return full;
    if (in_envelope_ >= options_.envelope_messages_max || open_bytes + most > body_max) {
      if (device || batch_.size() >= limits.messages_max) return full;
      close_envelope();
    }
  }
  if (in_envelope_ == 0) {
    open_envelope(m);
    envelope_first_ = number;
  }
  append_to_envelope(m, number, expiry_left(m.expiry_s, m.born_ms, now_ms_), batch_.back().body);
  envelope_last_ = number;
  ++in_envelope_;
  return added;
}

void batch_builder::open_envelope(const device_message& m) {
  auto& out = batch_.emplace_back();
  out.body = envelope_head(options_.source);
  out.tag = envelope_tag;
  out.properties = {{"dunlinFormat", std::string(envelope_format)},
                    {"dunlinRule", options_.rule_id}};
  out.born_ms = now_ms_;
  if (options_.order != rule_order::device) return;
  out.message_group = message_group_of(m.client_id);
  envelope_client_ = m.client_id;
}

void batch_builder::close_envelope() {
  if (in_envelope_ == 0) return;
  auto& out = batch_.back();
  // First and last: the same messages grouped otherwise after a restart are another message of the
  // queue.
  out.message_id = id_of(options_.source, envelope_first_) + '-';
  append_number(out.message_id, envelope_last_);
  bytes_ += size_of(out);
  in_envelope_ = 0;
}

std::vector<queue_message> batch_builder::finish() {
  close_envelope();
  return std::move(batch_);
}

}  // namespace dunlin::rules
