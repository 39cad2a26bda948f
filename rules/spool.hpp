// What a node's rules have taken and not yet handed on, and what could not be handed on (dead
// letters): on disk.
//
// Used by outbound (append, read, remove), status, and inbound (dead letters). One RocksDB for all
// rules of a node, keyed by rule and sequence. Every call but open and attach returns at once;
// `done` runs on a thread of the spool's own and must not block. Appends that arrive while the last
// write runs go out together, with one fsync (group commit).
//   auto s = spool::open({.path = "data/spool"});
//   auto state = (*s)->attach("report");
//   (*s)->append("report", {.sequence = state->next_sequence, .count = 3, .records = r}, true,
//   done);
//   (*s)->remove("report", sequence + 1, number);
//
// Crash: what append answered is there after it (durable, sync::always); a removed entry may come
// again (at least once). A torn tail of the log is dropped (it was never answered); any other
// damage is an error that names the path.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rules/dead_letter.hpp"

namespace rocksdb {
class Env;
}

namespace dunlin::rules {

enum class spool_sync { always, interval, never };

struct spool_options {
  std::string path;
  spool_sync sync = spool_sync::always;
  std::chrono::milliseconds sync_interval{
      200};  // spool_sync::interval: the most that a power cut may take
  // Dead letters of one rule. Over: the oldest are dropped and counted.
  uint64_t dead_letters_max = 100'000;
  uint64_t dead_letter_bytes_max = 256ull << 20;
  rocksdb::Env* env = nullptr;  // tests: a file system with faults
};

// One append: records (rules/record.hpp) that were taken together.
struct spool_entry {
  uint64_t sequence = 0;       // rises by one with each entry of the rule
  uint64_t first_message = 0;  // number of its first message; never used twice
  uint32_t count = 0;
  int64_t stored_ms = 0;  // since the epoch
  std::shared_ptr<const std::string> records;
};

// What a rule finds when it starts.
struct spool_state {
  std::string
      source;  // made up when the rule's spool was; with a message's number it names it for good
  uint64_t first_sequence = 0;  // of the backlog
  uint64_t next_sequence = 0;
  uint64_t next_message = 0;
  uint64_t messages = 0, bytes = 0;  // the backlog's
  int64_t oldest_ms = 0;             // when its first entry was stored; 0: none
};

struct dead_letter_count {
  uint64_t messages = 0, bytes = 0;
  uint64_t dropped = 0;  // since the start, for room
};

class spool {
 public:
  using done = std::function<void(absl::Status)>;
  using entries = absl::StatusOr<std::vector<spool_entry>>;

  static absl::StatusOr<std::shared_ptr<spool>> open(spool_options options);
  ~spool();

  // Once for each rule, before anything else; may block.
  absl::StatusOr<spool_state> attach(const std::string& rule);

  // durable: answered when it is synced as the options say; else when it is written (survives the
  // process, not the power).
  void append(const std::string& rule, spool_entry entry, bool durable, done answer);

  // Entries below `before` are done with. Written with the next append, or a little later.
  // `next_message` is the number after the last message below.
  void remove(const std::string& rule, uint64_t before, uint64_t next_message);

  // Entries with from <= sequence < to in order, up to bytes_max (at least one where there is one).
  // Sequences may be missing: their append failed.
  void read(const std::string& rule, uint64_t from, uint64_t to, size_t bytes_max,
            std::function<void(entries)> answer);

  void add_dead_letters(const std::string& rule, std::vector<dead_letter> letters, done answer);
  dead_letter_count count_dead_letters(const std::string& rule) const;
  // The oldest first; may block.
  absl::StatusOr<std::vector<dead_letter>> list_dead_letters(const std::string& rule,
                                                             size_t max) const;

  const std::string& path() const;

 private:
  struct impl;
  struct threads;
  explicit spool(std::shared_ptr<impl> i);
  std::shared_ptr<impl> impl_;
  std::unique_ptr<threads> threads_;
};

}  // namespace dunlin::rules
