// Retained messages for new subscriptions, a bounded piece of work in each turn of the reactor.
//
// A page goes out as one `deliver`; the session answers with more_retained when it has written or
// queued it and has room again (session_deliver.cpp). So nothing of a storm is dropped while its
// client reads, what waits in memory is a page for each shard, and what others send in between goes
// its way.
#include "broker/shard.hpp"

namespace dunlin {

namespace {

constexpr size_t page_messages = 256;
constexpr size_t page_bytes = 64 << 10;
constexpr size_t turn_messages = 1024;
constexpr size_t turn_topics = 4096;  // looked at, matching or not

}  // namespace

void shard::begin_retained(const subscribe_to& s) {
  feeds_.add(s.gate, {s.filter, {s.options.qos, s.id}});
  schedule_retained();
}

// For sessions that wait for retained messages and are given this one as it is published. Who is
// away or behind may not get it: once too often is better than never.
void shard::published_retained(const publish_item& item, const session_gate* origin) {
  for (const entry& e : matched_) {
    if (e.what != kind::session) continue;
    session_gate* gate = static_cast<target*>(e.to)->gate;
    const bool own = e.options.no_local && gate == origin;
    const bool behind = gate->congested.load() || gate->slow.load();
    feeds_.published(gate, item.msg, !own && !behind && gate->online.load());
  }
}

// In the next turn: a message to itself would be handled in this one, as up to 64 more.
void shard::schedule_retained() {
  if (feed_scheduled_ || !feeds_.runnable()) return;
  feed_scheduled_ = true;
  home().post([me = caf::actor_cast<shard_actor>(this)] { caf::anon_send(me, feed_retained{}); });
}

void shard::feed() {
  feed_scheduled_ = false;
  size_t messages = turn_messages, topics = turn_topics;
  while (feeds_.runnable() && messages > 0 && topics > 0) {
    core::retained::budget b{std::min(page_messages, messages), page_bytes, topics};
    const size_t asked = b.messages;
    target* t = nullptr;
    const auto page = feeds_.next(
        retained_, b, home().now_ms(),
        [&](session_gate* gate, const feed_options& o, const mqtt::message_ptr& m) {
          if (!t) t = hub_.find(gate);
          if (!t) return;
          hub_.give_alone(*t, m, std::min(o.qos, m->qos()), true, o.id, asked).paced = true;
        });
    messages -= asked - b.messages;
    topics = b.topics > 0 ? b.topics - 1 : 0;
    hub_.forget_touched();
    if (!t) continue;
    hub_.send_page(*t, page.number, number_);
  }
  count_retained();  // expired ones were dropped
  schedule_retained();
}

void shard::count_retained() {
  auto& count = home().count();
  count.retained_messages.add(retained_.messages() - counted_messages_);
  count.retained_bytes.add(retained_.bytes() - counted_bytes_);
  counted_messages_ = retained_.messages();
  counted_bytes_ = retained_.bytes();
}

}  // namespace dunlin
