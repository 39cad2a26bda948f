#include "tests/load/verify.hpp"

#include <map>
#include <set>

namespace dunlin::load {
namespace {

// By publisher: what the broker owes of it.
struct owed {
  uint64_t limit = 0;
  const std::vector<uint64_t>* refused = nullptr;
};

template <class Seen>
void count(const Seen& seen, const owed& from, verdict& v) {
  v.expected += from.limit - from.refused->size();
  v.missing += seen.missing_below(from.limit);
  for (const uint64_t sequence : *from.refused) v.missing -= !seen.has(sequence);
  v.duplicates += seen.duplicates();
}

std::vector<owed> add_publishers(const std::vector<std::unique_ptr<worker>>& workers, uint8_t qos,
                                 verdict& v) {
  std::vector<owed> all;
  for (const auto& w : workers) {
    for (const auto& c : w->clients()) {
      if (!c->pub) continue;
      const publisher& p = *c->pub;
      if (all.size() <= p.id) all.resize(p.id + 1);
      all[p.id] = {qos == 0 ? p.sent : p.acknowledged, &p.refused};
      v.sent += p.sent;
      v.acknowledged += p.acknowledged - p.refused.size();
      v.refused += p.refused.size();
      v.acks_out_of_turn += p.acks_out_of_turn;
    }
  }
  return all;
}

void add_results(const worker& w, verdict& v) {
  const worker_results& r = w.results;
  v.unsent += w.unsent();
  v.misrouted += r.misrouted;
  v.foreign += r.foreign;
  v.wrong_size += r.wrong_size;
  v.malformed += r.malformed;
  v.dup_flags += r.dup_flags;
  v.failed_clients += w.counters.failed.load();
  if (v.first_error.empty()) v.first_error = r.first_error;
}

}  // namespace

verdict verify(const std::vector<std::unique_ptr<worker>>& workers, uint8_t qos) {
  verdict v;
  const std::vector<owed> from = add_publishers(workers, qos, v);
  std::map<uint32_t, group_seen> groups;
  std::set<const group_seen*> merged;
  for (const auto& w : workers) {
    add_results(*w, v);
    for (const auto& c : w->clients()) {
      if (const auto* in = dynamic_cast<const ordered_inbox*>(c->in.get())) {
        for (size_t i = 0; i < in->streams().size(); ++i) {
          count(in->streams()[i], from.at(in->first() + i), v);
          v.reordered += in->streams()[i].reordered();
        }
      } else if (const auto* part = dynamic_cast<const set_inbox*>(c->in.get())) {
        v.reordered += part->reordered();
        if (!merged.insert(part->seen().get()).second) continue;
        group_seen& group = groups[part->seen()->group];
        group.publishers.resize(from.size());
        for (size_t i = 0; i < from.size(); ++i) {
          group.publishers[i].merge(part->seen()->publishers.at(i));
        }
      }
    }
  }
  for (const auto& [id, group] : groups) {
    for (size_t i = 0; i < from.size(); ++i) count(group.publishers[i], from[i], v);
  }
  return v;
}

queue_check verify(const std::vector<std::unique_ptr<worker>>& workers,
                   const std::vector<seen_set>& publishers) {
  verdict of_queue;
  const std::vector<owed> from = add_publishers(workers, 1, of_queue);
  for (size_t i = 0; i < from.size(); ++i) count(publishers.at(i), from[i], of_queue);
  queue_check q;
  q.missing = of_queue.missing;
  q.duplicates = of_queue.duplicates;
  q.received = of_queue.expected - of_queue.missing;
  return q;
}

latencies merge_latencies(const std::vector<std::unique_ptr<worker>>& workers) {
  latencies all;
  for (const auto& w : workers) {
    all.delivery.merge(w->results.delivery);
    all.acknowledge.merge(w->results.acknowledge);
    all.lateness.merge(w->results.lateness);
  }
  return all;
}

}  // namespace dunlin::load
