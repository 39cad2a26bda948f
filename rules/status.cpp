#include "rules/status.hpp"

#include <memory>
#include <utility>

#include "rules/json.hpp"
#include "rules/record.hpp"
#include "rules/told.hpp"

namespace dunlin::rules {
namespace {

using status_impl = status_actor::extend<caf::reacts_to<progress>>;

struct status_state {
  static inline const char* name = "status";
  std::unique_ptr<driver> run;
};
using self_ptr = told<status_impl::stateful_base<status_state>>*;

void on_event(self_ptr self, const client_event& e) {
  auto body = status_json(e);
  device_message m;
  m.topic = event_type(e.kind);
  m.payload = body;
  m.client_id = e.client_id;
  m.born_ms = e.time_ms;
  std::string record;
  append_record(m, record);
  self->state.run->store(std::move(record), 1, [](ec) {});
}

status_impl::behavior_type status(self_ptr self, std::shared_ptr<driver_config> config) {
  self->state.run = std::make_unique<driver>(self, std::move(*config));
  return {
      [self](const client_event& e) { on_event(self, e); },
      [self](const describe&) { return self->state.run->status(); },
      [self](const stop&) {
        self->state.run->stop();
        if (self->state.run->done()) self->quit();
      },
      [self](const progress& p) {
        self->state.run->handle(p);
        if (self->state.run->done()) self->quit();
      },
  };
}

}  // namespace

std::string_view event_type(client_event_kind kind) {
  switch (kind) {
    case client_event_kind::connect:
      return "connect";
    case client_event_kind::disconnect:
      return "disconnect";
    case client_event_kind::tcpclean:
      return "tcpclean";
  }
  return "unknown";
}

std::string status_json(const client_event& e) {
  std::string json = "{\"clientId\":";
  append_json_string(json, e.client_id);
  json += ",\"channelId\":";
  append_json_string(json, e.channel_id);
  json += ",\"clientIp\":";
  append_json_string(json, e.client_ip);
  json += ",\"eventType\":";
  append_json_string(json, event_type(e.kind));
  json += ",\"time\":" + std::to_string(e.time_ms) + '}';
  return json;
}

status_actor spawn_status(caf::actor_system& system, driver_config config) {
  config.options.kind = record_kind::event;
  return system.spawn(status, std::make_shared<driver_config>(std::move(config)));
}

}  // namespace dunlin::rules
