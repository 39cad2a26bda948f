// One client, and those that are behind.
#include "broker/api/json.hpp"
#include "broker/api/parameters.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

void fill(const operate::slow_subscriber& from, SlowSubscriber& to) {
  to.set_client(clean(from.client_id));
  to.set_address(clean(from.address));
  to.set_unsent_bytes(static_cast<double>(from.unsent_bytes));
  to.set_queued_messages(static_cast<double>(from.queued_messages));
  to.set_queued_bytes(static_cast<double>(from.queued_bytes));
  to.set_in_flight(static_cast<double>(from.in_flight));
  to.set_latency_ms(static_cast<double>(from.latency_ms));
  to.set_behind_ms(static_cast<double>(from.behind_ms));
  to.set_held(static_cast<double>(from.held));
  to.set_dropped(static_cast<double>(from.dropped));
  to.set_slow(from.slow);
}

response shown(const operate::session_facts& f) {
  Client c;
  c.set_client(clean(f.client_id));
  c.set_connected(f.connected);
  c.set_address(clean(f.address));
  c.set_listener(clean(f.listener));
  c.set_user(clean(f.user));
  c.set_version(f.version);
  c.set_keep_alive_s(static_cast<double>(f.keep_alive_s));
  c.set_session_expiry_s(static_cast<double>(f.session_expiry_s));
  c.set_subscriptions(static_cast<double>(f.subscriptions));
  c.set_queued_messages(static_cast<double>(f.queued_messages));
  c.set_queued_bytes(static_cast<double>(f.queued_bytes));
  c.set_in_flight(static_cast<double>(f.in_flight));
  c.set_unsent_bytes(static_cast<double>(f.unsent_bytes));
  c.set_held(f.held);
  c.set_holds_publishers(f.holds_publishers);
  c.set_slow(f.slow);
  return {200, "application/json", to_json(c)};
}

constexpr std::pair<const char*, operate::rank> ranks[] = {
    {"bytes", operate::rank::bytes},     {"messages", operate::rank::messages},
    {"latency", operate::rank::latency}, {"behind", operate::rank::behind},
    {"held", operate::rank::held},       {"dropped", operate::rank::dropped}};

void slow(const provider& p, const request& r, const respond& done) {
  request rest = r;  // `by` is a word, which parameters does not know
  const auto given = rest.query.extract("by");
  const std::string by = given.empty() ? "bytes" : given.mapped();
  parameters q(rest);
  const uint64_t most = q.number("max", 20, 1, 1000);
  q.nothing_else();
  if (q.wrong()) return done(error_response(400, *q.wrong()));
  for (const auto& [name, rank] : ranks) {
    if (by != name) continue;
    return p.slow_subscribers(rank, most, [done, by](const auto& worst) {
      SlowSubscribers out;
      out.set_by(by);
      for (const auto& s : worst) fill(s, *out.add_subscribers());
      done({200, "application/json", to_json(out)});
    });
  }
  done(error_response(400, "nothing is ranked by " + by,
                      "bytes, messages, latency, behind, held or dropped"));
}

// Asks for a client and goes on where there is one.
void with_client(const provider& p, const request& r, const respond& done,
                 std::function<void(const operate::session_facts&)> go_on) {
  const std::string& id = r.parameters.at("id");
  p.client(id, [id, done, go_on = std::move(go_on)](std::optional<operate::session_facts> f) {
    if (!f) return done(error_response(503, "the node did not answer in time", "try again"));
    if (!f->found) return done(error_response(404, "there is no session of client \"" + id + "\""));
    go_on(*f);
  });
}

}  // namespace

void add_clients(router& r, std::shared_ptr<const provider> p) {
  r.add("GET", "/api/v1/slow-subscribers",
        [p](const request& q, respond done) { slow(*p, q, done); });
  r.add("GET", "/api/v1/clients/{id}", [p](const request& q, respond done) {
    with_client(*p, q, done, [done](const auto& f) { done(shown(f)); });
  });
  r.add("DELETE", "/api/v1/clients/{id}", [p](const request& q, respond done) {
    with_client(*p, q, done, [p, done](const operate::session_facts& f) {
      if (f.connected) p->disconnect_client(f.client_id, "disconnected by an operator");
      Done out;
      out.set_count(f.connected ? 1 : 0);
      done({200, "application/json", to_json(out)});
    });
  });
}

}  // namespace dunlin::api
