#include "broker/config_settings.hpp"

#include "broker/access/crypto.hpp"
#include "broker/config_guard.hpp"
#include "broker/config_topics.hpp"

namespace dunlin {

namespace {

std::shared_ptr<const access::user_table> to_users(const config& c) {
  if (c.access().users_size() == 0) return nullptr;
  // One for the process: a reload must not change the salts that it makes.
  static const std::string secret = access::random_bytes(32);
  auto table = std::make_shared<access::user_table>(secret);
  for (const auto& u : c.access().users()) {
    if (!u.has_scram())
      table->add_password(u.name(), u.password());
    else if (auto v = access::parse_verifier(u.scram()))
      table->add_verifier(u.name(), std::move(*v));
  }
  return table;
}

mqtt_settings to_mqtt_settings(const config& c) {
  const auto& m = c.mqtt();
  return {m.response_topic_prefix(), m.server_reference(), m.server_moved(),
          m.validate_payload_format()};
}

}  // namespace

settings to_settings(const config& c) {
  settings s;
  s.limits = to_options(c);
  s.anonymous = c.access().anonymous();
  s.users = to_users(c);
  s.mqtt = to_mqtt_settings(c);
  s.guard = to_policy(c);
  s.topics = to_topic_settings(c);
  s.reactors_min = c.node().reactors_min();
  const auto& t = c.trace();
  s.trace = {t.traces_max(), t.seconds_max(), t.events_max(), t.bytes_max(), t.payload_bytes_max()};
  return s;
}

}  // namespace dunlin
