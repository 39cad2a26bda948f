#include "rules/inbound.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "rules/inbound_core.hpp"
#include "rules/rate.hpp"
#include "rules/told.hpp"

namespace dunlin::rules {
namespace {

// What came of the queue's and the spool's work, on its way back to the actor.
struct got {
  received what;
};
struct settled {  // an acknowledgement has its answer
  std::vector<queue_message> messages;
  uint32_t attempts = 0;
  queue_result result;
};
struct buried_all {
  std::vector<buried_delivery> dead;
  absl::Status status;
};
struct receive_again {};
struct ack_again {
  std::vector<queue_message> messages;
  uint32_t attempts = 0;
};
struct stop_now {};
using event = std::variant<got, settled, buried_all, receive_again, ack_again, stop_now>;

struct inbound_progress {
  std::shared_ptr<event> what;
};

}  // namespace
}  // namespace dunlin::rules

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::inbound_progress)

namespace dunlin::rules {
namespace {

using inbound_impl = inbound_actor::extend<caf::reacts_to<inbound_progress>>;

constexpr uint32_t ack_attempts_max = 5;
constexpr std::chrono::seconds log_interval{10};

struct inbound_state {
  static inline const char* name = "inbound";
  inbound_config config;
  rule_status counters;
  rate sent;
  uint32_t failures = 0;  // receives in a row
  uint32_t receiving = 0,
           working = 0;  // receives under way; batches between receive and their last answer
  bool stopping = false;
  std::chrono::steady_clock::time_point log_after;
  std::string logged = "running";
};
using self_ptr = told<inbound_impl::stateful_base<inbound_state>>*;

void receive_next(self_ptr self);

void post(const caf::actor& to, event e) {
  caf::anon_send(to, inbound_progress{std::make_shared<event>(std::move(e))});
}
void post_later(self_ptr self, std::chrono::milliseconds wait, event e) {
  self->delayed_send(self, wait, inbound_progress{std::make_shared<event>(std::move(e))});
}

void set_state(self_ptr self, std::string state, const std::string& error) {
  auto& s = self->state;
  s.counters.state = std::move(state);
  if (!error.empty()) {
    s.counters.last_error = error;
    s.counters.last_error_ms = s.config.wall_ms();
  }
  auto now = self->clock().now();
  if (s.counters.state == s.logged || now < s.log_after) return;
  s.logged = s.counters.state;
  s.log_after = now + log_interval;
  log::write(s.logged == "running" ? log::level::info : log::level::warn, "rule_state",
             {{"rule", s.counters.id}, {"state", s.logged}, {"error", error}});
}

void done_with(self_ptr self, size_t messages) {
  auto& lag = self->state.counters.lag;
  lag -= std::min<uint64_t>(lag, messages);
}

// --- acknowledging ---

void ack(self_ptr self, std::vector<queue_message> messages, uint32_t attempts = 0) {
  if (messages.empty()) return;
  const auto& c = self->state.config;
  for (auto& m : messages) m.body.clear();  // not needed any more
  auto copy = messages;
  c.queue->ack(c.config.queue, c.config.group, std::move(copy),
               [to = caf::actor_cast<caf::actor>(self), messages = std::move(messages),
                attempts](queue_result r) mutable {
                 post(to, settled{std::move(messages), attempts, std::move(r)});
               });
}

void nack(self_ptr self, std::vector<nack_delivery> all) {
  const auto& c = self->state.config;
  done_with(self, all.size());
  for (auto& n : all) {
    // Unanswered it comes again all the same, after its invisible time.
    c.queue->nack(c.config.queue, c.config.group, std::move(n.message), n.delay,
                  [](queue_result) {});
  }
}

void bury(self_ptr self, std::vector<buried_delivery> dead) {
  if (dead.empty()) return;
  std::vector<dead_letter> letters;
  for (auto& d : dead) letters.push_back(std::move(d.letter));
  const auto& c = self->state.config;
  c.store->add_dead_letters(
      c.config.id, std::move(letters),
      [to = caf::actor_cast<caf::actor>(self), dead = std::move(dead)](absl::Status s) mutable {
        post(to, buried_all{std::move(dead), std::move(s)});
      });
}

void on(self_ptr self, settled& s) {
  if (s.result.what == outcome::ok) {
    done_with(self, s.messages.size());
    return;
  }
  set_state(self, self->state.counters.state, "acknowledging: " + s.result.error);
  if (s.result.what == outcome::refused || ++s.attempts >= ack_attempts_max) {
    done_with(self, s.messages.size());  // they come again
    return;
  }
  post_later(self, self->state.config.config.retry_min * (1 << s.attempts),
             ack_again{std::move(s.messages), s.attempts});
}

void on(self_ptr self, ack_again& a) { ack(self, std::move(a.messages), a.attempts); }

void on(self_ptr self, buried_all& b) {
  std::vector<queue_message> messages;
  for (auto& d : b.dead) messages.push_back(std::move(d.message));
  if (!b.status.ok()) {
    set_state(self, "retrying", std::string(b.status.message()));
    nack(self, give_back(std::move(messages), self->state.config.config));
    return;
  }
  self->state.counters.dead_letters += messages.size();
  ack(self, std::move(messages));
}

// --- receiving ---

void finish_batch(self_ptr self) {
  --self->state.working;
  receive_next(self);
}

void inject_batch(self_ptr self, sorted_batch b) {
  ++self->state.working;
  auto injected_ones = std::make_shared<std::vector<queue_message>>(std::move(b.injected));
  const auto& c = self->state.config;
  self->request(c.ingress, c.inject_timeout, inject{std::move(b.inject)})
      .then(
          [self, injected_ones](const injected& answer) {
            auto& s = self->state;
            auto v = judge(std::move(*injected_ones), answer.results, s.config.config,
                           s.config.wall_ms());
            s.counters.sent += v.met;
            s.counters.refused += v.refused;
            s.sent.add(v.met, self->clock().now());
            if (v.no_receiver + v.refused > 0) {
              set_state(self, s.counters.state,
                        v.refused > 0 ? "devices refuse messages" : "no device takes a message");
            }
            ack(self, std::move(v.ack));
            nack(self, std::move(v.nack));
            bury(self, std::move(v.dead));
            finish_batch(self);
          },
          [self, injected_ones](const caf::error& e) {
            auto& s = self->state;
            s.counters.refused += injected_ones->size();
            set_state(self, "retrying", "the broker did not answer: " + self->system().render(e));
            nack(self, give_back(std::move(*injected_ones), s.config.config));
            finish_batch(self);
          });
}

void on(self_ptr self, got& g) {
  auto& s = self->state;
  --s.receiving;
  if (g.what.result.what != outcome::ok) {
    if (s.stopping) return receive_next(self);
    bool misconfigured = g.what.result.what != outcome::retry;
    set_state(self, misconfigured ? "misconfigured" : "retrying", g.what.result.error);
    const auto& r = s.config.config;
    auto wait = r.retry_min;
    for (uint32_t i = 0; i < s.failures && wait < r.retry_max; ++i) wait *= 2;
    s.failures = std::min(s.failures + 1, 31u);
    post_later(self, misconfigured ? r.retry_max : std::min(wait, r.retry_max), receive_again{});
    ++s.receiving;  // its turn is taken until then
    return;
  }
  s.failures = 0;
  set_state(self, "running", "");
  s.counters.taken += g.what.messages.size();
  s.counters.lag += g.what.messages.size();
  auto b = sort_out(std::move(g.what.messages), s.config.config, s.config.wall_ms());
  s.counters.expired += b.expired.size();
  ack(self, std::move(b.expired));
  bury(self, std::move(b.dead));
  if (b.inject.empty()) return receive_next(self);
  inject_batch(self, std::move(b));
}

void on(self_ptr self, receive_again&) {
  --self->state.receiving;
  receive_next(self);
}

void on(self_ptr self, stop_now&) { self->quit(); }

void receive_next(self_ptr self) {
  auto& s = self->state;
  if (s.stopping) {
    if (s.working == 0 && s.counters.lag == 0) self->quit();
    return;
  }
  ++s.receiving;
  const auto& c = s.config;
  c.queue->receive(
      {c.config.queue, c.config.group, c.messages_max, c.poll, c.invisible},
      [to = caf::actor_cast<caf::actor>(self)](received r) { post(to, got{std::move(r)}); });
}

void on_stop(self_ptr self) {
  auto& s = self->state;
  if (s.stopping) return;
  s.stopping = true;
  s.counters.state = "stopped";
  post_later(self, s.config.stop_timeout, stop_now{});
  receive_next(self);
}

rule_status status_of(self_ptr self) {
  auto s = self->state.counters;
  s.rate = self->state.sent.per_second(self->clock().now());
  return s;
}

inbound_impl::behavior_type inbound(self_ptr self, std::shared_ptr<inbound_config> config) {
  auto& s = self->state;
  s.config = std::move(*config);
  const auto& r = s.config.config;
  s.counters.id = r.id;
  s.counters.type = "inbound";
  s.counters.topic = r.topic;
  s.counters.queue = r.queue;
  s.counters.group = r.group;
  s.counters.state = "running";
  for (uint32_t n = std::max(1u, r.in_flight_max / 4); n > 0; --n) receive_next(self);
  return {
      [self](const describe&) { return status_of(self); },
      [self](const stop&) { on_stop(self); },
      [self](const inbound_progress& p) {
        std::visit([self](auto& e) { on(self, e); }, *p.what);
        auto& s = self->state;
        if (s.stopping && s.working == 0 && s.counters.lag == 0) self->quit();
      },
  };
}

}  // namespace

inbound_actor spawn_inbound(caf::actor_system& system, inbound_config config) {
  return system.spawn(inbound, std::make_shared<inbound_config>(std::move(config)));
}

}  // namespace dunlin::rules
