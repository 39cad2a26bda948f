#include "rules/rocketmq_convert.hpp"

#include <utility>

#include "rules/inflate.hpp"
#include "rules/rocketmq_limits.hpp"

namespace dunlin::rules {

namespace wire = apache::rocketmq::v2;

namespace {

// A body that a client compressed, uncompressed. Over: as it came.
constexpr size_t inflated_bytes_max = 16 << 20;

}  // namespace

void to_wire(queue_message m, const wire_batch& batch, wire::Message& out) {
  out.unsafe_arena_set_allocated_topic(batch.topic);
  for (auto& [name, value] : m.properties) {
    auto* p = out.add_user_properties();
    p->set_key(std::move(name));
    p->set_value(std::move(value));
  }
  auto* system = out.mutable_system_properties();
  if (!m.tag.empty()) system->set_tag(std::move(m.tag));
  for (auto& key : m.keys) system->add_keys(std::move(key));
  system->set_message_id(std::move(m.message_id));
  system->set_body_encoding(wire::IDENTITY);
  system->set_message_type(m.message_group.empty() ? wire::NORMAL : wire::FIFO);
  if (!m.message_group.empty()) system->set_message_group(wire_group(m.message_group));
  const int64_t born_ms = m.born_ms != 0 ? m.born_ms : batch.now_ms;
  auto* born = system->mutable_born_timestamp();
  born->set_seconds(born_ms / 1000);
  born->set_nanos(static_cast<int32_t>(born_ms % 1000) * 1'000'000);
  system->set_born_host(batch.born_host);
  out.set_body(std::move(m.body));
}

queue_message from_wire(wire::Message&& m) {
  queue_message out;
  out.body = std::move(*m.mutable_body());
  out.properties.reserve(static_cast<size_t>(m.user_properties_size()));
  // The server shows some of its own (__SHARDINGKEY), which no user set and none may send.
  for (auto& p : *m.mutable_user_properties())
    if (!reserved_property(p.key()))
      out.properties.emplace_back(std::move(*p.mutable_key()), std::move(*p.mutable_value()));
  auto& system = *m.mutable_system_properties();
  out.tag = std::move(*system.mutable_tag());
  out.keys.reserve(static_cast<size_t>(system.keys_size()));
  for (auto& key : *system.mutable_keys()) out.keys.push_back(std::move(key));
  out.message_group = std::move(*system.mutable_message_group());
  out.message_id = std::move(*system.mutable_message_id());
  out.born_ms =
      system.born_timestamp().seconds() * 1000 + system.born_timestamp().nanos() / 1'000'000;
  out.receipt = std::move(*system.mutable_receipt_handle());
  out.attempt = static_cast<uint32_t>(system.delivery_attempt());
  // The remoting clients compress large bodies; the proxy hands them on and calls it GZIP, be it
  // gzip or zlib.
  if (system.body_encoding() == wire::GZIP)
    if (auto body = inflate(out.body, inflated_bytes_max)) out.body = *std::move(body);
  return out;
}

}  // namespace dunlin::rules
