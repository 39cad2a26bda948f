// Messages of $delayed/{seconds}/topic: held in memory until they are due, in the shard of their
// topic.
//
// Acknowledged when held. They count as published when their time has come; what is held has
// counters of its own. The expiry interval runs from the PUBLISH on.
#include "broker/router.hpp"
#include "broker/shard.hpp"

namespace dunlin {

namespace {

constexpr size_t due_per_step = 256;

}  // namespace

bool shard::room_to_hold(size_t bytes) const {
  uint64_t messages = 0, held = 0;  // of the whole node
  for (auto* r : directory_.reactors) {
    messages += r->count().delayed.value();
    held += r->count().delayed_bytes.value();
  }
  const options& limits = directory_.limits();
  return messages < limits.delayed_messages_max && held + bytes <= limits.delayed_bytes_max;
}

void shard::hold(const publish_item& item, session_gate* origin,
                 std::vector<core::refusal>& refusals) {
  core::delayed::entry e{item.msg, {}};
  auto& count = home().count();
  if (!room_to_hold(e.footprint())) {
    count.published.add();
    count.refused.add();
    if (item.slot != core::incoming::no_slot)
      refusals.push_back({item.slot, mqtt::reason::quota_exceeded});
    return;
  }
  if (origin) e.publisher = core::shared_text(origin->client_id);
  const bool first = home().now_ms() + item.delay_s * 1000ull < delayed_.due_ms();
  delayed_.add(home().now_ms() + item.delay_s * 1000ull, std::move(e));
  count.received_delayed.add();
  count.delayed.add();
  count_delayed();
  if (first) arm_delayed();
}

void shard::count_delayed() {
  home().count().delayed_bytes.add(delayed_.bytes() - counted_delayed_bytes_);
  counted_delayed_bytes_ = delayed_.bytes();
}

void shard::arm_delayed() {
  if (delayed_.messages() > 0) home().timers().set(delayed_timer_, delayed_.due_ms());
}

void shard::publish_due() {
  auto& count = home().count();
  session_gate publisher;
  batch_ms_ = 0;
  for (size_t n = 0; n < due_per_step && delayed_.due_ms() <= home().now_ms(); ++n) {
    core::delayed::entry e = delayed_.pop();
    count.delayed.sub();
    count.delayed_published.add();
    if (e.msg->expired(home().now_ms())) {
      count.published.add();
      count.expired.add();
      continue;
    }
    publisher.client_id = e.publisher.view();
    delayed_origin_ = e.publisher.empty() ? nullptr : &publisher;
    if (directory::p2p_target(e.msg->topic()).empty())
      publish_held({e.msg, core::incoming::no_slot, {}}, delayed_origin_);
    else
      router::of_this_thread().add(directory_, {e.msg, core::incoming::no_slot, {}});
  }
  delayed_origin_ = nullptr;
  count_delayed();
  hub_.finish(nullptr, 0, {}, [this](const auto& open) { stores_.line_up(open); });
  router::of_this_thread().send_unanswered(directory_, nullptr, nullptr);
  // The rest in the next turn, with what others have sent meanwhile.
  if (delayed_.due_ms() <= home().now_ms())
    home().post(
        [me = caf::actor_cast<shard_actor>(this)] { caf::anon_send(me, publish_delayed{}); });
  else
    arm_delayed();
}

}  // namespace dunlin
