// What an outbound rule decides: which batches to send, when to try again, what is done with. Pure:
// (input, now) -> effects.
//
// Used by the outbound actor, which carries the effects out and brings their results back; and by
// tests.
//   outbound_core core(options, state);
//   core.store(ticket, records, count, now);  for (auto& e : core.take()) std::visit(...);
//   core.wake(now) at core.due(now).
//
// The way of a message: store -> write_entry -> written (answer, acknowledge: stored) -> window ->
// lane -> send_batch -> sent (answer, acknowledge: delivered) -> remove_entries. The window holds a
// bounded part of the spool, just-written entries first hand while it has room; what does not fit
// is read again later. acknowledge: delivered goes through the spool too, but does not wait for its
// fsync: a crash loses only what no publisher was told is taken.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "rules/actors.hpp"
#include "rules/batch_builder.hpp"
#include "rules/errors.hpp"
#include "rules/lanes.hpp"
#include "rules/message_queue.hpp"
#include "rules/rate.hpp"
#include "rules/rule.hpp"
#include "rules/spool.hpp"

namespace dunlin::rules {

struct instant {
  std::chrono::steady_clock::time_point at;
  int64_t ms = 0;  // since the epoch
};

struct outbound_options {
  rule config;
  record_kind kind = record_kind::message;
  message_queue::send_limits limits;
  size_t window_bytes_max = 32 << 20;     // records in memory; over: they wait in the spool
  size_t window_entries_max = 1 << 16;    // likewise
  size_t unwritten_bytes_max = 64 << 20;  // taken and not yet on disk; over: ec::overloaded
  size_t entry_bytes_max = 1 << 20;       // stores that come together share an entry up to this
};

namespace effect {
struct write_entry {
  spool_entry entry;
  bool durable;
};
struct read_entries {
  uint64_t from, to;
  size_t bytes;
};
struct remove_entries {
  uint64_t before, next_message;
};
struct send_batch {
  uint64_t request;
  std::vector<queue_message> batch;
};
struct bury {
  uint64_t burial;
  std::vector<dead_letter> letters;
};
struct answer {
  std::vector<uint64_t> tickets;
  ec result;  // none: stored
};
}  // namespace effect
using outbound_effect =
    std::variant<effect::write_entry, effect::read_entries, effect::remove_entries,
                 effect::send_batch, effect::bury, effect::answer>;

class outbound_core {
 public:
  outbound_core(outbound_options options, spool_state state);

  // Inputs.
  void store(uint64_t ticket, std::string records, uint32_t count, instant now);
  void written(uint64_t sequence, bool ok, const std::string& error, instant now);
  void read(std::vector<spool_entry> entries, uint64_t to, instant now);
  void read_failed(const std::string& error, instant now);
  void sent(uint64_t request, const queue_result& result, instant now);
  void buried(uint64_t burial, bool ok, const std::string& error, instant now);
  void wake(instant now);
  void stop(instant now);  // takes and sends nothing new

  std::vector<outbound_effect> take() { return std::exchange(effects_, {}); }

  // When to wake: a batch is full of waiting, a retry is due. max(): not before the next input.
  std::chrono::steady_clock::time_point due() const;
  bool idle() const;  // nothing is on the way (after stop)
  std::string_view state() const;
  rule_status status(instant now);

 private:
  using time_point = std::chrono::steady_clock::time_point;

  struct building {  // stores on their way into one entry
    std::string records;
    uint32_t count = 0;
    std::vector<uint64_t> tickets;
  };
  struct entry {  // of the window
    spool_entry stored;
    size_t bytes = 0;
    uint32_t unsettled = 0;
    std::vector<uint64_t> tickets;  // acknowledge: delivered
  };
  struct request {
    lane* from = nullptr;
    std::vector<message_ref> refs;
    size_t bytes = 0;  // of their records
    int64_t built_ms = 0;
    uint32_t attempts = 0;
    bool waiting = false;  // for its next attempt, at `due`
    time_point due;
  };
  struct burial {
    std::vector<message_ref> refs;
    std::vector<dead_letter> letters;
    bool waiting = false;
    time_point due;
  };
  enum class health : uint8_t { running, retrying, misconfigured };

  // Spool side.
  ec check_store(std::string_view records, uint32_t count) const;
  void write_pending(instant now);
  void admit(spool_entry e, std::vector<uint64_t> tickets, instant now);
  void read_ahead(instant now);
  bool window_has_room() const;
  void settle(const message_ref& ref);
  void advance();

  // Queue side.
  uint64_t lane_key(const device_message& m) const;
  void pump(instant now);
  bool send_from(lane& l, instant now);
  void send_again(uint64_t id, request& r, instant now);
  bool record_at(const message_ref& ref, device_message& m, size_t* size = nullptr) const;
  uint64_t number_of(const message_ref& ref) const;
  void on_ok(request r, instant now);
  void on_retry(request& r, bool misconfigured, instant now);
  void on_refused(request r, const queue_result& result, instant now);
  void bury(std::vector<message_ref> refs, int code, const std::string& reason, instant now);
  void note_error(std::string text, instant now);
  std::chrono::milliseconds back_off(uint32_t attempts) const;

  outbound_options options_;
  batch_options batch_options_;
  std::vector<outbound_effect> effects_;
  bool stopping_ = false;

  // Taken, being written.
  std::deque<building> pending_;
  struct writing {
    spool_entry entry;
    std::vector<uint64_t> tickets;
  };
  std::deque<writing> writing_;
  uint64_t unwritten_bytes_ = 0;
  uint64_t next_sequence_ = 0, next_message_ = 0;

  // In the spool: [front of window, durable_next_), of which the window has those below read_next_.
  uint64_t read_next_ = 0, durable_next_ = 0;
  bool spilled_ = false;  // some are not in the window
  bool reading_ = false;
  time_point read_retry_;
  bool read_fault_ = false;
  uint64_t spool_bytes_ = 0, lag_ = 0;
  int64_t oldest_ms_ = 0;  // of what is not in the window
  std::unordered_map<uint64_t, std::vector<uint64_t>> spilled_tickets_;

  std::deque<entry> window_;
  uint64_t first_slot_ = 0;  // of window_.front()
  size_t window_bytes_ = 0;

  lanes lanes_;
  std::unordered_map<uint64_t, request> requests_;
  uint64_t next_request_ = 1;
  std::unordered_map<uint64_t, burial> burials_;
  uint64_t next_burial_ = 1;

  health health_ = health::running;
  time_point down_since_;  // when it was not running
  bool store_fault_ = false;
  rule_status counters_;
  rate rate_;
};

}  // namespace dunlin::rules
