// Dead letters of one rule in the spool's database: a bounded list, the oldest first. Private to
// the spool.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "rules/spool.hpp"
#include "rules/spool_db.hpp"

namespace dunlin::rules {

class dead_letters {
 public:
  dead_letters(spool_db& db, std::string rule, uint64_t messages_max, uint64_t bytes_max);

  // Learns what is there: the sizes alone stay in memory (4 bytes for each letter).
  absl::Status load();

  // Adds to `batch`, and drops the oldest for room.
  void add(const std::vector<dead_letter>& letters, rocksdb::WriteBatch& batch);

  absl::StatusOr<std::vector<dead_letter>> list(size_t max) const;
  const dead_letter_count& count() const { return count_; }

 private:
  spool_db& db_;
  std::string rule_;
  uint64_t messages_max_, bytes_max_;
  uint64_t first_ = 0;          // number of the oldest
  std::deque<uint32_t> sizes_;  // of each, the oldest first
  dead_letter_count count_;
};

}  // namespace dunlin::rules
