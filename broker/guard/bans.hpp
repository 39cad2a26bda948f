// The ban list of the node, from every thread: the configuration's bans, those made at run time and
// those of flapping clients; kept on disk but for the first.
//
// Used by the handshake (on every connect; without any ban that is one atomic load) and the API.
#pragma once

#include <absl/status/status.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/guard/ban_list.hpp"
#include "broker/guard/ban_writer.hpp"
#include "broker/guard/flapping.hpp"
#include "broker/guard/limits.hpp"

namespace dunlin::guard {

class bans {
 public:
  using clock = std::function<int64_t()>;  // wall clock, ms

  explicit bans(clock now);

  // Reads what is stored and stores from here on. What is damaged is told in the log and set aside.
  void open(const std::string& data_dir);
  void close();  // after what was asked for is written

  void apply(const policy& p);  // p stays good

  bool any() const { return count_.load(std::memory_order_relaxed) > 0; }
  uint64_t flapping_banned() const { return flapping_banned_.load(std::memory_order_relaxed); }
  size_t count() const { return count_.load(std::memory_order_relaxed); }
  // A copy of the ban that holds; nothing for most.
  std::optional<ban> find(const who& w) const;
  bool address_banned(const ip& a) const;

  // One connect of this client ID; a ban when it is one too many.
  std::optional<ban> connected(std::string_view client_id, uint64_t now_ms);

  // `done` runs when it is stored, on another thread, or at once with what is wrong. A ban is in
  // force before that.
  void add(ban b, ban_writer::done done);
  void remove(ban_kind k, const std::string& value, ban_writer::done done);
  std::vector<ban> all() const;
  void remove_expired();

  // Called after a ban was added, on the thread that added it.
  void on_ban(std::function<void(const ban&)> f) { on_ban_ = std::move(f); }

 private:
  void added(const ban& b);
  void stored(ban_writer::done done);
  std::string text() const;

  const clock now_;
  std::function<void(const ban&)> on_ban_;
  std::atomic<const policy*> policy_{nullptr};
  std::atomic<size_t> count_{0};
  std::atomic<uint64_t> flapping_banned_{0};
  mutable std::mutex mutex_;  // of list_ and flapping_
  ban_list list_;
  flapping_table flapping_;
  std::unique_ptr<ban_writer> writer_;
};

}  // namespace dunlin::guard
