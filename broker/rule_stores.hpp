// What a shard hands to outbound rules: the records of all batches of one resume in one request,
// and what is to be said to their publishers when a rule has stored or refused them.
//
// A part of delivery_hub. A rule that does not answer within limits.rule_timeout_ms has refused;
// the time is kept here, by a timer of the reactor: CAF's clock is a thread of its own, which each
// request would wake twice. Self is the actor: it handles end_late_stores by a call of end_late(),
// and calls leave_home() and arrive_home() when it moves.
#pragma once

#include <caf/all.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "broker/directory.hpp"
#include "broker/metrics/counters.hpp"
#include "rules/actors.hpp"

namespace dunlin {

// Of the records that a rule gets at once, those of one batch.
struct rule_source {
  uint64_t id = 0;              // of what its publisher waits for; 0: nobody waits
  std::vector<uint32_t> slots;  // of the records whose publishers can be told
};

// An outbound rule as a receiver.
struct rule_target {
  rules::outbound_actor who;
  bool waits = true;      // publishers are acknowledged when it has stored
  bool touched = false;   // by the batch that is being routed
  bool lined_up = false;  // for flush()
  std::string records;
  uint32_t count = 0;
  std::vector<uint32_t> slots;  // of the batch that is being routed
  std::vector<rule_source> sources;
};

template <class Self>
class rule_stores {
 public:
  // Called once for each source of a waiting publisher; `refused`: its slots.
  using ended = std::function<void(uint64_t id, const std::vector<uint32_t>& refused)>;

  rule_stores(Self& self, directory& d, ended on_ended)
      : self_(self), directory_(d), on_ended_(std::move(on_ended)) {
    timer_.owner = &self;
    timer_.on_fire = [](net::timer& t) {
      caf::anon_send(caf::actor_cast<typename Self::actor_hdl>(static_cast<timer&>(t).owner),
                     end_late_stores{});
    };
  }

  // Before records of a batch are appended to it.
  void touch(rule_target& r) {
    if (std::exchange(r.touched, true)) return;
    touched_.push_back(&r);
  }
  // The batch is whole. open() begins an obligation of its publisher and answers its id.
  template <class F>
  void line_up(F&& open) {
    for (rule_target* r : touched_) {
      r->touched = false;
      if (const uint64_t id = r->waits ? open() : 0)
        r->sources.push_back({id, std::exchange(r->slots, {})});
      else
        r->slots.clear();
      if (!std::exchange(r->lined_up, true)) lined_up_.push_back(r);
      if (r->records.size() >= store_bytes) send(*r);
    }
    touched_.clear();
  }
  void flush() {
    for (rule_target* r : lined_up_) {
      r->lined_up = false;
      if (r->count > 0) send(*r);
    }
    lined_up_.clear();
  }

  void end_late() {
    const uint64_t now = self_.home().now_ms();
    while (!open_.empty() && open_.front()->late_at_ms <= now) {
      const auto s = open_.front();
      end(*s, "no answer within limits.rule_timeout_ms");
    }
    arm();
  }
  void leave_home() { timer_.cancel(); }
  void arrive_home() { arm(); }

 private:
  // Where a request goes out before the resume ends.
  static constexpr size_t store_bytes = 256 << 10;

  struct timer : net::timer {
    Self* owner = nullptr;
  };
  struct request {
    std::vector<rule_source> sources;
    uint32_t count = 0;
    uint64_t late_at_ms = 0;
    bool over = false;
  };

  void send(rule_target& r) {
    auto s = std::make_shared<request>();
    s->sources.swap(r.sources);
    s->count = std::exchange(r.count, 0);
    s->late_at_ms = self_.home().now_ms() + directory_.limits().rule_timeout_ms;
    auto& count = self_.home().count();
    count.published.add(s->count);
    count.queued.add(s->count);
    open_.push_back(s);
    if (!timer_.armed()) arm();
    self_.request(r.who, caf::infinite, rules::store{std::exchange(r.records, {}), s->count})
        .then([this, s](const rules::stored&) { end(*s, {}); },
              [this, s](const caf::error& e) { end(*s, caf::to_string(e)); });
  }
  // No error: it is stored. The first end counts: an answer may come too late.
  void end(request& s, const std::string& error) {
    if (std::exchange(s.over, true)) return;
    auto& count = self_.home().count();
    count.queued.sub(s.count);
    (error.empty() ? count.delivered : count.refused).add(s.count);
    if (!error.empty()) log::debug("rule_refused", {{"records", s.count}, {"error", error}});
    static const std::vector<uint32_t> none;
    for (const rule_source& from : s.sources) on_ended_(from.id, error.empty() ? none : from.slots);
    s.sources.clear();
    while (!open_.empty() && open_.front()->over) open_.pop_front();
    if (open_.empty()) timer_.cancel();
  }
  void arm() {
    if (!open_.empty()) self_.home().timers().set(timer_, open_.front()->late_at_ms);
  }

  Self& self_;
  directory& directory_;
  const ended on_ended_;
  std::vector<rule_target*> touched_, lined_up_;
  // In the order in which they were made; the first is not over.
  std::deque<std::shared_ptr<request>> open_;
  timer timer_;
};

}  // namespace dunlin
