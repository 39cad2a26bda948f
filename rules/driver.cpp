#include "rules/driver.hpp"

#include <utility>

#include "base/log.hpp"

namespace dunlin::rules {
namespace {

constexpr std::chrono::seconds log_interval{
    10};  // between lines of one kind: a fault is told, not repeated

}  // namespace

driver::driver(caf::local_actor* self, driver_config config)
    : self_(self),
      config_(std::move(config)),
      core_(config_.options, config_.state),
      rule_(config_.options.config.id) {
  core_.wake(now());
  run();
}

instant driver::now() const { return {self_->clock().now(), config_.wall_ms()}; }

std::function<void(came_event)> driver::poster() const {
  return [to = caf::actor_cast<caf::actor>(self_)](came_event e) {
    caf::anon_send(to, progress{std::make_shared<came_event>(std::move(e))});
  };
}

void driver::store(std::string records, uint32_t count, std::function<void(ec)> answered) {
  auto ticket = next_ticket_++;
  tickets_.emplace(ticket, std::move(answered));
  core_.store(ticket, std::move(records), count, now());
  run();
}

void driver::handle(const progress& p) {
  std::visit([this](auto& e) { on(e); }, *p.what);
  run();
}

void driver::on(const came::written& w) {
  core_.written(w.sequence, w.status.ok(), std::string(w.status.message()), now());
}

void driver::on(came::read& r) {
  if (r.entries.ok()) {
    core_.read(std::move(*r.entries), r.to, now());
  } else {
    core_.read_failed(std::string(r.entries.status().message()), now());
  }
}

void driver::on(const came::sent& s) { core_.sent(s.request, s.result, now()); }

void driver::on(const came::buried& b) {
  core_.buried(b.burial, b.status.ok(), std::string(b.status.message()), now());
}

void driver::on(const came::wake&) {
  wake_at_ = std::chrono::steady_clock::time_point::max();
  core_.wake(now());
}

void driver::run() {
  for (auto effects = core_.take(); !effects.empty(); effects = core_.take()) {
    for (auto& e : effects) std::visit([this](auto& x) { carry_out(x); }, e);
  }
  schedule_wake();
  log_state();
  if (stopping_ && core_.idle()) done_ = true;
}

void driver::carry_out(effect::write_entry& e) {
  auto sequence = e.entry.sequence;
  config_.store->append(rule_, std::move(e.entry), e.durable,
                        [post = poster(), sequence](absl::Status s) {
                          post(came::written{sequence, std::move(s)});
                        });
}

void driver::carry_out(effect::read_entries& e) {
  config_.store->read(rule_, e.from, e.to, e.bytes,
                      [post = poster(), to = e.to](spool::entries found) {
                        post(came::read{to, std::move(found)});
                      });
}

void driver::carry_out(effect::remove_entries& e) {
  config_.store->remove(rule_, e.before, e.next_message);
}

void driver::carry_out(effect::send_batch& e) {
  config_.queue->send(config_.options.config.queue, std::move(e.batch),
                      [post = poster(), id = e.request](queue_result r) {
                        post(came::sent{id, std::move(r)});
                      });
}

void driver::carry_out(effect::bury& e) {
  letters_unlogged_ += e.letters.size();
  if (auto t = self_->clock().now(); t >= log_letter_after_ && !e.letters.empty()) {
    log::warn("rule_dead_letters", {{"rule", rule_},
                                    {"count", letters_unlogged_},
                                    {"code", e.letters.back().code},
                                    {"reason", e.letters.back().reason}});
    letters_unlogged_ = 0;
    log_letter_after_ = t + log_interval;
  }
  config_.store->add_dead_letters(rule_, std::move(e.letters),
                                  [post = poster(), id = e.burial](absl::Status s) {
                                    post(came::buried{id, std::move(s)});
                                  });
}

void driver::carry_out(effect::answer& e) {
  for (auto ticket : e.tickets) {
    if (auto node = tickets_.extract(ticket)) node.mapped()(e.result);
  }
}

void driver::schedule(std::chrono::steady_clock::time_point when, came_event what) {
  auto to = caf::actor_cast<caf::strong_actor_ptr>(self_);
  self_->clock().schedule_message(
      when, std::move(to),
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                progress{std::make_shared<came_event>(std::move(what))}));
}

void driver::schedule_wake() {
  auto when = core_.due();
  if (when >= wake_at_) return;
  wake_at_ = when;
  schedule(when, came::wake{});
}

void driver::stop() {
  if (stopping_) return;
  stopping_ = true;
  core_.stop(now());
  schedule(self_->clock().now() + config_.stop_timeout, came::stop_now{});
  run();
}

void driver::answer_all(ec result) {
  for (auto& [ticket, answered] : std::exchange(tickets_, {})) answered(result);
}

rule_status driver::status() { return core_.status(now()); }

// A line for each change of state, and for a state that flaps one every few seconds.
void driver::log_state() {
  if (core_.state() == logged_state_ || stopping_) return;
  auto t = self_->clock().now();
  if (t < log_state_after_) return;
  auto s = core_.status(now());
  logged_state_ = s.state;
  log_state_after_ = t + log_interval;
  auto lowest = s.state == "running" ? log::level::info : log::level::warn;
  log::write(lowest, "rule_state",
             {{"rule", rule_},
              {"state", s.state},
              {"lag", s.lag},
              {"error", s.state == "running" ? std::string() : s.last_error}});
}

}  // namespace dunlin::rules
