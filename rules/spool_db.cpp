#include "rules/spool_db.hpp"

#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "rules/bytes.hpp"

namespace dunlin::rules {
namespace {

constexpr uint8_t entry_version = 1;

rocksdb::ColumnFamilyOptions family_options(size_t write_buffer) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = write_buffer;
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 64 << 10;  // read once, in order
  table.block_cache = rocksdb::NewLRUCache(8 << 20);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // A drained backlog is nothing but deletions: have it compacted, or it would keep its room on the
  // disk.
  options.table_properties_collector_factories = {
      rocksdb::NewCompactOnDeletionCollectorFactory(256, 128)};
  return options;
}

// After a failed write the database is opened again, by us.
struct no_recovery : rocksdb::EventListener {
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::DBOptions db_options(const spool_options& from) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // Torn at the end: the write was never answered, drop it. Damaged before the end: an error, since
  // what was answered is behind it.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_total_wal_size = 256 << 20;
  options.max_open_files = 256;
  options.max_background_jobs = 2;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 4 << 20;
  options.stats_dump_period_sec = 0;
  options.bytes_per_sync = 1 << 20;
  options.max_bgerror_resume_count = 0;
  options.listeners.push_back(std::make_shared<no_recovery>());
  if (from.env) options.env = from.env;
  return options;
}

}  // namespace

void spool_db::close(bool faulty) {
  if (!db) return;
  for (auto** family : {&entries, &dead, &meta}) {
    if (*family) db->DestroyColumnFamilyHandle(*family);
    *family = nullptr;
  }
  if (!faulty) db->SyncWAL();  // (of a log whose last write failed it is not allowed)
  db->Close();
  db.reset();
}

absl::Status spool_db::error(std::string_view doing, const rocksdb::Status& s) const {
  std::string text = "spool " + path + ": " + std::string(doing) + ": " + s.ToString();
  if (s.IsNoSpace() || s.ToString().find("No space left") != std::string::npos) {
    return absl::ResourceExhaustedError(text + " (free some space: the rule goes on by itself)");
  }
  if (s.IsCorruption()) {
    return absl::DataLossError(
        text +
        " (its files are damaged: restore them, or move the directory away to "
        "start with an empty spool; what was not sent stays in it)");
  }
  if (s.ToString().find("lock") != std::string::npos) {
    return absl::UnavailableError(text + " (is another node running on this data directory?)");
  }
  return absl::UnavailableError(text);
}

absl::Status spool_db::open() {
  std::error_code fault;
  std::filesystem::create_directories(path, fault);
  if (fault) {
    return absl::UnavailableError("spool " + path + ": cannot be created: " + fault.message() +
                                  " (check node.data_dir and its permissions)");
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, family_options(64 << 20)},
      {"dead", family_options(8 << 20)},
      {"meta", family_options(1 << 20)}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  auto s = rocksdb::DB::Open(db_options(options), path, families, &handles, &opened);
  if (!s.ok()) return error("cannot be opened", s);
  db.reset(opened);
  entries = handles[0];
  dead = handles[1];
  meta = handles[2];
  return absl::OkStatus();
}

std::string spool_key(std::string_view rule, uint64_t number) {
  std::string key;
  key.reserve(rule.size() + 9);
  key.append(rule);
  key += '\0';
  put_key_number(key, number);
  return key;
}

bool is_key_of(std::string_view rule, const rocksdb::Slice& key) {
  return key.size() == rule.size() + 9 && view(key).substr(0, rule.size()) == rule &&
         key[rule.size()] == '\0';
}

std::string encode_entry_head(const spool_entry& e, uint64_t bytes_before) {
  std::string head;
  head.reserve(29);
  put_number(head, entry_version);
  put_number(head, e.count);
  put_number(head, e.first_message);
  put_number(head, bytes_before);
  put_number(head, e.stored_ms);
  return head;
}

bool decode_entry(const rocksdb::Slice& key, const rocksdb::Slice& value, decoded_entry& out) {
  byte_reader in{view(value)};
  if (in.number<uint8_t>() != entry_version) return false;
  out.entry.sequence = key_number(view(key));
  out.entry.count = in.number<uint32_t>();
  out.entry.first_message = in.number<uint64_t>();
  out.bytes_before = in.number<uint64_t>();
  out.entry.stored_ms = in.number<int64_t>();
  out.records = in.rest();
  return in.whole();
}

}  // namespace dunlin::rules
