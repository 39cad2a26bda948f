// The spool's RocksDB: its column families, keys, values and the text of its errors. Private to the
// spool.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <string>
#include <string_view>

#include "rules/spool.hpp"

namespace dunlin::rules {

struct spool_db {
  spool_options options;
  const std::string& path = options.path;
  std::unique_ptr<rocksdb::DB> db;
  // entries: rule, sequence -> entry; dead: rule, number -> dead letter; meta: "low/" rule,
  // "source/" rule.
  rocksdb::ColumnFamilyHandle *entries = nullptr, *dead = nullptr, *meta = nullptr;

  ~spool_db() { close(false); }

  absl::Status open();
  void close(bool faulty);

  // After a failed write RocksDB takes no more, and what it offers to go on (Resume) ends for good
  // when the disk is still full. Opening it again works as often as needed; what was answered is in
  // its files.
  absl::Status reopen() {
    close(true);
    return open();
  }

  // For people: what failed, where, and what to do.
  absl::Status error(std::string_view doing, const rocksdb::Status& s) const;
};

// Keys of one rule are together and in order: the rule, a NUL (no rule id has one), the number.
std::string spool_key(std::string_view rule, uint64_t number);
bool is_key_of(std::string_view rule, const rocksdb::Slice& key);

// `bytes_before`: of all entries of the rule so far, so that a backlog's size is the difference of
// two entries.
std::string encode_entry_head(const spool_entry& e, uint64_t bytes_before);
struct decoded_entry {
  spool_entry entry;  // sequence from the key
  uint64_t bytes_before = 0;
  std::string_view records;
};
bool decode_entry(const rocksdb::Slice& key, const rocksdb::Slice& value, decoded_entry& out);

inline std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

}  // namespace dunlin::rules
