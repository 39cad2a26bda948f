#include "broker/core/incoming.hpp"

#include "broker/mqtt/encode.hpp"

namespace dunlin::core {

using mqtt::packet_type;
using mqtt::reason;

uint32_t incoming::add(uint16_t id, uint8_t qos) {
  slots_.emplace_back(slot{id, qos, reason::success, qos == 2 ? id : uint16_t{0}});
  if (qos == 2) {
    if (!qos2_) qos2_ = std::make_unique<absl::flat_hash_map<uint16_t, incoming::qos2>>();
    (*qos2_)[id] = qos2::pending;
    ++qos2_pending_;
  }
  return read_slots_++;
}

void incoming::add_answer(uint16_t id, uint8_t qos, reason code) {
  slots_.emplace_back(slot{id, qos, code, 0});
  ++read_slots_;
}

uint32_t incoming::end_read(uint32_t batches) {
  const uint32_t number = next_read();
  reads_.emplace_back(read{read_slots_, batches});
  read_slots_ = 0;
  return number;
}

void incoming::answered(uint32_t number, const std::vector<refusal>& refusals) {
  const uint32_t index = number - first_read_;
  if (index >= reads_.size()) return;  // of a session that was cleared since
  read& r = reads_[index];
  if (r.answers_due > 0) --r.answers_due;
  if (refusals.empty()) return;
  size_t base = 0;
  for (uint32_t i = 0; i < index; ++i) base += reads_[i].slots;
  for (const refusal& f : refusals)
    if (f.slot < r.slots) slots_[base + f.slot].code = f.code;
}

void incoming::settle(slot& s) {
  if (s.qos2_id == 0 || !qos2_) return;
  auto it = qos2_->find(s.qos2_id);
  if (it == qos2_->end() || it->second == qos2::stored) return;
  --qos2_pending_;
  if (static_cast<uint8_t>(s.code) >= 0x80) {
    qos2_->erase(it);  // refused: the identifier is free again
    return;
  }
  if (it->second == qos2::pending_asked && s.id == 0) late_pubrecs_.push_back(s.qos2_id);
  it->second = qos2::stored;
}

mqtt::reason incoming::drain(mqtt::version v, std::string& out, uint64_t* pubacks,
                             uint64_t* pubrecs) {
  while (!reads_.empty() && reads_.front().answers_due == 0) {
    read& r = reads_.front();
    for (; r.slots > 0; --r.slots) {
      slot s = slots_.front();
      settle(s);
      slots_.pop_front();
      if (s.id == 0) continue;
      if (v != mqtt::version::v5 && static_cast<uint8_t>(s.code) >= 0x80) {
        --r.slots;
        return s.code;
      }
      mqtt::encode_ack(s.qos == 1 ? packet_type::puback : packet_type::pubrec, s.id, s.code, v, out);
      ++*(s.qos == 1 ? pubacks : pubrecs);
    }
    reads_.pop_front();
    ++first_read_;
  }
  while (!late_pubrecs_.empty()) {
    mqtt::encode_ack(packet_type::pubrec, late_pubrecs_.front(), reason::success, v, out);
    late_pubrecs_.pop_front();
    ++*pubrecs;
  }
  return reason::success;
}

incoming::seen incoming::check_qos2(uint16_t id) {
  if (!qos2_) return seen::no;
  auto it = qos2_->find(id);
  if (it == qos2_->end()) return seen::no;
  if (it->second == qos2::stored) return seen::answer;
  it->second = qos2::pending_asked;
  return seen::wait;
}

bool incoming::release(uint16_t id) {
  if (!qos2_) return false;
  auto it = qos2_->find(id);
  if (it == qos2_->end()) return false;
  if (it->second != qos2::stored) --qos2_pending_;
  qos2_->erase(it);
  if (qos2_->empty()) qos2_.reset();
  return true;
}

void incoming::disconnect() {
  for (size_t i = 0; i < slots_.size(); ++i) slots_[i].id = 0;
  late_pubrecs_.clear();
}

void incoming::clear() {
  // Numbers go on: an answer to a read of before must not be taken for one of after.
  first_read_ = next_read();
  slots_.clear();
  reads_.clear();
  late_pubrecs_.clear();
  qos2_.reset();
  qos2_pending_ = 0;
  read_slots_ = 0;
}

}  // namespace dunlin::core
