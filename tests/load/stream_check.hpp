// Loss, duplicates and reordering from the sequence numbers that a receiver saw: counted, never
// estimated.
//
// Used by inbox.hpp. A stream_check follows one publisher at one receiver that is to get
// everything. A seen_set only remembers which numbers came, for messages that are divided among
// receivers (shared subscriptions) or come in no order (retained); sets of several receivers or
// threads merge.
//   stream_check s; s.got(0); s.got(2); s.missing_below(3) -> 1; s.got(1); s.reordered() -> 1
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::load {

class stream_check {
 public:
  // Whether it came for the first time.
  bool got(uint64_t sequence) {
    if (sequence != next_) return got_out_of_turn(sequence);
    ++next_;
    return true;
  }
  bool has(uint64_t sequence) const;
  // How many of the numbers 0..limit-1 have not come.
  uint64_t missing_below(uint64_t limit) const;
  uint64_t duplicates() const { return duplicates_; }
  // Messages that came after one with a higher number.
  uint64_t reordered() const { return reordered_; }

 private:
  struct gap {
    uint64_t from, to;  // [from, to) has not come
  };
  bool got_out_of_turn(uint64_t sequence);
  bool fill(uint64_t sequence);

  uint64_t next_ = 0;      // one past the highest that came
  std::vector<gap> gaps_;  // ascending, all below next_
  uint64_t duplicates_ = 0;
  uint64_t reordered_ = 0;
};

class seen_set {
 public:
  bool got(uint64_t sequence);
  bool has(uint64_t sequence) const;
  void merge(const seen_set& other);  // what both have seen is a duplicate
  uint64_t missing_below(uint64_t limit) const;
  uint64_t duplicates() const { return duplicates_; }

 private:
  std::vector<uint64_t> words_;
  uint64_t duplicates_ = 0;
};

}  // namespace dunlin::load
