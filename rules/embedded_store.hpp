// The embedded queue's topics and consumer groups, and their RocksDB. Private to the embedded
// queue; one thread.
//
// Changes collect in a write batch until commit(); what they changed in memory holds at once.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/embedded_queue.hpp"
#include "rules/message_queue.hpp"

namespace dunlin::rules {

class embedded_store {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  static absl::StatusOr<std::unique_ptr<embedded_store>> open(
      const embedded_queue_options& options);
  ~embedded_store();

  // Nothing when the topic is full.
  bool append(const std::string& topic, const std::vector<queue_message>& batch, int64_t now_ms);
  void ack(const std::string& topic, const std::string& group, uint64_t sequence);
  void nack(const std::string& topic, const std::string& group, uint64_t sequence,
            time_point visible);
  // Deliveries whose time is over first, then new ones.
  std::vector<queue_message> take(const receive_request& what, time_point now);
  // When a delivery of the group comes again; max(): none is out.
  time_point next_visible(const std::string& topic, const std::string& group) const;
  void drop_old(int64_t now_ms);

  // Failed: the changes stay for the next try; append nothing more until one succeeds.
  absl::Status commit(bool sync);
  absl::Status sync();
  bool has_changes() const { return batch_.Count() > 0; }
  bool faulty() const { return faulty_; }

 private:
  struct delivery {
    time_point visible;
    uint32_t attempt;
  };
  struct group_state {
    uint64_t low = 0;     // all below are acknowledged
    uint64_t cursor = 0;  // the first that was never delivered
    std::map<uint64_t, delivery> out;
    std::set<std::pair<time_point, uint64_t>> by_time;  // of `out`
    std::set<uint64_t> acked;                           // above low
  };
  struct topic_state {
    uint64_t first = 0, next = 0;
    uint64_t bytes = 0, bytes_total = 0;  // kept; ever appended
    std::map<std::string, group_state, std::less<>> groups;
  };

  struct range {  // an iterator and the bound that it points to
    std::unique_ptr<std::string> to;
    std::unique_ptr<rocksdb::Slice> upper;
    std::unique_ptr<rocksdb::Iterator> it;
  };
  range iterate(std::string from, std::string to) const;

  absl::Status open_db();
  void close_db();
  absl::Status load();
  absl::Status load_topics();
  absl::Status load_groups();
  absl::Status error(std::string_view doing, const rocksdb::Status& s) const;
  group_state& group_of(const std::string& topic, topic_state& t, const std::string& group);
  bool make_room(const std::string& topic, topic_state& t, size_t messages, size_t bytes);
  void drop_before(const std::string& topic, topic_state& t, uint64_t before);
  void save_low(const std::string& topic, const std::string& group, group_state& g);
  bool read(const rocksdb::Slice& value, queue_message& m) const;
  void deliver(group_state& g, uint64_t sequence, uint32_t attempt, time_point visible,
               queue_message& m);

  embedded_queue_options options_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle *messages_ = nullptr, *groups_ = nullptr, *acks_ = nullptr;
  std::map<std::string, topic_state, std::less<>> topics_;
  rocksdb::WriteBatch batch_;
  bool faulty_ = false;
  time_point retry_at_;
  absl::Status fault_;
};

}  // namespace dunlin::rules
