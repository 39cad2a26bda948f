#include "rules/dead_letters.hpp"

#include <memory>
#include <utility>

#include "rules/bytes.hpp"

namespace dunlin::rules {
namespace {

constexpr uint8_t letter_version = 1;

std::string encode(const dead_letter& l) {
  std::string value;
  put_number(value, letter_version);
  put_number(value, l.time_ms);
  put_number(value, static_cast<int32_t>(l.code));
  put_string(value, l.reason);
  value.append(l.record);
  return value;
}

bool decode(std::string_view value, dead_letter& l) {
  byte_reader in{value};
  if (in.number<uint8_t>() != letter_version) return false;
  l.time_ms = in.number<int64_t>();
  l.code = in.number<int32_t>();
  l.reason = in.string();
  l.record = in.rest();
  return in.whole();
}

}  // namespace

dead_letters::dead_letters(spool_db& db, std::string rule, uint64_t messages_max,
                           uint64_t bytes_max)
    : db_(db), rule_(std::move(rule)), messages_max_(messages_max), bytes_max_(bytes_max) {}

absl::Status dead_letters::load() {
  sizes_.clear();
  count_.messages = count_.bytes = 0;
  std::unique_ptr<rocksdb::Iterator> at{db_.db->NewIterator({}, db_.dead)};
  for (at->Seek(spool_key(rule_, 0)); at->Valid() && is_key_of(rule_, at->key()); at->Next()) {
    auto number = key_number(view(at->key()));
    if (sizes_.empty()) first_ = number;
    while (first_ + sizes_.size() < number) sizes_.push_back(0);  // a write that failed
    sizes_.push_back(static_cast<uint32_t>(at->value().size()));
    count_.bytes += at->value().size();
    ++count_.messages;
  }
  return at->status().ok() ? absl::OkStatus() : db_.error("reading dead letters", at->status());
}

void dead_letters::add(const std::vector<dead_letter>& letters, rocksdb::WriteBatch& batch) {
  for (const auto& letter : letters) {
    auto value = encode(letter);
    while (!sizes_.empty() &&
           (count_.messages >= messages_max_ || count_.bytes + value.size() > bytes_max_)) {
      if (sizes_.front() > 0) {
        batch.Delete(db_.dead, spool_key(rule_, first_));
        count_.bytes -= sizes_.front();
        --count_.messages;
        ++count_.dropped;
      }
      sizes_.pop_front();
      ++first_;
    }
    batch.Put(db_.dead, spool_key(rule_, first_ + sizes_.size()), value);
    sizes_.push_back(static_cast<uint32_t>(value.size()));
    count_.bytes += value.size();
    ++count_.messages;
  }
}

absl::StatusOr<std::vector<dead_letter>> dead_letters::list(size_t max) const {
  std::vector<dead_letter> found;
  std::unique_ptr<rocksdb::Iterator> at{db_.db->NewIterator({}, db_.dead)};
  for (at->Seek(spool_key(rule_, 0));
       found.size() < max && at->Valid() && is_key_of(rule_, at->key()); at->Next()) {
    if (!decode(view(at->value()), found.emplace_back())) found.pop_back();
  }
  if (!at->status().ok()) return db_.error("reading dead letters", at->status());
  return found;
}

}  // namespace dunlin::rules
