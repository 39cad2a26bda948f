// What other reactors may see of a session without asking it: who it is, and whether more messages
// are welcome.
//
// A member of the session; shards and registries hold the session's handle and with it this. It is
// how a slow receiver holds back its publishers: a shard that finds held() true keeps the
// publishers' `accepted` back until the session says `drained`. Who parks sets parked and looks
// again; who drains looks at parked after it has changed the rest; both with sequential
// consistency, so one of the two sees the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace dunlin {

struct session_gate {
  std::string client_id;                // fixed before anyone else sees it
  std::atomic<uint32_t> mailbox{0};     // message copies on the way to it
  std::atomic<uint32_t> unfinished{0};  // in flight and queued; kept while it is in a shared
                                        // subscription, for the choice of a member
  std::atomic<bool> waiting{false};     // the same: messages wait behind a full window
  // Its output or queue is full, and it has not been slow for long.
  std::atomic<bool> congested{false};
  std::atomic<bool> parked{false};  // somebody waits for drained
  std::atomic<bool> online{false};
  std::atomic<bool> slow{false};    // its output has been full for longer than slow_grace_ms
  std::atomic<bool> traced{false};  // shards tell its trace what becomes of its messages

  bool held(uint32_t mailbox_max) const { return congested.load() || mailbox.load() > mailbox_max; }
};

}  // namespace dunlin
