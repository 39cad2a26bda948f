#include "broker/guard/bans.hpp"

#include <absl/hash/hash.h>
#include <absl/strings/str_cat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.hpp"
#include "broker/guard/ban_file.hpp"

namespace dunlin::guard {

bans::bans(clock now) : now_(std::move(now)) {}

void bans::open(const std::string& data_dir) {
  const std::string path = data_dir + "/bans";
  std::error_code ec;
  if (std::filesystem::exists(path, ec)) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in)
      log::error("bans_unreadable",
                 {{"file", path},
                  {"why", std::strerror(errno)},
                  {"hint", "bans made at run time are not in force; mend the file and restart"}});
    auto found = read_bans(text.str());
    for (const size_t line : found.damaged)
      log::error("ban_damaged", {{"file", path}, {"line", line}});
    if (!found.damaged.empty()) {
      std::filesystem::copy_file(path, path + ".damaged",
                                 std::filesystem::copy_options::overwrite_existing, ec);
      log::error("bans_damaged", {{"file", path},
                                  {"lines", found.damaged.size()},
                                  {"bans_read", found.bans.size()},
                                  {"hint", "the other bans hold; the file as it was is kept as " +
                                               path + ".damaged: ban again who is missing"}});
    }
    std::lock_guard lock(mutex_);
    for (auto& b : found.bans)
      if (!b.over(now_()) && list_.get(b.kind, b.value) == nullptr) list_.add(std::move(b));
    count_ = list_.size();
  }
  writer_ = std::make_unique<ban_writer>(path, [this] { return text(); });
}

void bans::close() { writer_.reset(); }

std::string bans::text() const {
  std::vector<ban> kept;
  for (auto& b : all())
    if (b.source != ban_source::config) kept.push_back(std::move(b));
  return write_bans(kept);
}

void bans::apply(const policy& p) {
  policy_.store(&p);
  std::vector<ban> fresh;
  {
    std::lock_guard lock(mutex_);
    const ban_list before = list_;
    list_.remove_if([](const ban& b) { return b.source == ban_source::config; });
    for (const ban& b : p.bans) {
      if (before.get(b.kind, b.value) == nullptr) fresh.push_back(b);
      list_.add(b);
    }
    count_ = list_.size();
  }
  for (const ban& b : fresh) added(b);
}

void bans::added(const ban& b) {
  if (on_ban_) on_ban_(b);
}

std::optional<ban> bans::find(const who& w) const {
  if (!any()) return {};
  std::lock_guard lock(mutex_);
  const ban* b = list_.find(w, now_());
  return b ? std::optional<ban>(*b) : std::nullopt;
}

bool bans::address_banned(const ip& a) const {
  if (!any()) return false;
  std::lock_guard lock(mutex_);
  return list_.find_address(a, now_()) != nullptr;
}

std::optional<ban> bans::connected(std::string_view client_id, uint64_t now_ms) {
  const policy* p = policy_.load();
  if (p == nullptr || p->flapping.connects_max == 0) return {};
  const uint64_t hash =
      absl::Hash<absl::string_view>{}(absl::string_view(client_id.data(), client_id.size()));
  ban b;
  {
    std::lock_guard lock(mutex_);
    if (!flapping_.connected(hash, p->flapping, now_ms)) return {};
    b.value = std::string(client_id);
    b.reason = absl::StrCat("flapping: more than ", p->flapping.connects_max, " connects within ",
                            p->flapping.window_s, " s");
    b.by = "flapping detection";
    b.since_ms = now_();
    b.until_ms = b.since_ms + p->flapping.ban_s * 1000ll;
    b.source = ban_source::flapping;
    // This connect is refused all the same when there is no room for the ban.
    if (b.value.empty() || list_.size() >= p->bans_max) return b;
    list_.add(b);
    count_ = list_.size();
  }
  ++flapping_banned_;
  log::warn("client_flapping", {{"client_id", b.value}, {"banned_for_s", p->flapping.ban_s}});
  if (writer_) writer_->write_soon();
  added(b);
  return b;
}

void bans::add(ban b, ban_writer::done done) {
  const auto normal = ban_list::normal_value(b.kind, b.value);
  if (!normal)
    return done(absl::InvalidArgumentError(
        b.value.empty() ? absl::StrCat(to_string(b.kind), " is empty")
                        : absl::StrCat("\"", b.value, "\" is not an address or a network")));
  b.value = *normal;
  if (b.since_ms == 0) b.since_ms = now_();
  if (b.over(now_())) return done(absl::InvalidArgumentError("the ban would be over already"));
  {
    std::lock_guard lock(mutex_);
    const policy* p = policy_.load();
    const ban* there = list_.get(b.kind, b.value);
    if (there && there->source == ban_source::config) {
      return done(absl::FailedPreconditionError(absl::StrCat(
          to_string(b.kind), " ", b.value, " is banned in the configuration (guard.bans)")));
    }
    if (!there && p && list_.size() >= p->bans_max)
      return done(absl::ResourceExhaustedError(
          absl::StrCat("there are guard.bans_max (", p->bans_max, ") bans")));
    list_.add(b);
    count_ = list_.size();
  }
  log::info("banned",
            {{"kind", to_string(b.kind)}, {"value", b.value}, {"reason", b.reason}, {"by", b.by}});
  added(b);
  stored(std::move(done));
}

void bans::remove(ban_kind k, const std::string& value, ban_writer::done done) {
  {
    std::lock_guard lock(mutex_);
    const ban* there = list_.get(k, value);
    if (there == nullptr)
      return done(absl::NotFoundError(absl::StrCat(to_string(k), " ", value, " is not banned")));
    if (there->source == ban_source::config)
      return done(absl::FailedPreconditionError(absl::StrCat(
          to_string(k), " ", value, " is banned in the configuration: remove it from guard.bans")));
    list_.remove(k, value);
    count_ = list_.size();
  }
  log::info("unbanned", {{"kind", to_string(k)}, {"value", value}});
  stored(std::move(done));
}

void bans::stored(ban_writer::done done) {
  if (writer_)
    writer_->write(std::move(done));
  else
    done(absl::OkStatus());
}

std::vector<ban> bans::all() const {
  std::lock_guard lock(mutex_);
  return list_.all();
}

void bans::remove_expired() {
  if (!any()) return;
  size_t gone = 0;
  {
    std::lock_guard lock(mutex_);
    gone = list_.remove_expired(now_());
    count_ = list_.size();
  }
  if (gone && writer_) writer_->write_soon();
}

}  // namespace dunlin::guard
