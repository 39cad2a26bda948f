#include "rules/spool.hpp"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <utility>
#include <variant>

#include "rules/batch_thread.hpp"
#include "rules/bytes.hpp"
#include "rules/dead_letters.hpp"
#include "rules/spool_db.hpp"

namespace dunlin::rules {
namespace {

using clock = std::chrono::steady_clock;

constexpr size_t group_bytes_max = 16 << 20;               // of one write
constexpr std::chrono::milliseconds resume_interval{500};  // between tries on a disk that refuses
constexpr uint64_t reclaim_entries = 4096;  // removed entries between two looks for dead files

// What the spool knows of one rule. Its members are the writer's, but for `dead`, which the mutex
// guards.
struct rule_log {
  std::string rule;
  uint64_t bytes_total = 0;  // of all entries ever appended
  uint64_t low = 0;          // entries below are removed
  uint64_t reclaimed = 0;    // ... and their files looked for, up to here
  std::unique_ptr<dead_letters> dead;
};

struct append_op {
  rule_log* log;
  spool_entry entry;
  bool durable;
  spool::done answer;
};
struct remove_op {
  rule_log* log;
  uint64_t before, next_message;
  uint64_t from = 0;  // where it began, to go back to when the write fails
};
struct dead_op {
  rule_log* log;
  std::vector<dead_letter> letters;
  spool::done answer;
};
using write_op = std::variant<append_op, remove_op, dead_op>;

std::string new_source() {
  std::random_device random;
  std::string source;
  for (int i = 0; i < 2; ++i) {
    for (auto bits = random(), n = 0u; n < 8; ++n, bits >>= 4)
      source += "0123456789abcdef"[bits & 15];
  }
  return source;
}

}  // namespace

struct spool::impl {
  explicit impl(spool_options o) : options(std::move(o)) { db->options = options; }

  spool_options options;
  std::unique_ptr<spool_db> db = std::make_unique<spool_db>();
  mutable std::shared_mutex open_mutex;  // held alone while the database is opened again
  mutable std::mutex mutex;              // guards logs' nodes and each log's `dead`
  std::map<std::string, rule_log, std::less<>> logs;

  // The writer's.
  bool dirty = false;  // written and not synced
  clock::time_point synced = clock::now();
  absl::Status fault;  // the last write's
  clock::time_point retry_at;

  rule_log* log_of(const std::string& rule) {
    std::lock_guard lock(mutex);
    auto at = logs.find(rule);
    return at == logs.end() ? nullptr : &at->second;
  }

  absl::Status load_source(rule_log& log, spool_state& state);
  absl::Status load_backlog(rule_log& log, spool_state& state);
  clock::time_point write(std::vector<write_op>& ops);
  void write_group(std::vector<write_op>& ops, size_t from, size_t to, rocksdb::WriteBatch& batch,
                   bool durable);
  absl::Status commit(rocksdb::WriteBatch& batch, bool durable);
  bool usable();
  void refuse(std::vector<write_op>& ops);
  void sync_when_due();
  void put(append_op& op, rocksdb::WriteBatch& batch);
  void erase(remove_op& op, rocksdb::WriteBatch& batch);
  void reclaim(rule_log& log);
  entries read(const std::string& rule, uint64_t from, uint64_t to, size_t bytes_max) const;
};

// The threads hold what they work on, since the last reference to a spool may go in one of their
// callbacks.
struct spool::threads {
  batch_thread<std::function<void()>> reader;
  batch_thread<write_op> writer;
};

spool::spool(std::shared_ptr<impl> i) : impl_(std::move(i)) {
  threads_.reset(new threads{
      batch_thread<std::function<void()>>{[](std::vector<std::function<void()>>& jobs) {
        for (auto& job : jobs) job();
        return batch_thread<std::function<void()>>::no_wake;
      }},
      batch_thread<write_op>{[i = impl_](std::vector<write_op>& ops) { return i->write(ops); }}});
}

spool::~spool() = default;

absl::StatusOr<std::shared_ptr<spool>> spool::open(spool_options options) {
  auto i = std::make_shared<impl>(std::move(options));
  if (auto s = i->db->open(); !s.ok()) return s;
  return std::shared_ptr<spool>(new spool(std::move(i)));
}

const std::string& spool::path() const { return impl_->options.path; }

absl::StatusOr<spool_state> spool::attach(const std::string& rule) {
  rule_log log;
  log.rule = rule;
  log.dead = std::make_unique<dead_letters>(*impl_->db, rule, impl_->options.dead_letters_max,
                                            impl_->options.dead_letter_bytes_max);
  spool_state state;
  if (auto s = impl_->load_source(log, state); !s.ok()) return s;
  if (auto s = impl_->load_backlog(log, state); !s.ok()) return s;
  if (auto s = log.dead->load(); !s.ok()) return s;
  std::lock_guard lock(impl_->mutex);
  impl_->logs.insert_or_assign(rule, std::move(log));
  return state;
}

absl::Status spool::impl::load_source(rule_log& log, spool_state& state) {
  std::string value;
  auto s = db->db->Get({}, db->meta, "low/" + log.rule, &value);
  if (s.ok() && value.size() == 16) {
    byte_reader in{value};
    log.low = in.number<uint64_t>();
    state.next_message = in.number<uint64_t>();
  }
  log.reclaimed = log.low;
  if (!s.ok() && !s.IsNotFound()) return db->error("reading", s);
  s = db->db->Get({}, db->meta, "source/" + log.rule, &state.source);
  if (s.IsNotFound()) {
    state.source = new_source();
    rocksdb::WriteOptions durable;
    durable.sync = options.sync == spool_sync::always;
    s = db->db->Put(durable, db->meta, "source/" + log.rule, state.source);
  }
  return s.ok() ? absl::OkStatus() : db->error("reading", s);
}

absl::Status spool::impl::load_backlog(rule_log& log, spool_state& state) {
  state.first_sequence = state.next_sequence = log.low;
  auto first_key = spool_key(log.rule, log.low), last_key = spool_key(log.rule, UINT64_MAX);
  rocksdb::Slice lower{first_key};
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;  // never back into what is removed
  std::unique_ptr<rocksdb::Iterator> at{db->db->NewIterator(options, db->entries)};
  decoded_entry first, last;
  at->Seek(first_key);
  if (at->Valid() && is_key_of(log.rule, at->key())) {
    bool whole = decode_entry(at->key(), at->value(), first);
    at->SeekForPrev(last_key);
    whole = whole && at->Valid() && decode_entry(at->key(), at->value(), last);
    if (!whole && at->status().ok()) {
      return db->error("reading the backlog", rocksdb::Status::Corruption("unknown form of entry"));
    }
    state.first_sequence = first.entry.sequence;
    state.next_sequence = last.entry.sequence + 1;
    state.next_message = last.entry.first_message + last.entry.count;
    state.messages = state.next_message - first.entry.first_message;
    log.bytes_total = last.bytes_before + last.records.size();
    state.bytes = log.bytes_total - first.bytes_before;
    state.oldest_ms = first.entry.stored_ms;
  }
  return at->status().ok() ? absl::OkStatus() : db->error("reading the backlog", at->status());
}

// --- writing ---

void spool::append(const std::string& rule, spool_entry entry, bool durable, done answer) {
  threads_->writer.push(
      append_op{impl_->log_of(rule), std::move(entry), durable, std::move(answer)});
}

void spool::remove(const std::string& rule, uint64_t before, uint64_t next_message) {
  threads_->writer.push_lazy(remove_op{impl_->log_of(rule), before, next_message});
}

void spool::add_dead_letters(const std::string& rule, std::vector<dead_letter> letters,
                             done answer) {
  threads_->writer.push(dead_op{impl_->log_of(rule), std::move(letters), std::move(answer)});
}

clock::time_point spool::impl::write(std::vector<write_op>& ops) {
  if (!usable()) {
    refuse(ops);
    return batch_thread<write_op>::no_wake;
  }
  rocksdb::WriteBatch batch;
  bool durable = false;
  size_t from = 0;
  for (size_t i = 0; i < ops.size(); ++i) {
    if (auto* a = std::get_if<append_op>(&ops[i])) {
      put(*a, batch);
      durable |= a->durable;
    } else if (auto* r = std::get_if<remove_op>(&ops[i])) {
      erase(*r, batch);
    } else if (auto* d = std::get_if<dead_op>(&ops[i])) {
      std::lock_guard lock(mutex);
      d->log->dead->add(d->letters, batch);
      durable = true;
    }
    if (i + 1 == ops.size() || batch.GetDataSize() >= group_bytes_max) {
      write_group(ops, from, i + 1, batch, durable);
      batch.Clear();
      durable = false;
      from = i + 1;
      if (!fault.ok()) {
        ops.erase(ops.begin(), ops.begin() + static_cast<std::ptrdiff_t>(from));
        refuse(ops);
        break;
      }
    }
  }
  sync_when_due();
  return dirty && fault.ok() ? synced + options.sync_interval : batch_thread<write_op>::no_wake;
}

void spool::impl::write_group(std::vector<write_op>& ops, size_t from, size_t to,
                              rocksdb::WriteBatch& batch, bool durable) {
  auto result = commit(batch, durable);
  for (size_t i = from; i < to; ++i) {
    if (auto* a = std::get_if<append_op>(&ops[i])) a->answer(result);
    if (auto* d = std::get_if<dead_op>(&ops[i])) d->answer(result);
    if (auto* r = std::get_if<remove_op>(&ops[i])) {
      if (!result.ok()) r->log->low = std::min(r->log->low, r->from);
      if (result.ok()) reclaim(*r->log);
    }
  }
}

// After a failed write: opens the database again, now and then.
bool spool::impl::usable() {
  if (fault.ok()) return true;
  if (clock::now() < retry_at) return false;
  std::unique_lock alone(open_mutex);
  std::lock_guard lock(mutex);
  dirty = false;
  fault = db->reopen();
  for (auto& [rule, log] : logs) {
    if (fault.ok()) fault = log.dead->load();
  }
  retry_at = clock::now() + resume_interval;
  return fault.ok();
}

void spool::impl::refuse(std::vector<write_op>& ops) {
  for (auto& op : ops) {
    // (A removal is told by the next one too.)
    if (auto* a = std::get_if<append_op>(&op)) a->answer(fault);
    if (auto* d = std::get_if<dead_op>(&op)) d->answer(fault);
  }
}

absl::Status spool::impl::commit(rocksdb::WriteBatch& batch, bool durable) {
  rocksdb::WriteOptions how;
  how.sync = durable && options.sync == spool_sync::always;
  if (auto s = db->db->Write(how, &batch); !s.ok()) {
    retry_at = clock::now() + resume_interval;
    return fault = db->error("cannot be written", s);
  }
  if (options.sync == spool_sync::interval && durable && !dirty) {
    dirty = true;
    synced = clock::now();
  }
  return absl::OkStatus();
}

void spool::impl::sync_when_due() {
  if (!dirty || !fault.ok() || clock::now() < synced + options.sync_interval) return;
  dirty = false;
  if (auto s = db->db->SyncWAL(); !s.ok()) fault = db->error("cannot be synced", s);
}

void spool::impl::put(append_op& op, rocksdb::WriteBatch& batch) {
  auto key = spool_key(op.log->rule, op.entry.sequence);
  auto head = encode_entry_head(op.entry, op.log->bytes_total);
  rocksdb::Slice key_part{key};
  rocksdb::Slice value_parts[] = {head, *op.entry.records};
  batch.Put(db->entries, rocksdb::SliceParts(&key_part, 1), rocksdb::SliceParts(value_parts, 2));
  op.log->bytes_total += op.entry.records->size();
}

void spool::impl::erase(remove_op& op, rocksdb::WriteBatch& batch) {
  auto& log = *op.log;
  op.from = log.low;
  if (op.before <= log.low) return;
  for (auto n = log.low; n < op.before; ++n) batch.Delete(db->entries, spool_key(log.rule, n));
  log.low = op.before;
  std::string mark;
  put_number(mark, log.low);
  put_number(mark, op.next_message);
  batch.Put(db->meta, "low/" + log.rule, mark);
}

// Whole files of removed entries go at once, without a compaction.
void spool::impl::reclaim(rule_log& log) {
  if (log.low - log.reclaimed < reclaim_entries) return;
  auto first = spool_key(log.rule, log.reclaimed), last = spool_key(log.rule, log.low);
  rocksdb::Slice begin{first}, end{last};
  rocksdb::RangePtr range{&begin, &end};
  rocksdb::DeleteFilesInRanges(db->db.get(), db->entries, &range, 1, false);
  log.reclaimed = log.low;
}

// --- reading ---

void spool::read(const std::string& rule, uint64_t from, uint64_t to, size_t bytes_max,
                 std::function<void(entries)> answer) {
  threads_->reader.push([i = impl_, rule, from, to, bytes_max, answer = std::move(answer)] {
    answer(i->read(rule, from, to, bytes_max));
  });
}

spool::entries spool::impl::read(const std::string& rule, uint64_t from, uint64_t to,
                                 size_t bytes_max) const {
  std::shared_lock open(open_mutex);
  if (!db->db) return absl::UnavailableError("spool " + options.path + ": its disk fails");
  std::vector<spool_entry> found;
  rocksdb::ReadOptions how;
  how.fill_cache = false;
  auto end_key = spool_key(rule, to);
  rocksdb::Slice upper{end_key};
  how.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> at{db->db->NewIterator(how, db->entries)};
  size_t bytes = 0;
  for (at->Seek(spool_key(rule, from)); at->Valid() && bytes < bytes_max; at->Next()) {
    decoded_entry e;
    if (!decode_entry(at->key(), at->value(), e)) {
      return db->error("reading entry " + std::to_string(key_number(view(at->key()))),
                       rocksdb::Status::Corruption("unknown form of entry"));
    }
    e.entry.records = std::make_shared<const std::string>(e.records);
    bytes += e.records.size();
    found.push_back(std::move(e.entry));
  }
  if (!at->status().ok()) return db->error("reading", at->status());
  return found;
}

dead_letter_count spool::count_dead_letters(const std::string& rule) const {
  std::lock_guard lock(impl_->mutex);
  auto at = impl_->logs.find(rule);
  return at == impl_->logs.end() ? dead_letter_count{} : at->second.dead->count();
}

absl::StatusOr<std::vector<dead_letter>> spool::list_dead_letters(const std::string& rule,
                                                                  size_t max) const {
  std::shared_lock open(impl_->open_mutex);
  if (!impl_->db->db) return absl::UnavailableError("spool " + path() + ": its disk fails");
  std::lock_guard lock(impl_->mutex);
  auto at = impl_->logs.find(rule);
  if (at == impl_->logs.end()) return std::vector<dead_letter>{};
  return at->second.dead->list(max);
}

}  // namespace dunlin::rules
