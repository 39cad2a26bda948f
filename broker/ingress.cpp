#include "broker/ingress.hpp"

#include <algorithm>

#include "broker/mqtt/properties.hpp"
#include "broker/router.hpp"

namespace dunlin {

ingress::behavior_type ingress::make_behavior() {
  return {[this](rules::inject& in) { return inject(in); },
          [this](const accepted& a) { answered(a); }};
}

mqtt::message_ptr ingress::make(const rules::inbound_message& m) {
  const std::string& shown = m.shown_topic.empty() ? m.topic : m.shown_topic;
  const bool bad = !mqtt::valid_topic_name(m.topic) || !mqtt::valid_topic_name(shown) ||
                   !mqtt::valid_utf8(m.topic) || !mqtt::valid_utf8(shown) ||
                   m.topic.size() > directory_.limits().topic_bytes_max ||
                   shown.size() > directory_.limits().topic_bytes_max ||
                   m.payload.size() > directory_.limits().packet_bytes_max;
  if (bad) return {};
  std::string forwarded;
  if (!m.content_type.empty()) mqtt::append_content_type(m.content_type, forwarded);
  for (const auto& [key, value] : m.user_properties)
    mqtt::append_user_property({key, value}, forwarded);
  mqtt::publish_properties props;
  props.forwarded = forwarded;
  props.message_expiry_interval = m.expiry_s;
  return mqtt::message::make(
      {shown, m.payload, std::min<uint8_t>(m.qos, 2), false, props, home().now_ms()});
}

caf::typed_response_promise<rules::injected> ingress::inject(rules::inject& in) {
  auto promise = make_response_promise<rules::injected>();
  const uint32_t id = ++last_job_;
  router& r = router::of_this_thread();
  job j{promise, std::vector<rules::injection>(in.messages.size(), rules::injection::met), 0};
  uint32_t slot = 0;
  for (const auto& m : in.messages) {
    auto msg = make(m);
    if (!msg) {
      j.results[slot++] = rules::injection::refused;
      continue;
    }
    core::shared_text route;
    if (!m.shown_topic.empty()) route = core::shared_text(m.topic);
    r.add(directory_, {std::move(msg), slot++, std::move(route)});
  }
  j.answers_due = r.batches();
  if (j.answers_due == 0) {
    promise.deliver(rules::injected{std::move(j.results)});
    return promise;
  }
  jobs_.emplace(id, std::move(j));
  r.send_all(*this, directory_, id, nullptr);
  return promise;
}

void ingress::answered(const accepted& a) {
  auto it = jobs_.find(a.read);
  if (it == jobs_.end()) return;
  job& j = it->second;
  for (const auto& f : a.refusals)
    if (f.slot < j.results.size())
      j.results[f.slot] = f.code == mqtt::reason::no_matching_subscribers
                              ? rules::injection::no_receiver
                              : rules::injection::refused;
  if (--j.answers_due > 0) return;
  j.promise.deliver(rules::injected{std::move(j.results)});
  jobs_.erase(it);
}

}  // namespace dunlin
