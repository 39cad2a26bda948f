// Hands messages to their receivers and answers the publisher when every obligation is met: the
// common half of a shard and a registry.
//
// What the batches of one resume bring for a receiver goes out in one actor message at its end, or
// before anything else than a batch is handled: Self calls flush() in both places. An obligation is
// open while a receiver is held (session_gate.hpp) or a rule has not stored its records
// (rule_stores.hpp). A batch with many receivers is sent in parts, so that their actor has a turn
// for others in between; what comes for a receiver meanwhile lines up behind. Self is the actor: it
// handles send_next_part by a call of send_part().
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "broker/actors.hpp"
#include "broker/directory.hpp"
#include "broker/metrics/counters.hpp"

namespace dunlin {

// A session as a receiver.
struct target {
  session_actor who;
  session_gate* gate = nullptr;
  std::vector<core::delivery> pending;
  uint32_t finished = 0;  // of pending: of earlier batches, for flush()
  uint32_t usual = 0;     // size of the last list that went out
  uint32_t uses = 0;      // subscriptions that name it
  bool touched = false;   // by the batch that is being routed
  bool in_parts = false;  // pending belongs to a batch that is sent in parts

  size_t unfinished() const { return pending.size() - finished; }
};

template <class Self>
class delivery_hub {
 public:
  delivery_hub(Self& self, directory& d) : self_(self), directory_(d) {}

  target& target_of(const session_actor& who, session_gate* gate) {
    auto& t = targets_[gate];
    if (!t) t.reset(new target{who, gate, {}});
    return *t;
  }
  target* find(session_gate* gate) {
    auto it = targets_.find(gate);
    return it == targets_.end() ? nullptr : it->second.get();
  }
  // It will get nothing more by a subscription that is gone: what lines up for it goes out before
  // it is told. Nobody will say `drained` for a session that ends: what waits for it is met.
  void release(target& t) {
    if (t.in_parts && !t.pending.empty()) send_page(t, 0, 0);
    if (t.uses > 0) return;
    session_gate* gate = t.gate;
    targets_.erase(gate);
    on_drained(gate);
  }

  // A copy of `msg` for this session; a second match of the same message is merged: the higher QoS,
  // all identifiers (MQTT 5.0 section 3.3.4).
  void give(target& t, const mqtt::message_ptr& msg, uint8_t qos, bool retain, uint32_t id,
            size_t expected) {
    begin(t, expected);
    for (size_t i = t.pending.size(); i > 0 && t.pending[i - 1].msg == msg; --i) {
      core::delivery& d = t.pending[i - 1];
      if (d.share || d.paced) continue;
      if (qos > d.qos) d.qos = qos;
      if (retain) d.retain = true;
      if (id) d.subscription_ids = with_id(d.subscription_ids, id);
      return;
    }
    t.pending.push_back({msg, id ? with_id({}, id) : core::shared_text(), qos, retain});
  }
  // A copy that is not merged: a shared subscription's, which may go to another member later, or a
  // retained message's.
  core::delivery& give_alone(target& t, const mqtt::message_ptr& msg, uint8_t qos, bool retain,
                             uint32_t id, size_t expected) {
    begin(t, expected);
    t.pending.push_back({msg, id ? with_id({}, id) : core::shared_text(), qos, retain});
    return t.pending.back();
  }

  // The batch is whole; the publisher's answer comes with flush() or when the obligations are met.
  // more(open) may begin obligations of its own: open() answers an id for met(), 0 when nobody
  // waits.
  template <class More>
  void finish(const caf::strong_actor_ptr& publisher, uint32_t read,
              std::vector<core::refusal> refusals, More&& more) {
    uint64_t id = 0;  // of what the publisher waits for
    const auto open = [&]() -> uint64_t {
      if (!publisher) return 0;
      if (id == 0) {
        id = ++last_id_;
        waiting_[id] = waiting{publisher, read, {}, 0};
      }
      ++waiting_[id].obligations;
      return id;
    };
    const bool behind_others = std::exchange(lines_up_, false);
    if (behind_others || touched_.size() > directory_.limits().receivers_at_once_max) [[unlikely]]
      send_in_parts(open());
    else
      line_up([&](target& t) {
        if (publisher) parked_[t.gate].push_back(open());
      });
    more(open);
    if (!publisher) return;
    if (id)
      waiting_[id].refusals = std::move(refusals);
    else
      lined_up_.push_back({nullptr, publisher, {read, std::move(refusals)}});
  }
  void finish(const caf::strong_actor_ptr& publisher, uint32_t read,
              std::vector<core::refusal> refusals) {
    finish(publisher, read, std::move(refusals), [](const auto&) {});
  }
  // An obligation of a batch has ended; these slots of it are refused.
  void met(uint64_t id, const std::vector<uint32_t>& refused = {}) {
    auto it = waiting_.find(id);
    if (it == waiting_.end()) return;
    for (uint32_t slot : refused)
      it->second.refusals.push_back({slot, mqtt::reason::quota_exceeded});
    if (--it->second.obligations > 0) return;
    answer(it->second.publisher, it->second.read, std::move(it->second.refusals));
    waiting_.erase(it);
  }
  // Sends what finished batches have for their receivers, and each answer after its batch. So who
  // talks to whom runs one after the other, while what they share is in the cache.
  void flush() {
    for (due& d : lined_up_) {
      if (!d.to)
        answer(d.publisher, d.answer.read, std::move(d.answer.refusals));
      else if (d.to->finished > 0)
        send_finished(*d.to);
    }
    lined_up_.clear();
  }
  // The next part of what is sent in parts.
  void send_part() {
    part_asked_ = false;
    const net::reactor::bulk_scope in_bulk(self_.home());
    const size_t at_once = part_max();
    for (size_t n = 0; n < at_once && !parts_.empty(); ++n) {
      const part p = parts_.front();
      parts_.pop_front();
      if (!p.gate) {  // the end of a batch
        if (p.id) met(p.id);
        continue;
      }
      target* t = find(p.gate);
      if (!t) continue;
      t->in_parts = false;
      if (!t->pending.empty()) send_page(*t, 0, 0);
      auto w = p.id ? waiting_.find(p.id) : waiting_.end();
      if (w == waiting_.end() || !park(*t, directory_.limits().mailbox_messages_max)) continue;
      ++w->second.obligations;
      parked_[p.gate].push_back(p.id);
    }
    ask_part();
  }

  // Retained messages for one receiver: no publisher waits, and it asks for the next page.
  void send_page(target& t, uint64_t page, uint32_t shard) {
    const auto n = static_cast<uint32_t>(t.pending.size());
    self_.home().count().published.add(n);
    t.gate->mailbox.fetch_add(n);
    deliver d{{}, page, shard};
    d.items.swap(t.pending);
    self_.send(t.who, std::move(d));
  }
  void forget_touched() {
    for (target* t : touched_) t->touched = false;
    touched_.clear();
    lines_up_ = false;
  }

  void on_drained(session_gate* gate) {
    auto it = parked_.find(gate);
    if (it == parked_.end()) return;
    auto ids = std::move(it->second);
    parked_.erase(it);
    for (uint64_t id : ids) met(id);
  }

 private:
  // Where a list goes out before the resume ends: what it is made of should still be in the cache.
  static constexpr uint32_t list_max = 256;

  void begin(target& t, size_t expected) {
    if (t.touched) return;
    if (t.in_parts && !t.pending.empty()) {
      lines_up_ = true;
      return;
    }
    t.touched = true;
    touched_.push_back(&t);
    if (t.pending.empty())
      t.pending.reserve(t.usual < list_max ? std::max<size_t>(expected, t.usual) : 2 * list_max);
  }
  // Calls on_held(target) for receivers that are held and will say so when they no longer are.
  template <class F>
  void line_up(F&& on_held) {
    const uint32_t most = directory_.limits().mailbox_messages_max;
    uint64_t copies = 0;
    for (target* t : touched_) {
      t->touched = false;
      const auto n = static_cast<uint32_t>(t->unfinished());
      copies += n;
      t->gate->mailbox.fetch_add(n);
      if (t->finished == 0) lined_up_.push_back({t, {}, {}});
      t->finished += n;
      if (park(*t, most)) on_held(*t);
      if (t->finished >= list_max) send_finished(*t);
    }
    touched_.clear();
    self_.home().count().published.add(copies);
  }
  bool park(target& t, uint32_t most) {
    if (!t.gate->held(most)) return false;
    t.gate->parked.store(true);
    return t.gate->held(most);
  }
  // What a batch in parts has for it stays behind.
  void send_finished(target& t) {
    deliver d{};
    d.items.swap(t.pending);
    t.usual = t.finished;
    if (d.items.size() > t.finished) {
      const auto rest = d.items.begin() + std::exchange(t.finished, 0);
      t.pending.assign(std::make_move_iterator(rest), std::make_move_iterator(d.items.end()));
      d.items.erase(rest, d.items.end());
    }
    t.finished = 0;
    self_.send(t.who, std::move(d));
  }

  // A receiver, by its gate: it may have gone. Without one it ends its batch.
  struct part {
    session_gate* gate = nullptr;
    uint64_t id = 0;  // of what the publisher waits for, 0: nobody waits
  };

  // id: the obligation of the whole batch, met when its last part has been sent.
  void send_in_parts(uint64_t id) {
    for (target* t : touched_) {
      t->in_parts = true;
      parts_.push_back({t->gate, id});
    }
    forget_touched();
    parts_.push_back({nullptr, id});
    ask_part();
  }
  // Receivers of a part: a turn is as short where several shards share a reactor. And what they
  // have for one receiver leaves in fewer writes than if each took as many.
  size_t part_max() const {
    const size_t in_use = directory_.placement.in_use();
    const size_t sharing = (directory_.reactors.size() + in_use - 1) / in_use;
    return std::max<size_t>(1, directory_.limits().receivers_at_once_max / sharing);
  }
  // In the next turn: a message to itself would be handled in this one, as up to 64 more.
  void ask_part() {
    if (parts_.empty() || std::exchange(part_asked_, true)) return;
    self_.home().post([me = caf::actor_cast<typename Self::actor_hdl>(&self_)] {
      caf::anon_send(me, send_next_part{});
    });
  }

  struct waiting {
    caf::strong_actor_ptr publisher;
    uint32_t read = 0;
    std::vector<core::refusal> refusals;
    uint32_t obligations = 0;
  };

  static core::shared_text with_id(const core::shared_text& ids, uint32_t id) {
    std::string s(ids.view());
    s.push_back(0x0B);
    do {
      const char b = static_cast<char>(id & 127);
      id >>= 7;
      s.push_back(id ? static_cast<char>(b | 0x80) : b);
    } while (id);
    return core::shared_text(s);
  }

  void answer(const caf::strong_actor_ptr& publisher, uint32_t read,
              std::vector<core::refusal> refusals) {
    self_.send(caf::actor_cast<publisher_actor>(publisher), accepted{read, std::move(refusals)});
  }

  Self& self_;
  directory& directory_;
  absl::flat_hash_map<session_gate*, std::unique_ptr<target>> targets_;
  std::vector<target*> touched_;
  struct due {  // a receiver's messages or a publisher's answer
    target* to = nullptr;
    caf::strong_actor_ptr publisher;
    accepted answer;
  };
  std::vector<due> lined_up_;  // for flush()
  absl::flat_hash_map<uint64_t, waiting> waiting_;
  absl::flat_hash_map<session_gate*, std::vector<uint64_t>> parked_;
  uint64_t last_id_ = 0;
  std::deque<part> parts_;
  bool part_asked_ = false;
  bool lines_up_ = false;  // this batch has something for a receiver whose part is still to come
};

}  // namespace dunlin
