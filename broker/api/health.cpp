#include "base/version.hpp"
#include "broker/api/json.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

constexpr const char* index_page =
    "{\"paths\": [\"/api/v1/bans\", \"/healthz\", \"/readyz\", \"/metrics\", \"/api/v1/node\", "
    "\"/api/v1/rules\", "
    "\"/api/v1/rules/{id}\", "
    "\"/api/v1/queues/{topic}/messages\", \"/api/v1/queues/{topic}/ack\", "
    "\"/api/v1/queues/{topic}/nack\", \"/api/v1/reload\", "
    "\"/api/v1/traces\", \"/api/v1/traces/{id}\", \"/api/v1/traces/{id}/events\", "
    "\"/api/v1/slow-subscribers\", \"/api/v1/clients/{id}\"]}\n";

response ready(const provider& p) {
  Health h;
  for (const auto& reason : p.not_ready()) h.add_reasons(clean(reason));
  const bool good = h.reasons().empty();
  h.set_status(good ? "ready" : "not ready");
  return {good ? 200 : 503, "application/json", to_json(h)};
}

double threshold(uint64_t n) { return n == ~0ull ? 0 : static_cast<double>(n); }

void fill(const guard::load_facts& from, Overload& to) {
  to.set_state(to_string(from.state.level));
  to.set_cause(to_string(from.state.cause));
  to.set_memory_bytes(static_cast<double>(from.memory_bytes));
  to.set_memory_high_bytes(threshold(from.memory_high_bytes));
  to.set_memory_critical_bytes(threshold(from.memory_critical_bytes));
  to.set_reactor_lag_ms(static_cast<double>(from.lag_ms));
  to.set_reactor_lag_max_ms(static_cast<double>(from.lag_max_ms));
}

response show_node(const provider& p) {
  const auto facts = p.node();
  Node n;
  n.set_name(clean(facts.name));
  n.set_version(std::string(version));
  n.set_uptime_s(facts.uptime_s);
  n.set_connections(static_cast<double>(facts.connections));
  n.set_sessions(static_cast<double>(facts.sessions));
  n.set_subscriptions(static_cast<double>(facts.subscriptions));
  n.set_retained_messages(static_cast<double>(facts.retained_messages));
  n.set_reactors(facts.reactors);
  n.set_reactors_in_use(static_cast<uint32_t>(facts.reactors_in_use));
  if (p.load) fill(p.load->facts(), *n.mutable_overload());
  n.set_state(p.not_ready().empty() ? "ready" : "not ready");
  return {200, "application/json", to_json(n)};
}

}  // namespace

void add_health(router& r, std::shared_ptr<const provider> p) {
  r.add("GET", "/healthz", [](const request&, respond done) {  // it answers: the process lives
    Health h;
    h.set_status("ok");
    done({200, "application/json", to_json(h)});
  });
  r.add("GET", "/readyz", [p](const request&, respond done) { done(ready(*p)); });
  r.add("GET", "/metrics", [p](const request&, respond done) {
    p->rule_statuses([p, done](std::vector<rules::rule_status> all) {
      done({200, "text/plain; version=0.0.4; charset=utf-8", p->metrics(all)});
    });
  });
  r.add("GET", "/api/v1/node", [p](const request&, respond done) { done(show_node(*p)); });
  r.add("GET", "/api/v1", [](const request&, respond done) {
    done({200, "application/json", index_page});
  });
}

router make_routes(std::shared_ptr<const provider> p) {
  router r;
  add_health(r, p);
  add_rules(r, p);
  add_dead_letters(r, p);
  add_topics(r, p);
  add_queues(r, p);
  add_bans(r, p);
  add_reload(r, p);
  add_traces(r, p);
  add_clients(r, p);
  return r;
}

}  // namespace dunlin::api
