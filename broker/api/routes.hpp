// Every route of the node's HTTP API. Handlers stand by subject in health.cpp, rules.cpp and
// queues.cpp.
//
//   GET  /healthz /readyz /metrics /api/v1 /api/v1/node /api/v1/rules /api/v1/rules/{id}
//   GET  /api/v1/rules/{id}/dead-letters?max=N
//   GET  /api/v1/queues/{topic}/messages?group=G&max=N&wait=10s&invisible=30s     long poll;
//   numbers alone are ms POST /api/v1/queues/{topic}/messages   {"body": "on", "properties": {...}}
//   or {"messages": [...]} POST /api/v1/queues/{topic}/ack        {"group": "G", "receipts":
//   ["..."]} POST /api/v1/queues/{topic}/nack       the same, with "delayMs"
//   GET  /api/v1/bans    POST /api/v1/bans {"clientId": "c1", "seconds": 3600, "reason": "..."}
//   DELETE /api/v1/bans/{client_id|user_name|address}/{value}
//   POST /api/v1/reload                            reads the configuration again
//   POST /api/v1/traces  {"client": "c1", "secondsMax": 60}    GET: all of them
//   GET  /api/v1/traces/{id}/events?after=N&max=N&wait=10s      long poll    DELETE
//   /api/v1/traces/{id} GET  /api/v1/slow-subscribers?by=bytes&max=N    bytes, messages, latency,
//   behind, held, dropped GET  /api/v1/clients/{id}                       DELETE: disconnects it
//   (0x98)
#pragma once

#include <memory>

#include "broker/api/provider.hpp"
#include "broker/api/router.hpp"

namespace dunlin::api {

router make_routes(std::shared_ptr<const provider> p);

// By subject.
void add_health(router& r, std::shared_ptr<const provider> p);
void add_rules(router& r, std::shared_ptr<const provider> p);
void add_dead_letters(router& r, std::shared_ptr<const provider> p);
void add_bans(router& r, std::shared_ptr<const provider> p);
void add_topics(router& r, std::shared_ptr<const provider> p);
void add_queues(router& r, std::shared_ptr<const provider> p);
void add_reload(router& r, std::shared_ptr<const provider> p);
void add_traces(router& r, std::shared_ptr<const provider> p);
void add_clients(router& r, std::shared_ptr<const provider> p);

}  // namespace dunlin::api
