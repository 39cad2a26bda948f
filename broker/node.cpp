#include "broker/node.hpp"

#include <algorithm>
#include <thread>

#include "base/log.hpp"
#include "broker/guard_hooks.hpp"
#include "broker/ingress.hpp"
#include "broker/net/cpu_limit.hpp"
#include "broker/quiet_scheduler.hpp"
#include "broker/registry.hpp"
#include "broker/shard.hpp"

namespace dunlin {
namespace {

constexpr uint32_t reactors_max = 256;  // as in the configuration

}  // namespace

uint64_t monotonic_ms() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

node::actor_config::actor_config() {
  // Only rules run on it.
  load<quiet_scheduler>();
  set("scheduler.max-threads", 2);
}

node::node(node_config config)
    : config_(std::move(config)), system_(actor_config_), listeners_(directory_) {
  system_.await_actors_before_shutdown(false);
  if (config_.reactors == 0) config_.reactors = std::min(net::usable_cores(), reactors_max);
  directory_.put(config_.initial);
  for (uint32_t i = 0; i < config_.reactors; ++i) {
    reactors_.push_back(std::make_unique<net::reactor>(system_, i, monotonic_ms));
    directory_.reactors.push_back(reactors_.back().get());
    reactors_.back()->set_placement(directory_.placement);
  }
  reactors_[0]->count().reactors_in_use.set(1);
  if (config_.reactors > 1) scaling_ = std::make_unique<reactor_scaling>(directory_);
}

node::~node() { stop(); }

std::vector<net::reactor*> node::reactors() const { return directory_.reactors; }

uint64_t node::total(uint64_t (*of)(net::reactor&)) const {
  uint64_t n = 0;
  for (const auto& r : reactors_) n += of(*r);
  return n;
}

absl::Status node::open() { return listeners_.open(config_.listeners); }

void node::start_core() {
  for (auto& r : reactors_) {
    directory_.shards.push_back(spawn_pinned<shard>(system_, *r, directory_));
    directory_.registries.push_back(spawn_pinned<registry>(system_, *r, directory_));
  }
  ingress_ = caf::actor_cast<rules::ingress_actor>(
      spawn_pinned<dunlin::ingress>(system_, *reactors_[0], directory_));
  start_guard(directory_);
  if (scaling_) scaling_->start();
  running_ = true;
  started_at_ = std::chrono::steady_clock::now();
  sys_timer_.owner = this;
  sys_timer_.on_fire = [](net::timer& t) { static_cast<sys_timer&>(t).owner->publish_sys(); };
  reactors_[0]->post([this] { publish_sys(); });
  for (auto& r : reactors_) r->start();
}

void node::bind(const std::vector<rules::running_rule>& rules) {
  for (const auto& r : rules) {
    if (r.outbound)
      for (const auto& s : directory_.shards)
        caf::anon_send(s, bind_rule{r.config.topic, r.outbound, true});
    if (r.status) directory_.status_rules[r.config.group] = r.status;
  }
}

void node::put(settings s) {
  const bool other_interval = s.limits.sys_interval_s != directory_.limits().sys_interval_s;
  // The counters of the same filters go on.
  const auto& meters = directory_.now().topics.meters;
  if (meters && s.topics.meters && meters->filters() == s.topics.meters->filters())
    s.topics.meters = meters;
  directory_.put(std::move(s));
  if (other_interval) reactors_[0]->post([this] { publish_sys(); });
}

void node::drain(std::chrono::milliseconds at_most) {
  directory_.draining = true;
  listeners_.stop();
  for (const auto& r : directory_.registries) caf::anon_send(r, shut_down{});
  const auto until = std::chrono::steady_clock::now() + at_most;
  auto open = [](net::reactor& r) { return r.count().connections.value(); };
  while (total(open) > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

void node::stop() {
  if (!running_) return;
  running_ = false;
  for (auto& r : reactors_) r->stop();
  for (auto& r : reactors_) r->count().delayed_lost.add(r->count().delayed.value());
  const uint64_t lost = total([](net::reactor& r) { return r.count().delayed_lost.value(); });
  if (lost) log::warn("delayed_messages_lost", {{"messages", lost}});
  sys_timer_.cancel();
  stop_guard(directory_);
  if (scaling_) scaling_->stop();
}

// -- $SYS ---------------------------------------------------------------------

void node::publish_sys_topic(const std::string& name, const std::string& value) {
  const std::string topic = "$SYS/broker/" + name;
  publish_batch b;
  b.items.push_back(
      {mqtt::message::make({.topic = topic, .payload = value, .qos = 0, .retain = true}),
       core::incoming::no_slot,
       {}});
  caf::anon_send(directory_.shards[directory_.shard_of(topic)], std::move(b));
}

void node::publish_sys() {
  sys_timer_.cancel();
  if (directory_.limits().sys_interval_s == 0) return;
  using std::to_string;
  auto sum = [this](auto of) {
    uint64_t n = 0;
    for (const auto& r : reactors_) n += of(r->count());
    return to_string(n);
  };
  using counters = metrics::counters;
  const auto uptime = std::chrono::steady_clock::now() - started_at_;
  publish_sys_topic("version", "dunlin " + config_.version);
  publish_sys_topic(
      "uptime",
      to_string(std::chrono::duration_cast<std::chrono::seconds>(uptime).count()) + " seconds");
  publish_sys_topic("clients/connected", sum([](counters& c) { return c.connections.value(); }));
  publish_sys_topic("clients/total", sum([](counters& c) { return c.sessions.value(); }));
  publish_sys_topic("subscriptions/count",
                    sum([](counters& c) { return c.subscriptions.value(); }));
  publish_sys_topic("retained messages/count",
                    sum([](counters& c) { return c.retained_messages.value(); }));
  publish_sys_topic("messages/received", sum([](counters& c) {
                      return c.received[0].value() + c.received[1].value() + c.received[2].value();
                    }));
  publish_sys_topic("messages/sent", sum([](counters& c) {
                      return c.sent[0].value() + c.sent[1].value() + c.sent[2].value();
                    }));
  publish_sys_topic("messages/queued", sum([](counters& c) { return c.queued.value(); }));
  publish_sys_topic("messages/delayed", sum([](counters& c) { return c.delayed.value(); }));
  publish_sys_topic("bytes/received", sum([](counters& c) { return c.bytes_received.value(); }));
  publish_sys_topic("bytes/sent", sum([](counters& c) { return c.bytes_sent.value(); }));
  reactors_[0]->timers().set(sys_timer_,
                             reactors_[0]->now_ms() + directory_.limits().sys_interval_s * 1000ull);
}

}  // namespace dunlin
