// Bans: who may not connect.
#include <cmath>

#include "broker/api/json.hpp"
#include "broker/api/parameters.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

using guard::ban_kind;

constexpr const char* form =
    R"(send {"clientId": "c1", "seconds": 3600, "reason": "..."}; or userName, or address)";
constexpr double year_9999_ms = 253402300799000.0;

void fill(const guard::ban& from, Ban& to) {
  const std::string value = clean(from.value);
  if (from.kind == ban_kind::client_id)
    to.set_client_id(value);
  else if (from.kind == ban_kind::user_name)
    to.set_user_name(value);
  else
    to.set_address(value);
  to.set_reason(clean(from.reason));
  to.set_by(clean(from.by));
  to.set_since_ms(static_cast<double>(from.since_ms));
  to.set_until_ms(static_cast<double>(from.until_ms));
  to.set_source(to_string(from.source));
}

response from_status(const absl::Status& s) {
  switch (s.code()) {
    case absl::StatusCode::kNotFound:
      return error_response(404, std::string(s.message()), "GET /api/v1/bans lists them");
    case absl::StatusCode::kFailedPrecondition:
      return error_response(409, std::string(s.message()));
    case absl::StatusCode::kInvalidArgument:
      return error_response(400, std::string(s.message()), form);
    case absl::StatusCode::kResourceExhausted:
      return error_response(507, std::string(s.message()), "remove some, or raise guard.bans_max");
    default:
      return error_response(
          500, "in force, but not stored: a restart forgets it: " + std::string(s.message()));
  }
}

// What is wrong with it, or nothing.
std::optional<std::string> read(const Ban& in, int64_t now_ms, guard::ban& out) {
  if (in.has_client_id() + in.has_user_name() + in.has_address() != 1)
    return "a ban is about one of clientId, userName and address";
  out.kind = in.has_client_id()   ? ban_kind::client_id
             : in.has_user_name() ? ban_kind::user_name
                                  : ban_kind::address;
  out.value = in.has_client_id()   ? in.client_id()
              : in.has_user_name() ? in.user_name()
                                   : in.address();
  if (out.value.size() > 65'535 || in.reason().size() > 1'000 || in.by().size() > 1'000)
    return "names up to 65535 bytes, reason and by up to 1000";
  if (!(in.seconds() >= 0 && in.until_ms() >= 0 && in.until_ms() <= year_9999_ms &&
        in.seconds() * 1000 <= year_9999_ms - static_cast<double>(now_ms)))
    return "seconds and untilMs are not negative, and end before the year 10000";
  if (in.seconds() > 0 && in.until_ms() > 0) return "give seconds or untilMs, not both";
  out.reason = in.reason();
  out.by = in.by();
  out.since_ms = now_ms;
  out.until_ms =
      in.seconds() > 0 ? now_ms + std::llround(in.seconds() * 1000) : std::llround(in.until_ms());
  out.source = guard::ban_source::api;
  return {};
}

void list(const provider& p, const respond& done) {
  Bans out;
  const int64_t now = p.now_ms();
  for (const auto& b : p.bans->all())
    if (!b.over(now)) fill(b, *out.add_bans());
  done({200, "application/json", to_json(out)});
}

void add(const provider& p, const request& r, const respond& done) {
  Ban in;
  if (const auto wrong = from_json(r.body, in)) return done(error_response(400, *wrong, form));
  guard::ban b;
  if (const auto wrong = read(in, p.now_ms(), b)) return done(error_response(400, *wrong, form));
  const auto normal = guard::ban_list::normal_value(b.kind, b.value);
  if (normal) b.value = *normal;
  Ban told;
  fill(b, told);
  p.bans->add(b, [done, told](absl::Status s) {
    done(s.ok() ? response{201, "application/json", to_json(told)} : from_status(s));
  });
}

void remove(const provider& p, const request& r, const respond& done) {
  const std::string& name = r.parameters.at("kind");
  for (const auto k : {ban_kind::client_id, ban_kind::user_name, ban_kind::address})
    if (name == to_string(k))
      return p.bans->remove(k, r.parameters.at("value"), [done](absl::Status s) {
        done(s.ok() ? response{200, "application/json", "{}\n"} : from_status(s));
      });
  done(error_response(404, "\"" + name + "\" is no kind of ban",
                      "/api/v1/bans/client_id/ID, .../user_name/NAME or .../address/10.0.0.0%2F8"));
}

}  // namespace

void add_bans(router& r, std::shared_ptr<const provider> p) {
  if (p->bans == nullptr) return;
  r.add("GET", "/api/v1/bans", [p](const request&, respond done) { list(*p, done); });
  r.add("POST", "/api/v1/bans", [p](const request& q, respond done) { add(*p, q, done); });
  r.add("DELETE", "/api/v1/bans/{kind}/{value}",
        [p](const request& q, respond done) { remove(*p, q, done); });
}

}  // namespace dunlin::api
