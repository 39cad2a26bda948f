#include "tests/sim/world.hpp"

#include <sstream>

#include "base/log.hpp"
#include "broker/guard_hooks.hpp"
#include "broker/handshake.hpp"
#include "broker/ingress.hpp"
#include "broker/registry.hpp"
#include "broker/shard.hpp"
#include "rules/errors.hpp"
#include "rules/record.hpp"

namespace dunlin::sim {

void fake_rule::release_one() {
  auto [promise, count] = std::move(held.front());
  held.pop_front();
  promise.deliver(rules::stored{count});
}

void fake_rule::fail_one() {
  auto promise = std::move(held.front().first);
  held.pop_front();
  promise.deliver(rules::make_error(rules::ec::spool_full));
}

namespace {

rules::outbound_actor::behavior_type rule(rules::outbound_actor::pointer self,
                                          std::shared_ptr<fake_rule> state) {
  return {[self, state](const rules::store& s) -> caf::result<rules::stored> {
            ++state->requests;
            rules::for_each_record(s.records, [&](const rules::device_message& m) {
              state->records.push_back(std::string(m.topic) + "=" + std::string(m.payload));
            });
            switch (state->how) {
              case fake_rule::mode::answer:
                return rules::stored{s.count};
              case fake_rule::mode::fail:
                return rules::make_error(rules::ec::spool_full);
              case fake_rule::mode::hold:
                break;
            }
            auto promise = self->make_response_promise<rules::stored>();
            state->held.emplace_back(promise, s.count);
            return promise;
          },
          [](const rules::describe&) { return rules::rule_status{}; },
          [self](const rules::stop&) { self->quit(); }};
}

rules::status_actor::behavior_type status(
    rules::status_actor::pointer self, std::shared_ptr<std::vector<rules::client_event>> events) {
  return {[events](const rules::client_event& e) { events->push_back(e); },
          [](const rules::describe&) { return rules::rule_status{}; },
          [self](const rules::stop&) { self->quit(); }};
}

void ask(caf::event_based_actor* self, const rules::ingress_actor& ingress,
         std::shared_ptr<std::string> answer, std::vector<rules::inbound_message> messages) {
  self->request(ingress, caf::infinite, rules::inject{std::move(messages)})
      .then([answer](const rules::injected& i) {
        static constexpr const char* names[] = {"met", "no_receiver", "refused"};
        answer->clear();
        for (auto r : i.results)
          *answer += (answer->empty() ? "" : " ") + std::string(names[static_cast<int>(r)]);
      });
}

}  // namespace

world::world(const options& limits, size_t reactors) {
  log::configure(log::level::off, log::format::text);
  system_.await_actors_before_shutdown(false);
  settings initial;
  initial.limits = limits;
  directory_.put(std::move(initial));
  for (uint32_t i = 0; i < reactors; ++i) {
    reactors_.push_back(std::make_unique<net::reactor>(system_, i, [this] { return now_ms_; }));
    directory_.reactors.push_back(reactors_.back().get());
    reactors_.back()->set_placement(directory_.placement);
  }
  directory_.placement.set(static_cast<uint32_t>(reactors));
  for (auto& r : reactors_) {
    directory_.shards.push_back(spawn_pinned<shard>(system_, *r, directory_));
    directory_.registries.push_back(spawn_pinned<registry>(system_, *r, directory_));
  }
  ingress_ = caf::actor_cast<rules::ingress_actor>(
      spawn_pinned<dunlin::ingress>(system_, *reactors_[0], directory_));
  profile_->guard = &directory_.guard.listener(profile_->name);
  directory_.guard.set_wall_clock([this] { return static_cast<int64_t>(now_ms_); });
  start_guard(directory_);
  run();
}

// Ends every actor while the reactors, whose timers they hold, are still there.
world::~world() {
  for (auto& c : clients_)
    if (c.open()) c.lose();
  run();
  for (auto& r : rules_) r->held.clear();
  for (const auto& r : directory_.registries) caf::anon_send(r, shut_down{});
  run();
  auto end = [](const auto& a) { caf::anon_send_exit(a, caf::exit_reason::kill); };
  for (const auto& s : directory_.shards) end(s);
  for (const auto& r : directory_.registries) end(r);
  end(ingress_);
  for (const auto& a : helpers_) end(a);
  run();
  scheduler().trigger_timeouts();
  run();
  stop_guard(directory_);
  directory_.shards.clear();
  directory_.registries.clear();
  directory_.status_rules.clear();
  ingress_ = nullptr;
  helpers_.clear();
  clients_.clear();
  run();
}

client& world::make_client(std::string id, mqtt::version v) {
  return clients_.emplace_back(std::move(id), v);
}

void world::open(client& c, size_t reactor) {
  c.open(*reactors_[reactor]);
  reactors_[reactor]->post([this, conn = net::connection_ptr(&c.connection())] {
    begin_handshake(conn, directory_, profile_);
  });
}

void world::begin_connect(client& c, const connect_options& o, size_t reactor) {
  open(c, reactor);
  c.connect(*reactors_[reactor], o);
}

void world::connect(client& c, const connect_options& o, size_t reactor) {
  begin_connect(c, o, reactor);
  run();
}

void world::drive() {
  for (bool worked = true; worked;) {
    worked = false;
    for (auto& r : reactors_)
      if (r->run_turn()) worked = true;
    if (scheduler().run() > 0) worked = true;
  }
  for (auto& r : reactors_) r->run_until_idle();
}

void world::run() {
  for (bool any = true; any;) {
    drive();
    any = false;
    for (auto& c : clients_)
      if (c.poll()) any = true;
  }
}

void world::advance(uint64_t ms, uint64_t step_ms) {
  constexpr uint64_t step = 50;
  while (ms > 0) {
    const uint64_t n = step_ms > 0       ? std::min(ms, step_ms)
                       : ms > 100 * step ? ms / 100
                                         : std::min(ms, step);
    now_ms_ += n;
    ms -= n;
    scheduler().advance_time(std::chrono::milliseconds(n));
    run();
  }
}

fake_rule& world::bind_rule_to(const std::string& topic) {
  auto& r = *rules_.emplace_back(std::make_shared<fake_rule>());
  const rules::outbound_actor a = system_.spawn(rule, rules_.back());
  helpers_.push_back(caf::actor_cast<caf::actor>(a));
  for (const auto& s : directory_.shards) caf::anon_send(s, bind_rule{topic, a, true});
  run();
  return r;
}

std::vector<rules::client_event>& world::watch_group(const std::string& group) {
  events_.push_back(std::make_shared<std::vector<rules::client_event>>());
  const rules::status_actor a = system_.spawn(status, events_.back());
  helpers_.push_back(caf::actor_cast<caf::actor>(a));
  directory_.status_rules[group] = a;
  return *events_.back();
}

std::shared_ptr<std::string> world::inject(std::vector<rules::inbound_message> messages) {
  auto answer = std::make_shared<std::string>("waiting");
  system_.spawn(ask, ingress_, answer, std::move(messages));
  run();
  return answer;
}

void world::publish_from_node(const std::string& topic, const std::string& payload) {
  publish_batch b;
  b.items.push_back({mqtt::message::make({.topic = topic, .payload = payload, .retain = true}),
                     core::incoming::no_slot,
                     {}});
  caf::anon_send(directory_.shards[directory_.shard_of(topic)], std::move(b));
  run();
}

uint64_t world::total(const metrics::relaxed_counter& (*of)(const metrics::counters&)) const {
  uint64_t n = 0;
  for (const auto& r : reactors_) n += of(r->count()).value();
  return n;
}

uint64_t world::dropped(metrics::drop_reason why) const {
  uint64_t n = 0;
  for (const auto& r : reactors_) n += r->count().dropped[why].value();
  return n;
}

std::string world::counters_text() const {
  using metrics::counters;
  std::ostringstream s;
  auto sum = [this](auto of) { return static_cast<int64_t>(total(of)); };
  s << "published " << sum([](const counters& c) -> auto& { return c.published; }) << " delivered "
    << sum([](const counters& c) -> auto& { return c.delivered; }) << " queued "
    << sum([](const counters& c) -> auto& { return c.queued; }) << " expired "
    << sum([](const counters& c) -> auto& { return c.expired; }) << " refused "
    << sum([](const counters& c) -> auto& { return c.refused; }) << " dropped";
  for (size_t i = 0; i < metrics::drop_reasons; ++i)
    s << " " << static_cast<int64_t>(dropped(static_cast<metrics::drop_reason>(i)));
  return s.str();
}

std::string world::check_identity() const {
  using metrics::counters;
  uint64_t right = total([](const counters& c) -> auto& { return c.delivered; }) +
                   total([](const counters& c) -> auto& { return c.queued; }) +
                   total([](const counters& c) -> auto& { return c.expired; }) +
                   total([](const counters& c) -> auto& { return c.refused; });
  for (size_t i = 0; i < metrics::drop_reasons; ++i)
    right += dropped(static_cast<metrics::drop_reason>(i));
  const uint64_t left = total([](const counters& c) -> auto& { return c.published; });
  return left == right ? "" : counters_text();
}

}  // namespace dunlin::sim
