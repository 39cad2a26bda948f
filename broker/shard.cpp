#include "broker/shard.hpp"

#include <algorithm>

#include "base/wall_clock.hpp"
#include "broker/carried.hpp"
#include "broker/mqtt/properties.hpp"
#include "rules/record.hpp"

namespace dunlin {

using mqtt::reason;

namespace {

// Messages of one batch that a receiver's list is sized for at once.
constexpr size_t reserve_max = 256;

}  // namespace

shard::shard(caf::actor_config& c, directory& d)
    : pinned(c),
      directory_(d),
      number_(home().index()),
      hub_(*this, d),
      stores_(*this, d, [this](uint64_t id, const auto& refused) { hub_.met(id, refused); }),
      retained_(retained_limits()),
      random_(number_ * 0x9e3779b97f4a7c15ull + home().now_ms()) {
  delayed_timer_.owner = this;
  delayed_timer_.on_fire = [](net::timer& t) {
    shard* s = static_cast<delayed_timer&>(t).owner;
    caf::anon_send(caf::actor_cast<shard_actor>(s), publish_delayed{});
  };
}

shard::~shard() = default;

core::retained::limits shard::retained_limits() const {
  const uint64_t parts = std::max<size_t>(1, directory_.reactors.size());
  return {directory_.limits().retained_messages_max / parts,
          directory_.limits().retained_bytes_max / parts};
}

shard::behavior_type shard::make_behavior() {
  return {[this](publish_batch& b) { publish(b); },
          [this](subscribe_to& s) { subscribe(s); },
          [this](unsubscribe_from& u) { unsubscribe(u); },
          [this](const drained& d) { hub_.on_drained(d.gate); },
          [this](const bind_rule& b) { bind(b); },
          [this](const more_retained& m) {
            feeds_.credit(m.gate, m.page);
            schedule_retained();
          },
          [this](const feed_retained&) { feed(); },
          [this](const dispatch_again& d) { again(d); },
          [this](const member_online& m) { online(m); },
          [this](const publish_delayed&) { publish_due(); },
          [this](const send_next_part&) { hub_.send_part(); },
          [this](const end_late_stores&) { stores_.end_late(); }};
}

caf::invoke_message_result shard::consume(caf::mailbox_element& m) {
  DUNLIN_TSAN_ACQUIRE(this);
  auto* b = carried<publish_batch>(m);
  if (!b) {
    flush();
    return pinned::consume(m);
  }
  current_element_ = &m;
  publish(*b);
  return caf::invoke_message_result::consumed;
}

// -- publishing ---------------------------------------------------------------

void shard::match(std::string_view topic) {
  matched_.clear();
  index_.match(topic, [this](const entry& e) { matched_.push_back(e); });
  matched_topic_.assign(topic);
  matched_valid_ = true;
  matched_meters_ = meters_ ? meters_->match(topic) : 0;
}

// Called for every message: without a call it is a hundredth of the whole path cheaper.
[[gnu::always_inline]] inline void shard::publish_one(const publish_item& item,
                                                      session_gate* origin, size_t expected,
                                                      std::vector<core::refusal>& refusals) {
  const bool kept = !item.msg->retain() || retain(item, refusals);
  const std::string_view topic = item.routed_to();
  if (!matched_valid_ || topic != matched_topic_) match(topic);
  if (matched_meters_) {
    meters_->published(home().index(), matched_meters_, item.msg->payload().size(),
                       matched_.size());
    if (matched_.empty()) meters_->dropped(home().index(), matched_meters_);
  }
  if (matched_.empty()) {
    auto& count = home().count();
    count.published.add();
    count.dropped[metrics::drop_reason::no_subscriber].add();
    if (origin && origin->traced.load(std::memory_order_relaxed)) [[unlikely]]
      trace_no_subscriber(directory_, *origin, item, home().now_ms());
    if (kept && item.slot != core::incoming::no_slot)
      refusals.push_back({item.slot, reason::no_matching_subscribers});
    return;
  }
  for (const entry& e : matched_) route_to(e, item, origin, expected);
  if (item.msg->retain() && !feeds_.empty()) [[unlikely]]
    published_retained(item, origin);
}

void shard::publish(publish_batch& b) {
  std::vector<core::refusal> refusals;
  batch_ms_ = 0;
  if (const settings* now = &directory_.now(); now != meters_of_) {
    meters_of_ = now;
    meters_ = now->topics.meters.get();
    matched_valid_ = false;
    retained_.set_limits(retained_limits());
  }
  size_t left = b.items.size();
  const bool large = index_.is_large();
  for (const publish_item& item : b.items) {
    if (large && (b.items.size() - left) % index_.prefetched_at_once == 0)
      index_.prefetch(left, [&](size_t i) { return (&item)[i].routed_to(); });
    const size_t expected = std::min(left--, reserve_max);
    if (item.delay_s)
      hold(item, b.origin, refusals);
    else
      publish_one(item, b.origin, expected, refusals);
  }
  hub_.finish(current_sender(), b.read, std::move(refusals),
              [this](const auto& open) { stores_.line_up(open); });
}

void shard::publish_held(const publish_item& item, session_gate* origin) {
  std::vector<core::refusal> nobody_waits;
  publish_one(item, origin, 1, nobody_waits);
}

void shard::route_to(const entry& e, const publish_item& item, session_gate* origin,
                     size_t expected) {
  switch (e.what) {
    case kind::session: {
      auto& t = *static_cast<target*>(e.to);
      if (e.options.no_local && origin &&
          (t.gate == origin ||
           (origin == delayed_origin_ && t.gate->client_id == origin->client_id)))
        return;
      hub_.give(t, item.msg, std::min(e.options.qos, item.msg->qos()),
                e.options.retain_as_published && item.msg->retain(), e.id, expected);
      return;
    }
    case kind::group:
      give_member(*static_cast<group*>(e.to), item.msg, item.routed_to(), origin, expected, false);
      return;
    case kind::rule:
      append_record(*static_cast<rule_target*>(e.to), item, origin);
  }
}

void shard::append_record(rule_target& r, const publish_item& item, session_gate* origin) {
  if (!origin) return;  // what a rule or the node itself published does not go out again
  stores_.touch(r);
  if (batch_ms_ == 0) batch_ms_ = wall_clock_ms();
  const mqtt::message& m = *item.msg;
  rules::device_message d;
  d.topic = m.topic();
  d.payload = m.payload();
  d.client_id = origin->client_id;
  d.qos = m.qos();
  d.born_ms = batch_ms_;
  if (m.expires_ms() != mqtt::message::never) {
    const uint64_t now = home().now_ms();
    d.expiry_s = static_cast<uint32_t>(m.expires_ms() > now ? (m.expires_ms() - now) / 1000 : 0);
  }
  if (!m.properties().empty()) {
    const auto props = mqtt::parse_forwarded(m.properties());
    if (props.content_type) d.content_type = *props.content_type;
    if (props.has_user_properties)
      mqtt::for_each_user_property(m.properties(), [&](const mqtt::user_property& p) {
        d.user_properties.emplace_back(p.key, p.value);
      });
  }
  rules::append_record(d, r.records);
  ++r.count;
  if (item.slot != core::incoming::no_slot) r.slots.push_back(item.slot);
}

bool shard::retain(const publish_item& item, std::vector<core::refusal>& refusals) {
  const bool kept = retained_.set(item.msg);
  if (!kept) {
    home().count().retained_refused.add();
    if (item.slot != core::incoming::no_slot)
      refusals.push_back({item.slot, reason::quota_exceeded});
  }
  count_retained();
  return kept;
}

}  // namespace dunlin
