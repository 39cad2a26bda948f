#include <algorithm>
#include <charconv>

#include "base/utf8.hpp"
#include "broker/api/json.hpp"
#include "broker/api/parameters.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

constexpr uint64_t wait_ms_max = 30'000;
constexpr uint64_t page_max = 1'000;

void fill(const operate::trace& from, Trace& to, uint64_t now_ms) {
  to.set_id(static_cast<uint32_t>(from.id()));
  to.set_client(clean(from.request().client_id));
  const uint64_t left = from.over(now_ms) ? 0 : from.ends_ms() - now_ms;
  to.set_seconds_left(static_cast<double>(left) / 1000);
  to.set_events_max(from.request().events_max);
  to.set_payload_bytes(from.request().payload_bytes);
  to.set_over(from.over(now_ms));
}

void fill(const operate::trace_event& from, bool payloads, TraceEvent& to) {
  to.set_number(static_cast<double>(from.number));
  to.set_at_ms(static_cast<double>(from.at_ms));
  to.set_what(from.what);
  to.set_packet(from.packet);
  to.set_topic(clean(from.topic));
  if (from.qos >= 0) to.set_qos(static_cast<uint32_t>(from.qos));
  to.set_retain(from.retain);
  to.set_dup(from.dup);
  to.set_packet_id(from.packet_id);
  to.set_bytes(static_cast<double>(from.bytes));
  to.set_reason(clean(from.reason));
  to.set_detail(clean(from.detail));
  if (!payloads || from.packet != "PUBLISH") return;
  if (clean(from.payload) == from.payload)
    to.set_payload(from.payload);
  else
    to.set_payload_base64(from.payload);
}

response as_json(const google::protobuf::Message& m, int status = 200) {
  return {status, "application/json", to_json(m)};
}

void start(const provider& p, const request& r, const respond& done) {
  constexpr const char* form = R"({"client": "c1", "secondsMax": 60, "payloadBytes": 0})";
  TraceRequest in;
  if (const auto wrong = from_json(r.body, in)) return done(error_response(400, *wrong, form));
  if (in.client().empty()) return done(error_response(400, "client is missing", form));
  if (!(in.seconds_max() >= 0 && in.seconds_max() <= 604'800))
    return done(error_response(400, "secondsMax goes from 1 to 604800", form));
  if (!(in.events_max() >= 0 && in.events_max() <= 1e6))
    return done(error_response(400, "eventsMax goes from 1 to 1000000", form));
  operate::trace_request q;
  q.client_id = in.client();
  if (in.seconds_max() > 0)
    q.milliseconds = std::max<uint64_t>(1, static_cast<uint64_t>(in.seconds_max() * 1000));
  q.events_max = in.events_max() > 0 ? static_cast<uint32_t>(in.events_max()) : 1'000'000;
  q.payload_bytes = in.payload_bytes();
  const auto t = p.start_trace(std::move(q));
  if (!t.ok()) {
    const bool twice = absl::IsAlreadyExists(t.status());
    return done(
        error_response(twice ? 409 : 429, std::string(t.status().message()),
                       "GET /api/v1/traces lists them; DELETE /api/v1/traces/{id} ends one"));
  }
  Trace out;
  fill(**t, out, p.monotonic_ms());
  done(as_json(out, 201));
}

operate::trace_ptr find(const provider& p, const request& r, uint64_t* id) {
  const std::string& text = r.parameters.at("id");
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), *id);
  if (ec != std::errc{} || end != text.data() + text.size()) return nullptr;
  return p.traces->get(*id);
}

response not_there() {
  return error_response(404, "there is no such trace", "GET /api/v1/traces lists them");
}

response page_of(const operate::trace& t, uint64_t after, size_t max, uint64_t now_ms) {
  const auto page = t.read(after, max, now_ms);
  TraceEvents out;
  for (const auto& e : page.events) fill(e, t.request().payload_bytes > 0, *out.add_events());
  out.set_next(static_cast<double>(page.next));
  out.set_lost(static_cast<double>(page.lost));
  out.set_over(page.over);
  return as_json(out);
}

void events(const std::shared_ptr<const provider>& p, const request& r, const respond& done) {
  parameters q(r);
  const uint64_t after = q.number("after", 0, 0, 1ull << 53);
  const uint64_t max = q.number("max", 100, 1, page_max);
  const uint64_t wait_ms = q.duration_ms("wait", 0, 0, wait_ms_max);
  q.nothing_else();
  if (q.wrong()) return done(error_response(400, *q.wrong()));
  uint64_t id = 0;
  const auto t = find(*p, r, &id);
  if (!t) return done(not_there());
  const auto answer = [p, t, after, max, done] {
    done(page_of(*t, after, max, p->monotonic_ms()));
  };
  const uint64_t now = p->monotonic_ms();
  if (wait_ms == 0 || t->over(now)) return answer();
  if (const uint64_t ticket = t->wait(after, now, answer))
    p->after(std::chrono::milliseconds(std::min(wait_ms, t->ends_ms() - now)),
             [t, ticket] { t->wake_up(ticket); });
}

}  // namespace

void add_traces(router& r, std::shared_ptr<const provider> p) {
  r.add("POST", "/api/v1/traces", [p](const request& q, respond done) { start(*p, q, done); });
  r.add("GET", "/api/v1/traces", [p](const request&, respond done) {
    Traces out;
    for (const auto& t : p->traces->all()) fill(*t, *out.add_traces(), p->monotonic_ms());
    done(as_json(out));
  });
  r.add("GET", "/api/v1/traces/{id}/events",
        [p](const request& q, respond done) { events(p, q, done); });
  r.add("DELETE", "/api/v1/traces/{id}", [p](const request& q, respond done) {
    uint64_t id = 0;
    if (!find(*p, q, &id) || !p->traces->end(id)) return done(not_there());
    Done out;
    out.set_count(1);
    done(as_json(out));
  });
}

}  // namespace dunlin::api
