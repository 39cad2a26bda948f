#include "broker/config/check.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "broker/config/check_guard.hpp"
#include "broker/config/check_listeners.hpp"
#include "broker/config/check_mqtt.hpp"
#include "broker/config/check_rules.hpp"
#include "broker/config/check_topics.hpp"
#include "broker/config/checker.hpp"
#include "broker/config/value.hpp"

namespace dunlin::configuration {

namespace {

void check_cluster(const checker& k) {
  if (k.config.cluster().seeds_size() > 0)
    k.fault("cluster.seeds.0", "this version runs one node: it cannot join others",
            "remove cluster.seeds; cluster.listen is accepted and not used");
  if (k.config.cluster().has_listen()) {
    const auto at = parse_address(k.config.cluster().listen());
    if (!at || !is_literal(at->host))
      k.fault("cluster.listen",
              '"' + k.config.cluster().listen() + "\" is not an address to listen on",
              address_form);
  }
}

void check_rocketmq(const checker& k) {
  const auto& r = k.config.rocketmq();
  const auto at = parse_address(r.endpoint());
  if (!r.endpoint().empty() && (!at || at->port == 0))
    k.fault("rocketmq.endpoint", '"' + r.endpoint() + "\" is not host:port",
            "the address of RocketMQ's gRPC proxy, for example \"127.0.0.1:8081\"");
  if (r.access_key().empty() != r.secret_key().empty())
    k.fault(r.access_key().empty() ? "rocketmq.access_key" : "rocketmq.secret_key",
            "access_key and secret_key go together", "set both or neither");
}

void check_limits(const checker& k) {
  const auto& l = k.config.limits();
  if (l.output_low_bytes() >= l.output_high_bytes())
    k.fault(
        k.given("limits.output_low_bytes") ? "limits.output_low_bytes" : "limits.output_high_bytes",
        "output_low_bytes (" + std::to_string(l.output_low_bytes()) +
            ") must be below output_high_bytes (" + std::to_string(l.output_high_bytes()) + ")");
  if (l.payload_bytes_max() > l.packet_bytes_max())
    k.fault(k.given("limits.payload_bytes_max") ? "limits.payload_bytes_max"
                                                : "limits.packet_bytes_max",
            "payload_bytes_max (" + std::to_string(l.payload_bytes_max()) +
                ") is above packet_bytes_max (" + std::to_string(l.packet_bytes_max()) + ")");
}

}  // namespace

bool good_name(std::string_view s) {
  const auto alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  return s.size() <= 64 && std::any_of(s.begin(), s.end(), alphanumeric) &&
         std::all_of(s.begin(), s.end(),
                     [&](char c) { return alphanumeric(c) || c == '_' || c == '-'; });
}

void check_data_dir(const std::string& path, const place& where, faults& wrong) {
  namespace fs = std::filesystem;
  if (path.empty())
    return wrong.add(where, "node.data_dir", "is empty", "give a directory, for example ./data");
  std::error_code ec;
  fs::path at = fs::absolute(path, ec).lexically_normal();
  const bool there = fs::exists(fs::symlink_status(at, ec));
  while (!fs::exists(fs::symlink_status(at, ec)) && at.has_relative_path()) at = at.parent_path();
  const std::string told = (there ? "" : "cannot be created: ") + at.string();
  if (!fs::is_directory(at, ec))
    return wrong.add(where, "node.data_dir", told + " is not a directory",
                     "give another directory");
  if (access(at.c_str(), R_OK | W_OK | X_OK) != 0)
    wrong.add(where, "node.data_dir", told + " cannot be read and written: " + std::strerror(errno),
              "give this user the right to, or another directory");
}

void check(const proto::Config& c, const origins& from, const node& tree, faults& wrong,
           std::vector<std::string>& warnings) {
  const checker k{c, from, tree, wrong};
  if (!good_name(c.node().name()))
    k.fault("node.name", '"' + c.node().name() + "\" is not a name",
            "up to 64 of A-Z a-z 0-9 _ -, with a letter or digit");
  check_data_dir(c.node().data_dir(), k.where("node.data_dir"), wrong);
  check_listeners(k, warnings);
  check_cluster(k);
  check_rocketmq(k);
  check_rules(k);
  check_limits(k);
  check_access(k);
  check_mqtt(k);
  check_topics(k);
  if (!c.access().anonymous() && c.access().users_size() == 0)
    warnings.push_back(k.where("access.anonymous").to_string() +
                       ": access.anonymous: false refuses every client without a certificate: "
                       "access.users is empty");
  check_guard(k);
}

}  // namespace dunlin::configuration
