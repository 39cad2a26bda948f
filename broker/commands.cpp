#include "broker/commands.hpp"

#include <iostream>

#include "broker/api/http_client.hpp"
#include "broker/api/json.hpp"
#include "proto/api.pb.h"

namespace dunlin {
namespace {

constexpr std::chrono::milliseconds answer_max{30'000};
constexpr int ok = 0, failed = 1, wrong_configuration = 2;

// The answer, or nothing after telling why there is none.
std::optional<api::http_reply> ask(const node_command& c, const std::string& method,
                                   const std::string& path, const std::string& body = {}) {
  const auto to = api::parse_url(c.url);
  if (!to.ok()) {
    std::cerr << std::string(to.status().message()) << '\n';
    return {};
  }
  auto reply = api::call(*to, method, path, body, answer_max);
  if (!reply.ok()) {
    std::cerr << std::string(reply.status().message()) << '\n';
    return {};
  }
  return std::move(*reply);
}

int refused(const api::http_reply& r) {
  api::Error e;
  if (api::from_json(r.body, e))
    std::cerr << "the node answered " << r.status << '\n';
  else
    std::cerr << e.error() << (e.hint().empty() ? "" : ". Hint: " + e.hint()) << '\n';
  return failed;
}

void print_changes(const google::protobuf::RepeatedPtrField<api::Change>& changes) {
  for (const auto& c : changes)
    std::cout << "  " << c.key() << ": " << (c.from().empty() ? "(none)" : c.from()) << " -> "
              << (c.to().empty() ? "(none)" : c.to()) << "  (" << c.in_force() << ")\n";
}

}  // namespace

int reload_node(const node_command& c) {
  const auto reply = ask(c, "POST", "/api/v1/reload");
  if (!reply) return failed;
  if (c.json && (reply->status == 200 || reply->status == 422)) {
    std::cout << reply->body;
    return reply->status == 200 ? ok : wrong_configuration;
  }
  if (reply->status == 422) {
    api::Faults f;
    api::from_json(reply->body, f);
    for (const auto& line : f.faults()) std::cerr << line << '\n';
    std::cerr << f.error() << '\n';
    return wrong_configuration;
  }
  api::Reloaded r;
  if (reply->status != 200 || api::from_json(reply->body, r)) return refused(*reply);
  for (const auto& w : r.warnings()) std::cerr << "warning: " << w << '\n';
  std::cout << (r.file().empty() ? "reloaded" : "reloaded " + r.file()) << ": " << r.changed_size()
            << " changed, " << r.needs_restart_size() << " need a restart of the node\n";
  print_changes(r.changed());
  print_changes(r.needs_restart());
  return ok;
}

}  // namespace dunlin
