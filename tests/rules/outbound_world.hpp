// An outbound_core in a world that the test holds in its hands: a disk that is a map, a queue that
// the test answers for, a clock that it moves.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/outbound_core.hpp"
#include "rules/record.hpp"

namespace dunlin::rules {

inline std::string record_of(const std::string& client, const std::string& payload,
                             const std::string& topic = "t/x") {
  device_message m;
  m.topic = topic;
  m.client_id = client;
  m.payload = payload;
  m.qos = 1;
  m.born_ms = 1;
  std::string record;
  append_record(m, record);
  return record;
}

class outbound_world {
 public:
  explicit outbound_world(outbound_options o)
      : options(std::move(o)), core(options, spool_state{.source = "s"}) {}

  // What survives a crash is the disk.
  void crash() {
    spool_state s{
        .source = "s", .first_sequence = low, .next_sequence = low, .next_message = low_message};
    if (!disk.empty()) {
      const auto &first = disk.begin()->second, &last = disk.rbegin()->second;
      s.first_sequence = first.sequence;
      s.next_sequence = last.sequence + 1;
      s.next_message = last.first_message + last.count;
      s.messages = s.next_message - first.first_message;
      for (auto& [n, e] : disk) s.bytes += e.records->size();
      s.oldest_ms = first.stored_ms;
    }
    core = outbound_core(options, s);
    flying.clear();
    core.wake(now);
    settle();
  }

  uint64_t store(const std::string& client, const std::string& payload,
                 const std::string& topic = "t/x") {
    core.store(++ticket, record_of(client, payload, topic), 1, now);
    settle();
    return ticket;
  }

  void advance(std::chrono::milliseconds by) {
    now.at += by;
    now.ms += by.count();
    core.wake(now);
    settle();
  }

  // Answers the oldest batch on the way.
  std::vector<queue_message> answer(outcome what, int code = 0, const std::string& error = "no") {
    return answer_at(0, what, code, error);
  }
  std::vector<queue_message> answer_at(size_t i, outcome what, int code = 0,
                                       const std::string& error = "no") {
    auto [id, batch] = std::move(flying.at(i));
    flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(i));
    if (what == outcome::ok) {
      for (auto& m : batch) sent.push_back(m);
    }
    core.sent(id, {what, code, what == outcome::ok ? "" : error}, now);
    settle();
    return batch;
  }

  // Carries out effects until there are none.
  void settle() {
    for (auto effects = core.take(); !effects.empty(); effects = core.take()) {
      for (auto& e : effects) std::visit([this](auto& x) { on(x); }, e);
    }
  }

  std::vector<std::string> sent_bodies() const {
    std::vector<std::string> all;
    for (const auto& m : sent) all.push_back(m.body);
    return all;
  }

  outbound_options options;
  instant now{std::chrono::steady_clock::time_point{} + std::chrono::hours(1), 1'000'000};
  outbound_core core;
  std::map<uint64_t, spool_entry> disk;
  uint64_t low = 0, low_message = 0;
  std::vector<std::pair<uint64_t, std::vector<queue_message>>> flying;
  std::vector<queue_message> sent;
  std::vector<dead_letter> dead;
  std::map<uint64_t, ec> answers;  // by ticket
  uint64_t ticket = 0;
  int reads = 0;
  bool disk_fails = false;

 private:
  void on(effect::write_entry& e) {
    if (!disk_fails) disk[e.entry.sequence] = e.entry;
    core.written(e.entry.sequence, !disk_fails, "disk full", now);
  }
  void on(effect::read_entries& e) {
    ++reads;
    std::vector<spool_entry> found;
    size_t bytes = 0;
    for (auto at = disk.lower_bound(e.from);
         at != disk.end() && at->first < e.to && bytes < e.bytes; ++at) {
      bytes += at->second.records->size();
      found.push_back(at->second);
    }
    core.read(std::move(found), e.to, now);
  }
  void on(effect::remove_entries& e) {
    disk.erase(disk.begin(), disk.lower_bound(e.before));
    low = e.before;
    low_message = e.next_message;
  }
  void on(effect::send_batch& e) { flying.emplace_back(e.request, std::move(e.batch)); }
  void on(effect::bury& e) {
    if (!disk_fails) dead.insert(dead.end(), e.letters.begin(), e.letters.end());
    core.buried(e.burial, !disk_fails, "disk full", now);
  }
  void on(effect::answer& e) {
    for (auto t : e.tickets) answers[t] = e.result;
  }
};

}  // namespace dunlin::rules
