#include "broker/backend.hpp"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <caf/all.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <future>

#include "base/log.hpp"
#include "broker/config_rules.hpp"
#include "broker/spawn_function.hpp"
#include "rules/embedded_queue.hpp"
#include "rules/rocketmq_queue.hpp"

namespace dunlin {
namespace {

std::shared_ptr<rules::message_queue> make_rocketmq(const config& c) {
  rules::rocketmq_options o;
  o.endpoint = c.rocketmq().endpoint();
  o.access_key = c.rocketmq().access_key();
  o.secret_key = c.rocketmq().secret_key();
  o.batch_full = c.rocketmq().batch() == proto::Rocketmq::FULL;
  o.request_timeout = std::chrono::milliseconds(c.rocketmq().request_timeout_ms());
  return rules::make_rocketmq_queue(o);
}

absl::StatusOr<std::shared_ptr<rules::message_queue>> make_embedded(const config& c) {
  rules::embedded_queue_options o;
  o.path = c.node().data_dir() + "/queue";
  o.messages_max = c.embedded_queue().messages_max();
  o.unacked_max = c.embedded_queue().unacked_max();
  o.bytes_max = c.embedded_queue().bytes_max();
  o.retention = std::chrono::duration_cast<decltype(o.retention)>(
      std::chrono::seconds(c.embedded_queue().retention_s()));
  using sync = decltype(o.sync);
  o.sync = c.store().sync() == proto::Store::ALWAYS     ? sync::always
           : c.store().sync() == proto::Store::INTERVAL ? sync::interval
                                                        : sync::never;
  o.sync_interval = std::chrono::milliseconds(c.store().interval_ms());
  return rules::open_embedded_queue(o);
}

struct collector {
  std::vector<rules::rule_status> statuses;
  size_t due = 0;
  std::function<void(std::vector<rules::rule_status>)> done;

  void answered(size_t i, rules::rule_status s) {
    statuses[i] = std::move(s);
    if (--due == 0) done(std::move(statuses));
  }
};

rules::rule_status unresponsive(const rules::rule& r) {
  rules::rule_status s;
  s.id = r.id;
  s.type = r.type == rules::rule_type::outbound  ? "outbound"
           : r.type == rules::rule_type::inbound ? "inbound"
                                                 : "status";
  s.topic = r.topic;
  s.queue = r.queue;
  s.group = r.group;
  s.state = "unresponsive";
  return s;
}

template <class Actor>
void ask(caf::event_based_actor* self, const Actor& rule, const rules::rule& config,
         std::shared_ptr<collector> c, size_t i) {
  self->request(rule, describe_timeout, rules::describe{})
      .then([c, i](const rules::rule_status& s) { c->answered(i, s); },
            [c, i, config](const caf::error&) { c->answered(i, unresponsive(config)); });
}

// False: not all of them have ended in that time.
bool wait_for_end(caf::actor_system& system, std::vector<caf::actor> all,
                  std::chrono::milliseconds at_most) {
  auto ended = std::make_shared<std::promise<void>>();
  auto over = ended->get_future();
  // Held here: what it monitors does not keep the actor that waits alive.
  auto waits =
      spawn_function(system, [all = std::move(all), ended](function_actor* self) -> caf::behavior {
        self->set_down_handler(
            [self, ended, due = std::make_shared<size_t>(all.size())](const caf::down_msg&) {
              if (--*due > 0) return;
              ended->set_value();
              self->quit();
            });
        for (const auto& a : all) self->monitor(a);
        return {[](const rules::stop&) {}};
      });
  return over.wait_for(at_most) == std::future_status::ready;
}

}  // namespace

absl::Status prepare_data_dir(const std::string& path) {
  std::error_code e;
  std::filesystem::create_directories(path, e);
  const std::string probe = path + "/.writable";
  const int fd = e ? -1 : ::open(probe.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return absl::PermissionDeniedError(
        absl::StrCat("node.data_dir: ", path, ": ", e ? e.message() : std::strerror(errno),
                     ". Hint: choose a directory that this user may write, or change its owner"));
  ::close(fd);
  ::unlink(probe.c_str());
  return absl::OkStatus();
}

absl::StatusOr<backend> start_backend(const config& c, caf::actor_system& system,
                                      rules::ingress_actor ingress) {
  backend b;
  b.embedded = c.rocketmq().endpoint().empty();
  if (b.embedded) {
    auto queue = make_embedded(c);
    if (!queue.ok()) return queue.status();
    b.queue = *queue;
  } else {
    b.queue = make_rocketmq(c);
  }
  auto rules_config = to_rules(c);
  rules_config.queue = b.queue;
  rules_config.ingress = std::move(ingress);
  auto started = rules::start_rules(system, std::move(rules_config));
  if (!started.ok()) return started.status();
  b.rules = std::move(*started);
  return b;
}

void describe_rules(caf::actor_system& system, const std::vector<rules::running_rule>& rules,
                    std::function<void(std::vector<rules::rule_status>)> done) {
  if (rules.empty()) return done({});
  auto c = std::make_shared<collector>();
  c->statuses.resize(rules.size());
  c->due = rules.size();
  c->done = std::move(done);
  spawn_function(system, [rules, c](function_actor* self) {
    for (size_t i = 0; i < rules.size(); ++i) {
      const auto& r = rules[i];
      if (r.outbound) ask(self, r.outbound, r.config, c, i);
      if (r.inbound) ask(self, r.inbound, r.config, c, i);
      if (r.status) ask(self, r.status, r.config, c, i);
    }
  });
}

void list_dead_letters(caf::actor_system& system, const std::vector<rules::running_rule>& rules,
                       const std::string& id, size_t max,
                       std::function<void(absl::StatusOr<std::vector<rules::dead_letter>>)> done) {
  const auto it =
      std::find_if(rules.begin(), rules.end(), [&](const auto& r) { return r.config.id == id; });
  if (it == rules.end()) return done(absl::NotFoundError("there is no rule \"" + id + "\""));
  spawn_function<caf::detached>(system, [r = *it, max, done = std::move(done)](function_actor*) {
    done(rules::list_dead_letters(r, max));
  });
}

void stop_backend(backend& b, caf::actor_system& system, std::chrono::milliseconds at_most) {
  std::vector<caf::actor> waiting;
  auto stop = [&](const auto& rule) {
    if (!rule) return;
    waiting.push_back(caf::actor_cast<caf::actor>(rule));
    caf::anon_send(rule, rules::stop{});
  };
  for (const auto& r : b.rules) {
    stop(r.outbound);
    stop(r.inbound);
    stop(r.status);
  }
  if (!waiting.empty() && !wait_for_end(system, std::move(waiting), at_most))
    log::warn("rules_still_busy", {{"hint", "what they hold is in their spools"}});
  for (auto& r : b.rules) r.store.reset();
  b.queue->close();
}

}  // namespace dunlin
