#include "broker/api/json.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

void fill(const operate::change& from, Change& to) {
  to.set_key(clean(from.key));
  to.set_from(clean(from.from));
  to.set_to(clean(from.to));
  to.set_in_force(operate::to_string(from.when));
}

response told(const operate::reload_outcome& o) {
  if (!o.faults.empty()) {
    Faults f;
    f.set_error("the configuration has faults; nothing was changed");
    f.set_hint("mend what is listed and reload again");
    for (const auto& line : o.faults) f.add_faults(clean(line));
    return {422, "application/json", to_json(f)};
  }
  Reloaded r;
  r.set_file(clean(o.file));
  for (const auto& c : o.changed) fill(c, *r.add_changed());
  for (const auto& c : o.needs_restart) fill(c, *r.add_needs_restart());
  for (const auto& w : o.warnings) r.add_warnings(clean(w));
  return {200, "application/json", to_json(r)};
}

}  // namespace

void add_reload(router& r, std::shared_ptr<const provider> p) {
  r.add("POST", "/api/v1/reload", [p](const request&, respond done) {
    p->reload([done](const operate::reload_outcome& o) { done(told(o)); });
  });
}

}  // namespace dunlin::api
