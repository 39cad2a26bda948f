// What rules could not hand on: the message and the reason.
#include "broker/api/json.hpp"
#include "broker/api/parameters.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"
#include "rules/record.hpp"

namespace dunlin::api {

namespace {

void fill(const rules::dead_letter& from, DeadLetter& to) {
  to.set_time_ms(static_cast<double>(from.time_ms));
  to.set_reason(clean(from.reason));
  to.set_code(from.code);
  std::string_view records = from.record;
  rules::device_message m;
  if (rules::next_record(records, m) != rules::record_walk::record) {
    to.set_body_base64(from.record);
    return;
  }
  to.set_topic(clean(m.topic));
  to.set_client_id(clean(m.client_id));
  to.set_qos(m.qos);
  to.set_born_ms(static_cast<double>(m.born_ms));
  for (const auto& [k, v] : m.user_properties) (*to.mutable_properties())[clean(k)] = clean(v);
  set_body(m.payload, to);
}

response show(const absl::StatusOr<std::vector<rules::dead_letter>>& letters) {
  if (!letters.ok()) {
    const std::string why(letters.status().message());
    return absl::IsNotFound(letters.status())
               ? error_response(404, why, "GET /api/v1/rules lists them")
               : error_response(503, why, "try again");
  }
  DeadLetters out;
  for (const auto& l : *letters) fill(l, *out.add_dead_letters());
  return {200, "application/json", to_json(out)};
}

}  // namespace

void add_dead_letters(router& r, std::shared_ptr<const provider> p) {
  r.add("GET", "/api/v1/rules/{id}/dead-letters", [p](const request& q, respond done) {
    parameters in(q);
    const auto max = in.number("max", 100, 1, 1000);
    in.nothing_else();
    if (in.wrong()) return done(error_response(400, *in.wrong()));
    p->dead_letters(q.parameters.at("id"), max,
                    [done = std::move(done)](auto letters) { done(show(letters)); });
  });
}

}  // namespace dunlin::api
