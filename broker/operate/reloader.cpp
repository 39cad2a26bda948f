#include "broker/operate/reloader.hpp"

#include <sstream>

#include "broker/operate/config_diff.hpp"

namespace dunlin::operate {
namespace {

std::vector<std::string> lines(absl::string_view text) {
  std::vector<std::string> out;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) out.push_back(line);
  return out;
}

changes only(const changes& all, bool restart) {
  changes out;
  for (const auto& c : all)
    if ((c.when == in_force::after_restart) == restart) out.push_back(c);
  return out;
}

}  // namespace

reload_outcome reloader::run(const apply& put_in_force) {
  reload_outcome o;
  o.file = started_.source.file;
  auto wanted = load_config(started_.source);
  if (!wanted.ok()) {
    o.faults = lines(wanted.status().message());
    return o;
  }
  o.warnings = wanted->warnings;
  auto changed = only(compare(now_.values, wanted->values), false);
  for (const auto& fault : put_in_force(wanted->values, changed))
    o.faults.push_back(place_of(*wanted, fault) + ": " + fault);
  if (!o.faults.empty()) return o;
  o.changed = std::move(changed);
  o.needs_restart = only(compare(started_.values, wanted->values), true);
  now_ = std::move(*wanted);
  return o;
}

}  // namespace dunlin::operate
