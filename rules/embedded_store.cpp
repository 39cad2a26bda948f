#include "rules/embedded_store.hpp"

#include <rocksdb/convenience.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "rules/bytes.hpp"

namespace dunlin::rules {
namespace {

constexpr uint8_t message_version = 1;
constexpr size_t receive_bytes_max = 4 << 20;  // one receive() gives no more, but for one message
constexpr std::chrono::milliseconds resume_interval{500};

std::string message_key(std::string_view topic, uint64_t sequence) {
  std::string key{topic};
  key += '\0';
  put_key_number(key, sequence);
  return key;
}
std::string group_key(std::string_view topic, std::string_view group) {
  std::string key{topic};
  key += '\0';
  key += group;
  return key;
}
std::string ack_key(std::string_view topic, std::string_view group, uint64_t sequence) {
  return message_key(group_key(topic, group), sequence);
}
std::string number(uint64_t n) {
  std::string value;
  put_number(value, n);
  return value;
}
std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

std::string encode(const queue_message& m, int64_t now_ms, uint64_t bytes_before) {
  std::string value;
  value.reserve(m.body.size() + 256);
  put_number(value, message_version);
  put_number(value, now_ms);
  put_number(value, bytes_before);
  put_number(value, m.born_ms);
  for (const auto* s : {&m.tag, &m.message_group, &m.message_id}) put_string(value, *s);
  put_number(value, static_cast<uint32_t>(m.keys.size()));
  for (const auto& key : m.keys) put_string(value, key);
  put_number(value, static_cast<uint32_t>(m.properties.size()));
  for (const auto& [name, text] : m.properties) {
    put_string(value, name);
    put_string(value, text);
  }
  value.append(m.body);
  return value;
}

struct head {
  uint8_t version;
  int64_t stored_ms;
  uint64_t bytes_before;
};
head decode_head(byte_reader& in) {
  return {in.number<uint8_t>(), in.number<int64_t>(), in.number<uint64_t>()};
}
head decode_head(const rocksdb::Slice& value) {
  byte_reader in{view(value)};
  return decode_head(in);
}

rocksdb::ColumnFamilyOptions family(size_t buffer) {
  rocksdb::ColumnFamilyOptions o;
  o.write_buffer_size = buffer;
  o.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 32 << 10;
  table.block_cache = rocksdb::NewLRUCache(16 << 20);
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

}  // namespace

absl::StatusOr<std::unique_ptr<embedded_store>> embedded_store::open(
    const embedded_queue_options& options) {
  auto s = std::make_unique<embedded_store>();
  s->options_ = options;
  std::error_code fault;
  std::filesystem::create_directories(options.path, fault);
  if (fault) {
    return absl::UnavailableError("queue " + options.path + ": cannot be created: " +
                                  fault.message() + " (check node.data_dir and its permissions)");
  }
  if (auto opened = s->open_db(); !opened.ok()) return opened;
  if (auto loaded = s->load(); !loaded.ok()) return loaded;
  return s;
}

absl::Status embedded_store::open_db() {
  rocksdb::DBOptions o;
  o.create_if_missing = o.create_missing_column_families = true;
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.max_total_wal_size = 256 << 20;
  o.max_open_files = 256;
  o.keep_log_file_num = 2;
  o.max_log_file_size = 4 << 20;
  o.stats_dump_period_sec = 0;
  o.max_bgerror_resume_count = 0;
  std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, family(64 << 20)},
      {"groups", family(1 << 20)},
      {"acks", family(4 << 20)}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  if (auto s = rocksdb::DB::Open(o, options_.path, families, &handles, &db); !s.ok()) {
    return error("cannot be opened", s);
  }
  db_.reset(db);
  messages_ = handles[0];
  groups_ = handles[1];
  acks_ = handles[2];
  return absl::OkStatus();
}

void embedded_store::close_db() {
  if (!db_) return;
  for (auto* f : {messages_, groups_, acks_}) db_->DestroyColumnFamilyHandle(f);
  if (!faulty_) db_->SyncWAL();
  db_->Close();
  db_.reset();
}

embedded_store::~embedded_store() { close_db(); }

absl::Status embedded_store::error(std::string_view doing, const rocksdb::Status& s) const {
  auto text = "queue " + options_.path + ": " + std::string(doing) + ": " + s.ToString();
  if (s.IsCorruption()) {
    return absl::DataLossError(
        text +
        " (its files are damaged: restore them, or move the directory away to "
        "start with an empty queue)");
  }
  return absl::UnavailableError(text);
}

// --- loading ---

absl::Status embedded_store::load() {
  if (auto s = load_topics(); !s.ok()) return s;
  return load_groups();
}

absl::Status embedded_store::load_topics() {
  std::unique_ptr<rocksdb::Iterator> at{db_->NewIterator({}, messages_)};
  at->SeekToFirst();
  while (at->Valid()) {
    std::string topic{view(at->key()).substr(0, at->key().size() - 9)};
    auto& t = topics_[topic];
    t.first = key_number(view(at->key()));
    auto bytes_before = decode_head(at->value()).bytes_before;
    at->SeekForPrev(message_key(topic, UINT64_MAX));
    if (!at->Valid()) break;
    t.next = key_number(view(at->key())) + 1;
    t.bytes_total = decode_head(at->value()).bytes_before + at->value().size();
    t.bytes = t.bytes_total - bytes_before;
    at->Next();
  }
  return at->status().ok() ? absl::OkStatus() : error("reading", at->status());
}

absl::Status embedded_store::load_groups() {
  std::unique_ptr<rocksdb::Iterator> at{db_->NewIterator({}, groups_)};
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    auto key = view(at->key());
    auto cut = key.find('\0');
    if (cut == std::string_view::npos) continue;
    auto& t = topics_[std::string(key.substr(0, cut))];
    auto value = byte_reader{view(at->value())}.number<uint64_t>();
    if (cut + 1 == key.size()) {  // the topic's own: where it goes on when no message is left
      if (t.next < value) t.first = t.next = value;
    } else {
      auto& g = t.groups[std::string(key.substr(cut + 1))];
      g.low = g.cursor = value;
    }
  }
  if (!at->status().ok()) return error("reading", at->status());
  at.reset(db_->NewIterator({}, acks_));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    auto key = view(at->key());
    auto cut = key.find('\0');
    auto t = topics_.find(key.substr(0, cut));
    if (t == topics_.end()) continue;
    auto g = t->second.groups.find(key.substr(cut + 1, key.size() - cut - 10));
    if (g == t->second.groups.end()) continue;
    if (auto n = key_number(key); n >= g->second.low) g->second.acked.insert(n);
  }
  return at->status().ok() ? absl::OkStatus() : error("reading", at->status());
}

// --- sending ---

bool embedded_store::append(const std::string& topic, const std::vector<queue_message>& batch,
                            int64_t now_ms) {
  auto& t = topics_[topic];
  size_t bytes = 0;
  for (const auto& m : batch) bytes += m.body.size();
  if (!make_room(topic, t, batch.size(), bytes)) return false;
  for (const auto& m : batch) {
    auto value = encode(m, now_ms, t.bytes_total);
    batch_.Put(messages_, message_key(topic, t.next++), value);
    t.bytes += value.size();
    t.bytes_total += value.size();
  }
  return true;
}

bool embedded_store::make_room(const std::string& topic, topic_state& t, size_t messages,
                               size_t bytes) {
  auto over = [&] {
    return t.next - t.first + messages > options_.messages_max ||
           t.bytes + bytes > options_.bytes_max;
  };
  while (over()) {
    auto seen = t.next;
    for (const auto& [name, g] : t.groups) seen = std::min(seen, g.low);
    if (seen <= t.first) return false;
    // Some more than needed, so that it is not done for every message.
    auto some = std::max<uint64_t>(messages, (t.next - t.first) / 16);
    drop_before(topic, t, std::min(seen, t.first + some));
  }
  return true;
}

void embedded_store::drop_before(const std::string& topic, topic_state& t, uint64_t before) {
  batch_.DeleteRange(messages_, message_key(topic, t.first), message_key(topic, before));
  batch_.Put(groups_, group_key(topic, ""), number(before));
  t.first = before;
  std::string value;
  bool left = before < t.next && db_->Get({}, messages_, message_key(topic, before), &value).ok();
  // (One that is still in the batch at hand is not found: its size is looked for again with the
  // next drop.)
  if (left) t.bytes = t.bytes_total - decode_head(value).bytes_before;
  if (before == t.next) t.bytes = 0;
  for (auto& [name, g] : t.groups) {
    if (g.low >= before) continue;
    for (auto n = g.out.begin(); n != g.out.end() && n->first < before; n = g.out.erase(n)) {
      g.by_time.erase({n->second.visible, n->first});
    }
    g.cursor = std::max(g.cursor, before);
    save_low(topic, name, g);
  }
}

void embedded_store::drop_old(int64_t now_ms) {
  auto oldest = now_ms - std::chrono::milliseconds(options_.retention).count();
  for (auto& [topic, t] : topics_) {
    if (t.first == t.next) continue;
    auto at = iterate(message_key(topic, t.first), message_key(topic, t.next));
    auto before = t.first;
    for (; at.it->Valid() && decode_head(at.it->value()).stored_ms < oldest; at.it->Next()) {
      before = key_number(view(at.it->key())) + 1;
    }
    if (before > t.first) drop_before(topic, t, before);
  }
}

embedded_store::range embedded_store::iterate(std::string from, std::string to) const {
  range r;
  r.to = std::make_unique<std::string>(std::move(to));
  r.upper = std::make_unique<rocksdb::Slice>(*r.to);
  rocksdb::ReadOptions how;
  how.iterate_upper_bound = r.upper.get();
  r.it.reset(db_->NewIterator(how, messages_));
  r.it->Seek(from);
  return r;
}

// --- receiving ---

embedded_store::group_state& embedded_store::group_of(const std::string& topic, topic_state& t,
                                                      const std::string& group) {
  auto [at, is_new] = t.groups.try_emplace(group);
  if (is_new) {
    at->second.low = at->second.cursor = t.first;
    batch_.Put(groups_, group_key(topic, group), number(t.first));
  }
  return at->second;
}

bool embedded_store::read(const rocksdb::Slice& value, queue_message& m) const {
  byte_reader in{view(value)};
  if (decode_head(in).version != message_version) return false;
  m.born_ms = in.number<int64_t>();
  for (auto* s : {&m.tag, &m.message_group, &m.message_id}) *s = in.string();
  for (auto n = in.number<uint32_t>(); n > 0 && in.whole(); --n) m.keys.emplace_back(in.string());
  for (auto n = in.number<uint32_t>(); n > 0 && in.whole(); --n) {
    auto name = in.string();
    m.properties.emplace_back(name, in.string());
  }
  m.body = in.rest();
  return in.whole();
}

void embedded_store::deliver(group_state& g, uint64_t sequence, uint32_t attempt,
                             time_point visible, queue_message& m) {
  m.receipt = std::to_string(sequence) + '.' + std::to_string(attempt);
  m.attempt = attempt;
  g.out[sequence] = {visible, attempt};
  g.by_time.emplace(visible, sequence);
}

std::vector<queue_message> embedded_store::take(const receive_request& what, time_point now) {
  auto& t = topics_[what.topic];
  auto& g = group_of(what.topic, t, what.group);
  std::vector<queue_message> found;
  size_t bytes = 0;
  auto visible = now + what.invisible;
  auto room = [&] { return found.size() < what.messages_max && bytes < receive_bytes_max; };
  while (room() && !g.by_time.empty() && g.by_time.begin()->first <= now) {
    auto sequence = g.by_time.begin()->second;
    g.by_time.erase(g.by_time.begin());
    auto attempt = g.out[sequence].attempt + 1;
    std::string value;
    auto& m = found.emplace_back();
    bool readable =
        db_->Get({}, messages_, message_key(what.topic, sequence), &value).ok() && read(value, m);
    if (readable) {
      bytes += value.size();
      deliver(g, sequence, attempt, visible, m);
    } else {
      found.pop_back();
      g.out.erase(sequence);
    }
  }
  if (!room() || g.cursor >= t.next || g.cursor - g.low >= options_.unacked_max) return found;
  auto end = message_key(what.topic, t.next);
  auto at = iterate(message_key(what.topic, g.cursor), end);
  for (; room() && at.it->Valid(); at.it->Next()) {
    auto sequence = key_number(view(at.it->key()));
    g.cursor = sequence + 1;
    if (g.acked.contains(sequence)) continue;
    auto& m = found.emplace_back();
    if (!read(at.it->value(), m)) {
      found.pop_back();
      continue;
    }
    bytes += at.it->value().size();
    deliver(g, sequence, 1, visible, m);
  }
  save_low(what.topic, what.group, g);
  return found;
}

void embedded_store::ack(const std::string& topic, const std::string& group, uint64_t sequence) {
  auto t = topics_.find(topic);
  if (t == topics_.end()) return;
  auto& g = group_of(topic, t->second, group);
  // Without being out: a second time, or it was delivered before a restart.
  if (sequence < g.low || sequence >= t->second.next || !g.acked.insert(sequence).second) return;
  if (auto out = g.out.find(sequence); out != g.out.end()) {
    g.by_time.erase({out->second.visible, sequence});
    g.out.erase(out);
  }
  batch_.Put(acks_, ack_key(topic, group, sequence), "");
  save_low(topic, group, g);
}

// What is acknowledged without a gap is one number; single acknowledgements are kept above it.
void embedded_store::save_low(const std::string& topic, const std::string& group, group_state& g) {
  auto low = g.out.empty() ? g.cursor : std::min(g.cursor, g.out.begin()->first);
  if (low == g.low) return;
  g.low = low;
  batch_.Put(groups_, group_key(topic, group), number(low));
  while (!g.acked.empty() && *g.acked.begin() < low) {
    batch_.Delete(acks_, ack_key(topic, group, *g.acked.begin()));
    g.acked.erase(g.acked.begin());
  }
}

void embedded_store::nack(const std::string& topic, const std::string& group, uint64_t sequence,
                          time_point visible) {
  auto t = topics_.find(topic);
  if (t == topics_.end()) return;
  auto g = t->second.groups.find(group);
  if (g == t->second.groups.end()) return;
  auto out = g->second.out.find(sequence);
  if (out == g->second.out.end()) return;
  g->second.by_time.erase({out->second.visible, sequence});
  out->second.visible = visible;
  g->second.by_time.emplace(visible, sequence);
}

embedded_store::time_point embedded_store::next_visible(const std::string& topic,
                                                        const std::string& group) const {
  auto t = topics_.find(topic);
  if (t == topics_.end()) return time_point::max();
  auto g = t->second.groups.find(group);
  if (g == t->second.groups.end() || g->second.by_time.empty()) return time_point::max();
  return g->second.by_time.begin()->first;
}

// --- writing ---

// After a failed write the database is opened again, now and then: RocksDB itself takes no more.
// The batch names its column families by number, so it outlives that.
absl::Status embedded_store::commit(bool sync) {
  auto now = std::chrono::steady_clock::now();
  if (faulty_) {
    if (now < retry_at_) return fault_;
    retry_at_ = now + resume_interval;
    close_db();
    if (auto s = open_db(); !s.ok()) return fault_ = s;
  }
  rocksdb::WriteOptions how;
  how.sync = sync;
  auto s = db_->Write(how, &batch_);
  faulty_ = !s.ok();
  if (s.ok()) {
    batch_.Clear();
    return absl::OkStatus();
  }
  retry_at_ = now + resume_interval;
  return fault_ = error("cannot be written", s);
}

absl::Status embedded_store::sync() {
  auto s = db_->SyncWAL();
  return s.ok() ? absl::OkStatus() : error("cannot be synced", s);
}

}  // namespace dunlin::rules
