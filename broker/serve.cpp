#include "broker/serve.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <random>
#include <utility>

#include "base/log.hpp"
#include "base/version.hpp"
#include "base/wall_clock.hpp"
#include "broker/api/http_server.hpp"
#include "broker/api/routes.hpp"
#include "broker/backend.hpp"
#include "broker/config/listener_options.hpp"
#include "broker/config_log.hpp"
#include "broker/config_settings.hpp"
#include "broker/control.hpp"
#include "broker/guard_metrics.hpp"
#include "broker/metrics/metrics.hpp"
#include "broker/node.hpp"
#include "broker/operate/reloader.hpp"

namespace dunlin {
namespace {

constexpr std::chrono::milliseconds drain_max{5'000};
constexpr std::chrono::milliseconds rules_stop_max{5'000};

// Every connection is a file descriptor.
void raise_open_files() {
  rlimit l{};
  if (::getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
    l.rlim_cur = l.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &l);
  }
}

sigset_t awaited_signals() {
  sigset_t s;
  ::sigemptyset(&s);
  ::sigaddset(&s, SIGTERM);
  ::sigaddset(&s, SIGINT);
  ::sigaddset(&s, SIGHUP);  // reload
  return s;
}

std::string random_id() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  char text[33];
  std::snprintf(text, sizeof text, "%016llX%016llX", static_cast<unsigned long long>(random()),
                static_cast<unsigned long long>(random()));
  return text;
}

std::vector<listener_config> to_listeners(const config& c) {
  std::vector<listener_config> all;
  for (const auto& l : c.listeners())
    all.push_back({l.address(), std::make_shared<listener_profile>(listener_profile{l.name()}),
                   configuration::to_transport_options(l)});
  return all;
}

node_config to_node_config(const config& c) {
  node_config n;
  n.initial = to_settings(c);
  n.reactors = c.node().reactors();
  n.listeners = to_listeners(c);
  n.version = std::string(version);
  return n;
}

api::http_options to_http_options(const config& c) {
  const auto address = to_socket_address(c.http().address());
  return {.host = address.host,
          .port = address.port,
          .connections_max = c.http().connections_max(),
          .header_bytes_max = c.http().header_bytes_max(),
          .body_bytes_max = c.http().body_bytes_max(),
          .idle_timeout_ms = c.http().idle_timeout_ms()};
}

void log_reload(const operate::reload_outcome& o) {
  for (const auto& f : o.faults) log::error("reload_fault", {{"fault", f}});
  for (const auto& w : o.warnings) log::warn("configuration", {{"warning", w}});
  for (const auto& c : o.changed)
    log::info("reload_changed",
              {{"key", c.key}, {"from", c.from}, {"to", c.to}, {"in_force", to_string(c.when)}});
  for (const auto& c : o.needs_restart)
    log::warn("reload_needs_restart", {{"key", c.key}, {"from", c.from}, {"to", c.to}});
  if (o.faults.empty())
    log::info("reloaded", {{"file", o.file},
                           {"changed", o.changed.size()},
                           {"need_restart", o.needs_restart.size()}});
  else
    log::error("reload_refused", {{"file", o.file},
                                  {"faults", o.faults.size()},
                                  {"hint", "nothing was changed; mend them and reload again"}});
}

// A running node, whose parts are stopped in the order that loses nothing.
class service {
 public:
  explicit service(const loaded_config& loaded)
      : config_(loaded.values), node_(to_node_config(config_)), reloader_(loaded) {}

  absl::Status start();
  // Reads the configuration again and answers who asked for it; on the main thread.
  void reload();
  void stop();

 private:
  std::shared_ptr<api::provider> provide();
  absl::Status start_http();
  using reload_answer = std::function<void(operate::reload_outcome)>;
  void ask_reload(reload_answer done);
  std::vector<reload_answer> take_waiting();
  void reload_certificates(operate::reload_outcome& told);
  std::vector<std::string> put_in_force(const config& wanted, const operate::changes& changed);

  const config& config_;  // that it was started with
  node node_;
  operate::reloader reloader_;
  std::mutex waiting_mutex_;
  std::vector<reload_answer> waiting_;  // for a reload
  backend backend_;
  std::unique_ptr<api::http_server> http_;
  std::atomic<bool> ready_{false}, draining_{false};
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

absl::Status service::start() {
  if (auto s = prepare_data_dir(config_.node().data_dir()); !s.ok()) return s;
  node_.guard().ban_list.open(config_.node().data_dir());
  if (auto s = node_.open(); !s.ok()) return s;
  node_.start_core();
  auto b = start_backend(config_, node_.system(), node_.ingress());
  if (!b.ok()) return b.status();
  backend_ = std::move(*b);
  node_.bind(backend_.rules);
  if (auto s = start_http(); !s.ok()) return s;
  if (auto s = node_.start_listeners(); !s.ok()) return s;
  for (const auto& a : node_.listeners().addresses()) log::info("listening", {{"address", a}});
  ready_ = true;
  log::info("ready", {{"version", version}, {"reactors_max", node_.reactors().size()}});
  return absl::OkStatus();
}

absl::Status service::start_http() {
  const auto& h = config_.http();
  if (!h.enabled()) return absl::OkStatus();
  const auto o = to_http_options(config_);
  auto server = api::http_server::start(o, api::make_routes(provide()));
  if (!server.ok())
    return absl::Status(server.status().code(),
                        "http.address: " + std::string(server.status().message()));
  http_ = std::move(*server);
  log::info("http_listening", {{"address", o.host + ":" + std::to_string(http_->port())}});
  return absl::OkStatus();
}

std::shared_ptr<api::provider> service::provide() {
  auto p = std::make_shared<api::provider>();
  p->not_ready = [this]() -> std::vector<std::string> {
    if (draining_) return {"draining"};
    if (!ready_) return {"starting"};
    return overload_reasons(node_.guard().load.facts());
  };
  std::vector<const metrics::counters*> counters;
  for (auto* r : node_.reactors()) counters.push_back(&r->count());
  p->node = [this, counters] {
    using metrics::total;
    api::node_facts f;
    f.name = config_.node().name();
    f.uptime_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    f.connections = total(counters, &metrics::counters::connections);
    f.sessions = total(counters, &metrics::counters::sessions);
    f.subscriptions = total(counters, &metrics::counters::subscriptions);
    f.retained_messages = total(counters, &metrics::counters::retained_messages);
    f.reactors = static_cast<uint32_t>(counters.size());
    f.reactors_in_use = total(counters, &metrics::counters::reactors_in_use);
    return f;
  };
  p->rule_statuses = [this](auto done) {
    describe_rules(node_.system(), backend_.rules, std::move(done));
  };
  p->dead_letters = [this](const std::string& rule, size_t max, auto done) {
    list_dead_letters(node_.system(), backend_.rules, rule, max, std::move(done));
  };
  p->metrics = [this, counters](const std::vector<rules::rule_status>& statuses) {
    std::string text = metrics::render(counters, statuses, metrics::read_process()) +
                       render_guard(node_.guard()) +
                       metrics::render_listeners(node_.listeners().numbers());
    if (const auto& meters = node_.now().topics.meters) text += metrics::render(*meters);
    return text;
  };
  p->topics = [this] {
    std::vector<api::topic_facts> all;
    if (const auto& meters = node_.now().topics.meters)
      for (const auto& m : meters->read())
        all.push_back({std::string(m.filter), m.in, m.in_bytes, m.out, m.out_bytes, m.dropped});
    return all;
  };
  if (backend_.embedded) p->queue = backend_.queue;
  p->bans = &node_.guard().ban_list;
  p->load = &node_.guard().load;
  p->reload = [this](reload_answer done) { ask_reload(std::move(done)); };
  provide_control(*p, node_.system(), node_.where());
  p->now_ms = wall_clock_ms;
  p->new_message_id = random_id;
  return p;
}

// -- reload -------------------------------------------------------------------

// The main thread does it, one after the other, as if SIGHUP had come: reading files and opening
// sockets holds up nobody there.
void service::ask_reload(reload_answer done) {
  {
    const std::lock_guard lock(waiting_mutex_);
    waiting_.push_back(std::move(done));
  }
  ::kill(::getpid(), SIGHUP);
}

std::vector<service::reload_answer> service::take_waiting() {
  const std::lock_guard lock(waiting_mutex_);
  return std::exchange(waiting_, {});
}

void service::reload() {
  const auto asked = take_waiting();
  auto outcome = reloader_.run([this](const config& wanted, const operate::changes& changed) {
    return put_in_force(wanted, changed);
  });
  if (outcome.faults.empty()) reload_certificates(outcome);
  log_reload(outcome);
  for (const auto& done : asked) done(outcome);
}

// The files may have changed where no key has. What is wrong with them is told; the old ones stay.
void service::reload_certificates(operate::reload_outcome& told) {
  const auto report = node_.listeners().reload_certificates();
  for (const auto& name : report.reloaded)
    told.changed.push_back({"listeners." + name + ".tls", "certificates", "read again",
                            operate::in_force::new_connections});
  for (const auto& wrong : report.wrong) told.warnings.push_back(wrong);
}

std::vector<std::string> service::put_in_force(const config& wanted,
                                               const operate::changes& changed) {
  if (changed.empty()) return {};  // what a snapshot counts (measured topics) goes on
  if (auto faults = node_.listeners().change(to_listeners(wanted)); !faults.empty()) return faults;
  node_.put(to_settings(wanted));
  configure_log(wanted);
  if (http_) http_->set_limits(to_http_options(wanted));
  return {};
}

void service::stop() {
  draining_ = true;
  for (const auto& done : take_waiting()) done({.faults = {"the node shuts down"}});
  node_.drain(drain_max);
  stop_backend(backend_, node_.system(), rules_stop_max);
  if (http_) http_->stop();
  node_.guard().ban_list.close();
  node_.stop();
}

}  // namespace

int serve(const loaded_config& loaded) {
  raise_open_files();
  // Blocked in every thread that is made from here on; this one waits for them.
  const sigset_t signals = awaited_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  // Never destroyed: the process ends below, with everything stored and every thread at rest.
  auto* s = new service(loaded);
  if (auto status = s->start(); !status.ok()) {
    std::cerr << place_of(loaded, status.message()) << ": " << status.message() << "\n";
    std::cerr.flush();
    std::quick_exit(2);
  }
  int got = 0;
  for (::sigwait(&signals, &got); got == SIGHUP; ::sigwait(&signals, &got)) s->reload();
  log::info("stopping", {{"signal", ::strsignal(got)}});
  s->stop();
  log::info("stopped");
  std::cerr.flush();
  std::quick_exit(0);
}

}  // namespace dunlin
