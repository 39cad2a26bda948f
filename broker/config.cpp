#include "broker/config.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "broker/config/check.hpp"
#include "broker/config/fill.hpp"
#include "broker/config/override.hpp"
#include "broker/config/value.hpp"
#include "broker/config/yaml.hpp"

namespace dunlin {

namespace conf = configuration;

namespace {

absl::StatusOr<std::string> read_file(const std::string& path) {
  const auto fault = [&](const std::string& what, const std::string& hint) {
    return absl::InvalidArgumentError(path + ": " + what + ". Hint: " + hint);
  };
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) return fault("is a directory", "name a file");
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fault(std::string("cannot be read: ") + std::strerror(errno),
                 "give its name with --config FILE");
  std::string text(config_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > config_bytes_max)
    return fault("is over " + std::to_string(config_bytes_max) + " bytes", "name a configuration");
  return text;
}

// Without any listener given there is one, and the environment and --set can change it.
void add_default_listener(conf::node& tree) {
  if (tree.what == conf::node::kind::null) tree.what = conf::node::kind::map;
  const conf::node* given = tree.find("listeners");
  if (tree.what != conf::node::kind::map ||
      (given != nullptr && given->what != conf::node::kind::null))
    return;
  conf::faults none;
  conf::node standard = conf::parse_yaml("[{name: tcp, address: 127.0.0.1:1883}]", "default", none);
  for (auto& [key, value] : standard.members[0].second.members) value.where = {"default"};
  if (conf::node* at = tree.find("listeners"))
    *at = std::move(standard);
  else
    tree.members.emplace_back("listeners", std::move(standard));
}

struct preset_value {
  const char* key;
  uint32_t value;
};
// What the product documents; features that it lacks (retained messages, shared subscriptions) stay
// on.
constexpr preset_value product[] = {
    {"topic_bytes_max", 64},         {"client_id_bytes_max", 64},
    {"client_id_v31_max", 64},       {"payload_bytes_max", 64 << 10},
    {"packet_bytes_max", 128 << 10}, {"subscriptions_per_client_max", 30},
    {"keep_alive_max_s", 480},       {"session_expiry_max_s", 3 * 24 * 3600},
};

void apply_preset(config& c, conf::origins& from) {
  if (c.limits().preset() != proto::Limits::PRODUCT) return;
  auto& limits = *c.mutable_limits();
  for (const auto& p : product) {
    const auto* field = proto::Limits::descriptor()->FindFieldByName(p.key);
    if (limits.GetReflection()->HasField(limits, field)) continue;
    limits.GetReflection()->SetUInt32(&limits, field, p.value);
    from[std::string("limits.") + p.key] = {"limits.preset: product"};
  }
}

}  // namespace

absl::StatusOr<loaded_config> parse_config(const std::string& text, const config_source& from) {
  loaded_config out;
  conf::faults wrong;
  conf::origins where;
  conf::node tree = conf::parse_yaml(text, from.file.empty() ? "default" : from.file, wrong);
  if (!wrong.empty()) return wrong.status();
  add_default_listener(tree);
  const auto& schema = *config::descriptor();
  conf::apply_environment(from.environment, schema, tree, wrong, out.warnings);
  conf::apply_settings(from.settings, schema, tree, wrong);
  conf::fill(tree, out.values, where, wrong);
  if (!wrong.empty()) return wrong.status();
  apply_preset(out.values, where);
  conf::check(out.values, where, tree, wrong, out.warnings);
  if (!wrong.empty()) return wrong.status();
  for (const auto& [key, place] : where)
    if (place.source != "default") out.origins[key] = place.to_string();
  out.file = from.file;
  out.source = from;
  return out;
}

absl::StatusOr<loaded_config> load_config(const config_source& from) {
  if (from.file.empty()) return parse_config("", from);
  auto text = read_file(from.file);
  if (!text.ok()) return text.status();
  return parse_config(*text, from);
}

std::string place_of(const loaded_config& c, absl::string_view message) {
  const std::string key(message.substr(0, message.find(':')));
  if (auto it = c.origins.find(key); it != c.origins.end()) return it->second;
  return c.file.empty() ? "defaults" : c.file;
}

socket_address to_socket_address(const std::string& text) {
  const auto a = conf::parse_address(text);
  return a ? socket_address{a->host, a->port} : socket_address{};
}

options to_options(const config& c) {
  const auto& l = c.limits();
  options o;
  o.connections_max = l.connections_max();
  o.connect_timeout_ms = l.connect_timeout_ms();
  o.packet_bytes_max = l.packet_bytes_max();
  o.keep_alive_max_s = l.keep_alive_max_s();
  o.topic_levels_max = l.topic_levels_max();
  o.topic_bytes_max = l.topic_bytes_max();
  o.client_id_bytes_max = l.client_id_bytes_max();
  o.client_id_v31_max = l.client_id_v31_max();
  o.subscriptions_per_client_max = l.subscriptions_per_client_max();
  o.payload_bytes_max = l.payload_bytes_max();
  o.qos_max = static_cast<uint8_t>(l.qos_max());
  o.retain_available = l.retain_available();
  o.wildcard_available = l.wildcard_available();
  o.shared_available = l.shared_available();
  o.inflight_max = static_cast<uint16_t>(l.inflight_max());
  o.receive_max = static_cast<uint16_t>(l.receive_max());
  o.topic_alias_max = static_cast<uint16_t>(l.topic_alias_max());
  o.topic_alias_bytes_max = l.topic_alias_bytes_max();
  o.topic_alias_client_max = static_cast<uint16_t>(l.topic_alias_client_max());
  o.queue_messages_max = l.queue_messages_max();
  o.queue_bytes_max = l.queue_bytes_max();
  o.queue_qos0 = l.queue_qos0();
  o.session_expiry_max_s = l.session_expiry_max_s();
  o.offline_sessions_max = l.offline_sessions_max();
  o.output_high_bytes = l.output_high_bytes();
  o.output_low_bytes = l.output_low_bytes();
  o.mailbox_messages_max = l.mailbox_messages_max();
  o.slow_grace_ms = l.slow_grace_ms();
  o.receivers_at_once_max = l.receivers_at_once_max();
  o.batches_outstanding_max = l.batches_outstanding_max();
  o.rule_timeout_ms = l.rule_timeout_ms();
  o.retained_messages_max = l.retained_messages_max();
  o.retained_bytes_max = l.retained_bytes_max();
  o.sys_interval_s = l.sys_interval_s();
  o.client_messages_per_s = l.client_messages_per_s();
  o.client_bytes_per_s = l.client_bytes_per_s();
  o.rate_burst_ms = l.rate_burst_ms();
  o.rate_patience_ms = l.rate_patience_ms();
  o.rate_disconnects = l.rate_answer() == proto::Limits::DISCONNECT;
  o.listener_connections_max = l.listener_connections_max();
  o.listener_connects_per_s = l.listener_connects_per_s();
  o.listener_messages_per_s = l.listener_messages_per_s();
  o.listener_bytes_per_s = l.listener_bytes_per_s();
  o.delayed_messages_max = l.delayed_messages_max();
  o.delayed_bytes_max = l.delayed_bytes_max();
  o.delayed_seconds_max = l.delayed_seconds_max();
  return o;
}

}  // namespace dunlin
