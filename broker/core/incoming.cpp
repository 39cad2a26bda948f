#include "broker/core/incoming.hpp"

#include "broker/mqtt/encode.hpp"

namespace dunlin::core {

using mqtt::packet_type;
using mqtt::reason;

namespace {

bool is_error(reason r) { return static_cast<uint8_t>(r) >= 0x80; }

}  // namespace

uint32_t incoming::add(uint16_t id, uint8_t qos) {
  slots_.emplace_back(slot{id, qos, reason::success, qos == 2 ? id : uint16_t{0}, qos == 1});
  ++unacknowledged_;
  if (qos == 2) {
    if (!qos2_) qos2_ = std::make_unique<absl::flat_hash_map<uint16_t, incoming::qos2>>();
    (*qos2_)[id] = {};
  }
  return read_slots_++;
}

void incoming::add_answer(uint16_t id, uint8_t qos, reason code) {
  const bool resent = qos == 2 && qos2_ && qos2_->contains(id);  // counts until its PUBREL
  slots_.emplace_back(slot{id, qos, code, 0, !resent});
  ++read_slots_;
  if (!resent) ++unacknowledged_;
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

// Its answer has come: the identifier is stored, or free again. A message that was sent again on a
// later connection is answered there, in the place of the first.
void incoming::settle(slot& s) {
  if (!qos2_) return;
  auto it = qos2_->find(s.qos2_id);
  if (it == qos2_->end() || it->second.stored) return;
  if (s.id == 0 && it->second.asked) s.id = s.qos2_id;
  if (!is_error(s.code)) {
    it->second.stored = true;
    return;
  }
  if (it->second.asked) --unacknowledged_;
  qos2_->erase(it);
}

// An answer with a reason code. A refusal has its reason string, where the packet stays within what
// the client takes.
void incoming::write_code(const slot& s, mqtt::version v, uint32_t told_bytes_max,
                          std::string& out) {
  const auto type = s.qos == 1 ? packet_type::puback : packet_type::pubrec;
  if (told_bytes_max != 0 && is_error(s.code)) {
    mqtt::ack a{type, s.id, s.code, mqtt::explain(s.code), {}};
    constexpr size_t around = 9;  // header 2, identifier 2, code 1, property length 1, property 3
    if (a.reason_string.size() + around <= told_bytes_max) return mqtt::encode(a, v, out);
  }
  mqtt::encode_ack(type, s.id, s.code, v, out);
}

mqtt::reason incoming::drain(mqtt::version v, std::string& out, uint64_t* pubacks,
                             uint64_t* pubrecs, uint32_t told_bytes_max) {
  while (!reads_.empty() && reads_.front().answers_due == 0) {
    read& r = reads_.front();
    // Room for all at once: a success is always four bytes.
    constexpr size_t bytes = 4;
    size_t at = out.size();
    if (r.slots > 0) out.resize(at + bytes * r.slots);
    for (; r.slots > 0; --r.slots) {
      slot s = slots_.front();
      if (s.qos2_id != 0) settle(s);
      slots_.pop_front();
      if (s.id == 0) continue;
      if (s.counted) --unacknowledged_;
      if (s.code != reason::success && (v == mqtt::version::v5 || is_error(s.code))) [[unlikely]] {
        out.resize(at);
        if (v != mqtt::version::v5) {
          --r.slots;
          return s.code;
        }
        write_code(s, v, told_bytes_max, out);
        at = out.size();
        out.resize(at + bytes * (r.slots - 1));
      } else {
        const auto type = s.qos == 1 ? packet_type::puback : packet_type::pubrec;
        char* p = out.data() + at;
        p[0] = static_cast<char>(static_cast<uint8_t>(type) << 4);
        p[1] = 2;
        p[2] = static_cast<char>(s.id >> 8);
        p[3] = static_cast<char>(s.id);
        at += bytes;
      }
      ++*(s.qos == 1 ? pubacks : pubrecs);
    }
    if (at < out.size()) out.resize(at);
    reads_.pop_front();
    ++first_read_;
  }
  return reason::success;
}

void incoming::ask(qos2& q) {
  if (q.asked) return;
  q.asked = true;
  ++unacknowledged_;
}

incoming::seen incoming::check_qos2(uint16_t id) {
  if (!qos2_) return seen::no;
  auto it = qos2_->find(id);
  if (it == qos2_->end()) return seen::no;
  ask(it->second);
  return it->second.stored ? seen::answer : seen::wait;
}

bool incoming::release(uint16_t id) {
  if (!qos2_) return false;
  auto it = qos2_->find(id);
  if (it == qos2_->end() || !it->second.stored) return false;
  if (it->second.asked) --unacknowledged_;
  qos2_->erase(it);
  if (qos2_->empty()) qos2_.reset();
  return true;
}

void incoming::disconnect() {
  for (size_t i = 0; i < slots_.size(); ++i) slots_[i].id = 0;
  if (qos2_)
    for (auto& [id, q] : *qos2_) q.asked = false;
  unacknowledged_ = 0;
}

void incoming::clear() {
  // Numbers go on: an answer to a read of before must not be taken for one of after.
  first_read_ = next_read();
  slots_.clear();
  reads_.clear();
  qos2_.reset();
  unacknowledged_ = 0;
  read_slots_ = 0;
}

}  // namespace dunlin::core
