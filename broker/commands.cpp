#include "broker/commands.hpp"

#include <iostream>

#include "broker/command_ask.hpp"

namespace dunlin {

using namespace commands;

namespace {

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
