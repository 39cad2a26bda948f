#include "broker/api/json.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

void fill(const rules::rule_status& from, Rule& to) {
  to.set_id(clean(from.id));
  to.set_type(clean(from.type));
  to.set_topic(clean(from.topic));
  to.set_queue(clean(from.queue));
  to.set_group(clean(from.group));
  to.set_state(clean(from.state));
  to.set_taken(static_cast<double>(from.taken));
  to.set_sent(static_cast<double>(from.sent));
  to.set_refused(static_cast<double>(from.refused));
  to.set_dead_letters(static_cast<double>(from.dead_letters));
  to.set_expired(static_cast<double>(from.expired));
  to.set_rate(from.rate);
  to.set_lag(static_cast<double>(from.lag));
  to.set_oldest_ms(static_cast<double>(from.oldest_ms));
  to.set_spool_bytes(static_cast<double>(from.spool_bytes));
  to.set_last_error(clean(from.last_error));
  to.set_last_error_ms(static_cast<double>(from.last_error_ms));
}

response show_all(const std::vector<rules::rule_status>& all) {
  Rules out;
  for (const auto& r : all) fill(r, *out.add_rules());
  return {200, "application/json", to_json(out)};
}

response show_one(const std::vector<rules::rule_status>& all, const std::string& id) {
  for (const auto& r : all) {
    if (r.id != id) continue;
    Rule out;
    fill(r, out);
    return {200, "application/json", to_json(out)};
  }
  return error_response(404, "there is no rule \"" + id + "\"", "GET /api/v1/rules lists them");
}

}  // namespace

void add_rules(router& r, std::shared_ptr<const provider> p) {
  r.add("GET", "/api/v1/rules", [p](const request&, respond done) {
    p->rule_statuses([done](std::vector<rules::rule_status> all) { done(show_all(all)); });
  });
  r.add("GET", "/api/v1/rules/{id}", [p](const request& q, respond done) {
    p->rule_statuses([done, id = q.parameters.at("id")](std::vector<rules::rule_status> all) {
      done(show_one(all, id));
    });
  });
}

}  // namespace dunlin::api
