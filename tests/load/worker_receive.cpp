// The receiving side of a worker. PUBLISH and its acknowledgements are read by hand, since they
// come by the million; the codec reads the rest.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "tests/load/clock.hpp"
#include "tests/load/worker.hpp"

namespace dunlin::load {
namespace {

constexpr size_t read_bytes = 256 << 10;

mqtt::frame frame_of(mqtt::packet_type type, std::string_view body) {
  return {type, 0, body, body.size() + 2};
}

void put_ack(mqtt::packet_type type, uint16_t packet_id, std::string& out) {
  const char flags = type == mqtt::packet_type::pubrel ? 2 : 0;
  const char bytes[4] = {char(uint8_t(type) << 4 | flags), 2, char(packet_id >> 8),
                         char(packet_id)};
  out.append(bytes, sizeof bytes);
}

uint16_t id_of(std::string_view body) { return uint16_t(uint8_t(body[0]) << 8 | uint8_t(body[1])); }

// The remaining length at `at`, which is moved behind it: 1 read, 0 cut short, -1 malformed.
int read_length(const char* b, size_t size, size_t& at, size_t& length) {
  length = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    if (at >= size) return 0;
    const uint8_t x = uint8_t(b[at++]);
    length |= size_t(x & 127) << shift;
    if ((x & 128) == 0) return 1;
  }
  return -1;
}

}  // namespace

void worker::readable(client& c) {
  do {
    read_once(c);
  } while (c.over && c.over->holds_more());
}

void worker::read_once(client& c) {
  const size_t kept = c.partial.size();
  if (read_buffer_.size() < kept + read_bytes) read_buffer_.resize(2 * kept + read_bytes);
  memcpy(read_buffer_.data(), c.partial.data(), kept);
  const long n = receive(c, read_buffer_.data() + kept, read_bytes);
  if (n == 0) return lose(c, "closed by the broker");
  if (n < 0) {
    const bool later = errno == EAGAIN || errno == EINTR;
    if (!later) return lose(c, c.over && !c.over->why().empty() ? c.over->why() : strerror(errno));
    if (c.over && c.over->unsent()) flush(c);  // the answer to a ping
    return;
  }
  now_ = now_ns();
  const char* b = read_buffer_.data();
  const size_t size = kept + size_t(n);
  size_t done = 0;
  arrived_ = 0;
  while (size - done >= 2) {
    size_t at = done + 1, length = 0;
    const int got = read_length(b, size, at, length);
    if (got < 0) {
      ++results.malformed;
      lose(c, "malformed remaining length");
    }
    if (got <= 0 || size - at < length) break;
    packet(c, uint8_t(b[done]), {b + at, length});
    if (c.state == link::lost) break;
    done = at + length;
  }
  if (arrived_ > 0) state_.received.fetch_add(arrived_, std::memory_order_relaxed);
  if (c.state == link::lost) return;
  if (done < size) {
    c.partial.assign(b + done, size - done);
  } else if (kept > 0) {
    c.partial.clear();
    if (c.partial.capacity() > 65'536) c.partial.shrink_to_fit();
  }
  if (c.pub && phase_ == phase::publish) pump(c);
  if (c.backlog()) flush(c);
}

void worker::packet(client& c, uint8_t first, std::string_view body) {
  using enum mqtt::packet_type;
  const auto type = mqtt::packet_type(first >> 4);
  if (type == publish) return message(c, first & 15, body);
  if (type == connack && c.state == link::handshake) return handshake_done(c, body);
  if (type == suback) return subscribed(c, body);
  if (type == pingresp) return;
  if (type == disconnect) {
    const int code = body.empty() ? 0 : uint8_t(body[0]);
    return lose(c, "DISCONNECT from the broker, reason " + std::to_string(code));
  }
  if (body.size() < 2) {
    ++results.malformed;
  } else if (type == (options_.qos == 1 ? puback : pubcomp) && c.pub) {
    acknowledged(c, body);
  } else if (type == pubrec && body.size() > 2 && uint8_t(body[2]) >= 0x80 && c.pub) {
    acknowledged(c, body);  // refused: the exchange ends here [MQTT-4.3.3-4]
  } else if (type == pubrec) {
    answer(c, pubrel, body);
  } else if (type == pubrel) {
    answer(c, pubcomp, body);
  } else {
    ++results.malformed;
  }
}

void worker::message(client& c, uint8_t flags, std::string_view body) {
  const auto m = read_publish(flags, body, options_.version);
  if (!m) {
    ++results.malformed;
    return;
  }
  if (m->qos == 1) put_ack(mqtt::packet_type::puback, m->packet_id, c.out);
  if (m->qos == 2) put_ack(mqtt::packet_type::pubrec, m->packet_id, c.out);
  results.dup_flags += (flags & 8) != 0;
  const auto s = read_stamp(m->payload);
  if (!s || s->run != state_.run_id) {
    ++results.foreign;
    return;
  }
  const arrival a = c.in ? c.in->got(s->publisher, s->sequence) : arrival::not_for_this_receiver;
  if (a == arrival::not_for_this_receiver) {
    ++results.misrouted;
    return;
  }
  arrived_ += a == arrival::first;
  results.wrong_size += m->payload.size() != options_.payload_bytes;
  if (state_.times.counts(s->time_ns)) {
    results.delivery.add(now_ > s->time_ns ? now_ - s->time_ns : 0);
  }
}

void worker::acknowledged(client& c, std::string_view body) {
  publisher& p = *c.pub;
  if (p.in_flight() == 0) {
    ++results.malformed;
    return;
  }
  p.acks_out_of_turn += id_of(body) != publisher::packet_id_of(p.acknowledged);
  if (body.size() > 2 && uint8_t(body[2]) >= 0x80) p.refused.push_back(p.acknowledged);
  const uint64_t sent_at = p.sent_at[p.acknowledged % p.sent_at.size()];
  if (state_.times.counts(sent_at)) {
    results.acknowledge.add(now_ > sent_at ? now_ - sent_at : 0);
  }
  ++p.acknowledged;
  ++acknowledged_;
  --in_flight_;
}

void worker::answer(client& c, mqtt::packet_type with, std::string_view body) {
  put_ack(with, id_of(body), c.out);
}

void worker::handshake_done(client& c, std::string_view body) {
  const auto f = frame_of(mqtt::packet_type::connack, body);
  const auto result = mqtt::decode_connack(f, options_.version);
  const auto* ack = std::get_if<mqtt::connack>(&result);
  if (!ack) {
    ++results.malformed;
    return lose(c, "malformed CONNACK");
  }
  if (ack->code != mqtt::reason::success) {
    return lose(c, "refused: " + std::string(mqtt::to_string(ack->code)));
  }
  if (c.pub) {
    const uint32_t server = ack->props.receive_maximum.value_or(65'535);
    c.pub->window = std::min(options_.window, server);
  }
  c.state = link::ready;
  ++ready_;
  ++done_opening_;
  counters.last_ready_ns.store(now_, std::memory_order_relaxed);
}

void worker::subscribe_more(client& c) {
  subscriber& s = *c.sub;
  while (s.unanswered < s.window && s.asked < s.filters) {
    std::vector<std::string> filters;
    while (filters.size() < s.batch && s.asked < s.filters)
      filters.push_back(s.filter_of(s.asked++));
    mqtt::subscribe p;
    if (++s.packet_id == 0) s.packet_id = 1;
    p.packet_id = s.packet_id;
    for (const std::string& f : filters) p.entries.push_back({f, {options_.subscribe_qos}});
    mqtt::encode(p, options_.version, c.out);
    ++s.unanswered;
  }
  flush(c);
}

void worker::subscribed(client& c, std::string_view body) {
  const auto f = frame_of(mqtt::packet_type::suback, body);
  const auto result = mqtt::decode_suback(f, options_.version);
  const auto* ack = std::get_if<mqtt::suback>(&result);
  if (!ack || !c.sub || c.sub->unanswered == 0) {
    ++results.malformed;
    return;
  }
  --c.sub->unanswered;
  for (const mqtt::reason r : ack->codes) {
    if (uint8_t(r) < 0x80) {
      ++granted_;
      continue;
    }
    ++denied_;
    if (results.first_error.empty()) {
      results.first_error =
          "client " + c.id + ": SUBSCRIBE answered " + std::string(mqtt::to_string(r));
    }
  }
  counters.last_granted_ns.store(now_, std::memory_order_relaxed);
  subscribe_more(c);
}

}  // namespace dunlin::load
