// Topics that are rewritten or delayed, subscriptions that a client gets by itself, and what a
// member of a shared subscription gives back when it goes.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "broker/core/delayed.hpp"
#include "broker/session.hpp"

namespace dunlin {

using core::rewritten;
using mqtt::reason;

// -- topics of its own publishes and subscriptions ----------------------------

// The topic may become a view of a buffer that is good until the next call on this thread.
reason session::change_topic(std::string_view& topic, uint32_t* delay_s) {
  if (topic.starts_with(core::delayed_prefix)) {
    if (!core::parse_delayed(topic, delay_s, &topic)) return reason::topic_name_invalid;
    if (*delay_s > directory_.limits().delayed_seconds_max) return reason::quota_exceeded;
  }
  const auto* rules = directory_.now().topics.rewrite.get();
  if (!rules) return reason::success;
  static thread_local std::string changed;
  switch (rules->publish(topic, {gate_.client_id, user_name_.view()}, changed)) {
    case rewritten::refused:
      return reason::topic_name_invalid;
    case rewritten::changed:
      topic = changed;
      break;
    case rewritten::no:
      break;
  }
  const auto levels = 1 + static_cast<size_t>(std::count(topic.begin(), topic.end(), '/'));
  if (topic.size() > directory_.limits().topic_bytes_max ||
      levels > directory_.limits().topic_levels_max)
    return reason::topic_name_invalid;
  return reason::success;
}

// False: it would become something that is no filter.
bool session::change_filter(std::string_view& filter, std::string& changed) {
  const auto* rules = directory_.now().topics.rewrite.get();
  if (!rules) return true;
  const auto r = rules->subscribe(filter, {gate_.client_id, user_name_.view()}, changed);
  if (r == rewritten::changed) filter = changed;
  return r != rewritten::refused;
}

// On a resumed session only those that it does not have.
void session::auto_subscribe() {
  for (const auto& a : directory_.now().topics.auto_subscribe) {
    std::string filter;
    if (!a.filter.expand({gate_.client_id, user_name_.view()}, {}, filter)) {
      log::warn("auto_subscribe_skipped",
                {{"client_id", gate_.client_id},
                 {"why", "its client ID or user name is empty or holds one of / + #"}});
      continue;
    }
    if (subscriptions_.contains(filter)) continue;
    uint32_t shards = 0;
    const reason r = subscribe_one({filter, a.options}, 0, 0, &shards);
    if (static_cast<uint8_t>(r) >= 0x80)
      log::warn("auto_subscribe_skipped",
                {{"client_id", gate_.client_id}, {"filter", filter}, {"why", mqtt::to_string(r)}});
  }
}

// -- shared subscriptions -----------------------------------------------------

std::vector<session::filter_parts> session::shared_subscriptions() const {
  std::vector<filter_parts> shared;
  if (shared_ == 0) return shared;
  for (const auto& [filter, s] : subscriptions_)
    if (auto parts = parse(filter.view()); !parts.group.empty()) shared.push_back(std::move(parts));
  return shared;
}

// Messages that this client will not have go to another member.
void session::give_back(std::vector<core::delivery> messages,
                        const std::vector<filter_parts>& shared) {
  if (messages.empty()) return;
  const size_t shards = directory_.shards.size();
  uint64_t gone = messages.size();
  for (const auto& s : shared) {
    const uint32_t share = core::share_of(s.group.view(), s.filter.view());
    std::vector<std::vector<mqtt::message_ptr>> by_shard(shards);
    for (auto& d : messages)
      if (d.share == share)
        by_shard[directory_.shard_of(d.msg->topic())].push_back(std::move(d.msg)), --gone,
            d.share = 0;
    for (size_t i = 0; i < shards; ++i)
      if (!by_shard[i].empty())
        send(directory_.shards[i], dispatch_again{s.filter, s.group, std::move(by_shard[i])});
  }
  // Its subscription was ended since.
  auto* r = net::reactor::current();
  if (gone) r->count().dropped[metrics::drop_reason::session_ended].add(gone);
}

// Messages that were on the way when the client went, or when the session ended.
void session::give_back_late(std::vector<core::delivery>& items) {
  if (!shared_ && !leaving_) return;
  const auto late = [&](const core::delivery& d) { return d.share && (leaving_ || !d.placed); };
  const auto from = std::stable_partition(items.begin(), items.end(),
                                          [&](const core::delivery& d) { return !late(d); });
  std::vector<core::delivery> back(std::make_move_iterator(from),
                                   std::make_move_iterator(items.end()));
  items.erase(from, items.end());
  give_back(std::move(back), leaving_ ? leaving_->shared : shared_subscriptions());
  if (!leaving_) return;
  net::reactor::current()->count().dropped[metrics::drop_reason::session_ended].add(items.size());
  items.clear();
}

// What was never sent, by one shared subscription or all (0).
void session::pass_on_unsent(uint32_t share) {
  core::tally t;
  auto messages = outgoing_.take_unsent_shared(share, t);
  count(t);
  give_back(std::move(messages), shared_subscriptions());
}

void session::tell_group() {
  gate_.waiting.store(outgoing_.window_full(), std::memory_order_relaxed);
  gate_.unfinished.store(static_cast<uint32_t>(outgoing_.in_flight() + outgoing_.queued_messages()),
                         std::memory_order_relaxed);
}

}  // namespace dunlin
