// The members of one shared subscription, and which of them gets a message (MQTT 5.0 section
// 4.8.2).
//
// Pure: the caller passes what a strategy needs (a random number, a hash). Whatever the strategy,
// nobody is given a message while another member stands better: one that is slow or offline gets
// something only when all are, and a persistent one that is offline then gets it queued.
//
//   shared_group<member> g;  g.members().push_back(m);
//   member* m = g.pick(share_strategy::hash_topic, hash_of(topic));
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::core {

enum class share_strategy : uint8_t {
  round_robin,
  random,             // key: a random number
  least_outstanding,  // the fewest messages unacknowledged, queued or on their way
  sticky,             // one member until it is held back or goes
  hash_client,        // key: hash of the publisher: its messages stay with one member, in order
  hash_topic,         // key: hash of the topic: the same for a topic
};

// How welcome a message is, from worst to best.
enum class standing : uint8_t {
  offline,
  slow,       // its output has been full for long
  congested,  // its output or queue is full
  waiting,    // its window is full: messages wait for acknowledgements
  ready,
};

// Member has standing(), outstanding() and hash().
template <class Member>
class shared_group {
 public:
  std::vector<Member>& members() { return members_; }
  void remove(size_t at) {
    members_.erase(members_.begin() + static_cast<long>(at));
    if (next_ > at) --next_;
    if (stuck_to_ > at)
      --stuck_to_;
    else if (stuck_to_ == at)
      stuck_to_ = none;
  }

  // Null: there is no member.
  Member* pick(share_strategy how, uint64_t key) {
    if (members_.empty()) return nullptr;
    switch (how) {
      case share_strategy::random:
        return random(key);
      case share_strategy::least_outstanding:
        return least();
      case share_strategy::sticky:
        return sticky();
      case share_strategy::hash_client:
      case share_strategy::hash_topic:
        return by_hash(key);
      case share_strategy::round_robin:
        break;
    }
    return in_turn();
  }

 private:
  static constexpr size_t none = ~size_t{0};

  Member* take(size_t at) {
    next_ = at + 1;
    return &members_[at];
  }

  Member* in_turn() {
    const size_t n = members_.size();
    size_t best_at = none;
    standing best{};
    for (size_t i = 0; i < n; ++i) {
      const size_t at = (next_ + i) % n;
      const standing s = members_[at].standing();
      if (s == standing::ready) return take(at);
      if (best_at == none || s > best) best = s, best_at = at;
    }
    return take(best_at);
  }

  Member* random(uint64_t key) {
    standing best{};
    size_t count = 0;
    for (const Member& m : members_) {
      const standing s = m.standing();
      if (count == 0 || s > best) best = s, count = 0;
      if (s == best) ++count;
    }
    // Another thread may change a standing between the two looks: then the last one takes it.
    size_t skip = key % count, last = 0;
    for (size_t at = 0; at < members_.size(); ++at) {
      if (members_[at].standing() != best) continue;
      last = at;
      if (skip-- == 0) break;
    }
    return &members_[last];
  }

  Member* least() {
    const size_t n = members_.size();
    size_t best_at = none;
    standing best{};
    uint64_t fewest = 0;
    for (size_t i = 0; i < n; ++i) {
      const size_t at = (next_ + i) % n;
      const standing s = members_[at].standing();
      const uint64_t count = members_[at].outstanding();
      if (best_at == none || s > best || (s == best && count < fewest))
        best = s, best_at = at, fewest = count;
    }
    return take(best_at);
  }

  // A full window is no reason to leave it: its messages wait there in order.
  Member* sticky() {
    if (stuck_to_ < members_.size() && members_[stuck_to_].standing() >= standing::waiting)
      return &members_[stuck_to_];
    Member* m = in_turn();
    stuck_to_ = static_cast<size_t>(m - members_.data());
    return m;
  }

  // Rendezvous hashing: a member that comes or goes moves only its own share of the keys. To keep
  // the order, a key stays with a member that is merely behind (its publishers are held back then).
  Member* by_hash(uint64_t key) {
    Member* best = nullptr;
    standing best_standing{};
    uint64_t best_score = 0;
    for (Member& m : members_) {
      standing s = m.standing();
      if (s >= standing::congested) s = standing::ready;
      const uint64_t score = mix(key ^ mix(m.hash()));
      if (!best || s > best_standing || (s == best_standing && score > best_score))
        best = &m, best_standing = s, best_score = score;
    }
    return best;
  }

  static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
  }

  std::vector<Member> members_;
  size_t next_ = 0;
  size_t stuck_to_ = none;
};

}  // namespace dunlin::core
