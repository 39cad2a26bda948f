#include "broker/core/outgoing.hpp"

#include "broker/mqtt/encode.hpp"

namespace dunlin::core {

using mqtt::packet_type;
using mqtt::reason;

outgoing::flying* outgoing::find(uint16_t id) {
  if (id == 0 || flight_.empty()) return nullptr;
  const uint64_t first = first_sequence_ % ids;
  const uint64_t index = (id - 1u + ids - first) % ids;
  if (index >= transmitted_) return nullptr;
  flying& f = flight_[index];
  return f.at == stage::done ? nullptr : &f;
}

void outgoing::finish(flying& f, uint64_t tally::*how, tally& t) {
  t.*how += 1;
  retire(f);
  if (&f != &flight_.front()) f.d = {};
  pop_done();
}

void outgoing::pop_done() {
  while (!flight_.empty() && flight_.front().at == stage::done) {
    flight_.pop_front();
    ++first_sequence_;
    if (transmitted_ > 0) --transmitted_, --done_;
  }
}

// Inline: once for each message. False: over the client's maximum packet size [MQTT-3.1.2-24].
inline bool outgoing::write(const delivery& d, bool again, uint16_t id, uint64_t now_ms,
                            std::string& out) {
  if (plain_) [[likely]] {
    mqtt::encode_v3(*d.msg, mqtt::publish_first_byte(d.qos, again, d.retain), id, out);
    return true;
  }
  return write_v5(d,
                  {.qos = d.qos,
                   .dup = again,
                   .retain = d.retain,
                   .packet_id = id,
                   .subscription_ids = d.subscription_ids.view(),
                   .now_ms = now_ms},
                  out);
}

bool outgoing::write_v5(const delivery& d, mqtt::send_form form, std::string& out) {
  if (link_.alias_max != 0) [[unlikely]]
    return write_with_alias(d, form, out);
  if (link_.packet_bytes_max != ~0u &&
      encoded_size(*d.msg, link_.ver, form) > link_.packet_bytes_max)
    return false;
  mqtt::encode(*d.msg, link_.ver, form, out);
  return true;
}

bool outgoing::transmit(size_t index, bool again, uint64_t now_ms, std::string& out, tally& t) {
  flying& f = flight_[index];
  const uint16_t id = id_of(first_sequence_ + index);
  if (f.at == stage::done) {
    ++done_;
    return true;
  }
  if (f.at == stage::released) {
    mqtt::encode_ack(packet_type::pubrel, id, reason::success, link_.ver, out);
    return true;
  }
  if (!write(f.d, again, id, now_ms, out)) return false;
  ++t.sent[f.d.qos];
  return true;
}

bool outgoing::write_with_alias(const delivery& d, mqtt::send_form& form, std::string& out) {
  if (!aliases_) aliases_ = std::make_unique<alias_table>(link_.alias_max);
  const auto use = aliases_->use(d.msg->topic());
  form.topic_alias = use.alias;
  form.omit_topic = use.known;
  size_t size = encoded_size(*d.msg, link_.ver, form);
  if (size > link_.packet_bytes_max && use.alias != 0 && !use.known) {  // it may fit without
    aliases_->take_back(use.alias);
    form.topic_alias = 0;
    size = encoded_size(*d.msg, link_.ver, form);
  }
  if (size > link_.packet_bytes_max) return false;
  mqtt::encode(*d.msg, link_.ver, form, out);
  return true;
}

void outgoing::connect(const link& l, uint64_t now_ms, std::string& out, tally& t) {
  link_ = l;
  plain_ = l.ver != mqtt::version::v5 && l.packet_bytes_max == ~0u;
  aliases_.reset();
  connected_ = true;
  transmitted_ = done_ = 0;
  while (transmitted_ < flight_.size() && window_open()) {
    const size_t index = transmitted_++;
    if (!transmit(index, true, now_ms, out, t)) {
      t.too_large += 1;
      retire(flight_[index]);
      flight_[index].d = {};
    }
  }
  pop_done();
}

inline void outgoing::send_qos0(const delivery& d, uint64_t now_ms, std::string& out, tally& t) {
  if (!write(d, false, 0, now_ms, out)) {
    ++t.too_large;
    return;
  }
  ++t.sent[0];
  ++t.delivered;
}

void outgoing::offer(delivery&& d, uint64_t now_ms, std::string* out, bool room, tally& t) {
  ++t.queued;
  if (d.msg->expired(now_ms)) {
    ++t.expired;
    return;
  }
  if (d.qos == 0) {
    if (!out) {
      if (limits_->queue_qos0) return enqueue(std::move(d), t);
      ++t.not_connected;
      return;
    }
    if (!room && !d.paced) {
      ++t.slow_subscriber;
      return;
    }
    return send_qos0(d, now_ms, *out, t);
  }
  if (!out || !room || !queue_.empty() || transmitted_ < flight_.size() || !window_open())
    return enqueue(std::move(d), t);
  flight_.emplace_back(std::move(d));
  const size_t index = transmitted_++;
  if (!transmit(index, false, now_ms, *out, t)) finish(flight_[index], &tally::too_large, t);
}

void outgoing::enqueue(delivery&& d, tally& t) {
  const size_t bytes = d.msg->footprint();
  if (!d.paced &&
      (queue_.size() >= limits_->messages_max || queue_bytes_ + bytes > limits_->bytes_max)) {
    ++t.queue_full;
    return;
  }
  queue_bytes_ += bytes;
  queue_.push_back(std::move(d));
}

void outgoing::pump(uint64_t now_ms, std::string& out, size_t out_bytes_max, tally& t) {
  if (!connected_) return;
  while (window_open() && out.size() <= out_bytes_max) {
    if (transmitted_ < flight_.size()) {  // in flight on an earlier connection with a wider window
      const size_t index = transmitted_++;
      if (!transmit(index, true, now_ms, out, t)) finish(flight_[index], &tally::too_large, t);
      continue;
    }
    if (queue_.empty()) return;
    delivery d = std::move(queue_.front());
    queue_.pop_front();
    queue_bytes_ -= d.msg->footprint();
    if (d.msg->expired(now_ms)) {
      ++t.expired;
      continue;
    }
    if (d.qos == 0) {
      send_qos0(d, now_ms, out, t);
      continue;
    }
    flight_.emplace_back(std::move(d));
    const size_t index = transmitted_++;
    if (!transmit(index, false, now_ms, out, t)) finish(flight_[index], &tally::too_large, t);
  }
}

bool outgoing::puback(uint16_t id, tally& t, reason code) {
  flying* f = find(id);
  if (!f || f->d.qos != 1) return false;
  const bool refused =
      static_cast<uint8_t>(code) >= 0x80;  // and goes to nobody else [MQTT-4.8.2-6]
  finish(*f, refused ? &tally::refused : &tally::delivered, t);
  return true;
}

bool outgoing::pubrec(uint16_t id, reason code, std::string& out, tally& t) {
  flying* f = find(id);
  if (!f || (f->at == stage::published && f->d.qos != 2)) {
    // [MQTT-4.3.3] has no state to go on from; the answer ends the exchange.
    mqtt::encode_ack(packet_type::pubrel, id, reason::packet_identifier_not_found, link_.ver, out);
    return false;
  }
  if (static_cast<uint8_t>(code) >= 0x80) {
    if (f->at == stage::released) {  // counted when the first PUBREC came
      retire(*f);
      pop_done();
    } else {
      finish(*f, &tally::refused, t);
    }
    return true;
  }
  if (f->at == stage::published) {
    ++t.delivered;  // the client owns it now; PUBREL and PUBCOMP only free the identifier
    f->at = stage::released;
    f->d.msg = {};
  }
  mqtt::encode_ack(packet_type::pubrel, id, reason::success, link_.ver, out);
  return true;
}

bool outgoing::pubcomp(uint16_t id, tally&) {
  flying* f = find(id);
  if (!f || f->at != stage::released) return false;
  retire(*f);
  pop_done();
  return true;
}

std::vector<delivery> outgoing::take_shared(tally& t) {
  std::vector<delivery> out;
  for (size_t i = 0; i < flight_.size(); ++i) {
    flying& f = flight_[i];
    // Whatever is in flight was sent at least once, on this connection or an earlier one.
    if (f.at != stage::published || !f.d.share || f.d.qos == 2) continue;
    out.push_back(std::move(f.d));
    f.at = stage::done;
    if (i < transmitted_) ++done_;
  }
  t.given_back += out.size();
  for (auto& d : take_unsent_shared(0, t)) out.push_back(std::move(d));
  return out;
}

std::vector<delivery> outgoing::take_unsent_shared(uint32_t share, tally& t) {
  std::vector<delivery> out;
  for (size_t i = 0, n = queue_.size(); i < n; ++i) {
    delivery d = std::move(queue_.front());
    queue_.pop_front();
    if (d.share && (share == 0 || d.share == share)) {
      queue_bytes_ -= d.msg->footprint();
      out.push_back(std::move(d));
    } else {
      queue_.push_back(std::move(d));
    }
  }
  t.given_back += out.size();
  return out;
}

void outgoing::clear(tally& t) {
  for (size_t i = 0; i < flight_.size(); ++i)
    if (flight_[i].at == stage::published) ++t.session_ended;
  t.session_ended += queue_.size();
  flight_.clear();
  queue_.clear();
  queue_bytes_ = 0;
  transmitted_ = done_ = 0;
  first_sequence_ = 0;
}

}  // namespace dunlin::core
