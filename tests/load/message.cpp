#include "tests/load/message.hpp"

#include "broker/mqtt/encode.hpp"

namespace dunlin::load {

publish_template::publish_template(std::string_view topic, const form& f) {
  std::string payload(f.payload_bytes, 'x');
  const stamp s{f.run, f.publisher, 0, 0};
  std::memcpy(payload.data(), &s, sizeof s);
  mqtt::publish p;
  p.topic = topic;
  p.payload = payload;
  p.qos = f.qos;
  p.retain = f.retain;
  p.packet_id = f.qos == 0 ? 0 : 1;
  mqtt::encode(p, f.version, bytes_);
  payload_at_ = bytes_.size() - f.payload_bytes;
  const size_t properties = f.version == mqtt::version::v5 ? 1 : 0;  // their length, 0
  if (f.qos != 0) packet_id_at_ = payload_at_ - properties - 2;
}

}  // namespace dunlin::load
