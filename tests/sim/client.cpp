#include "tests/sim/client.hpp"

#include <cstdio>

#include "broker/mqtt/properties.hpp"

namespace dunlin::sim {

using mqtt::packet_type;
using mqtt::reason;

namespace {

std::string hex(reason r) {
  char text[4];
  std::snprintf(text, sizeof text, "%02X", static_cast<unsigned>(r));
  return text;
}

std::string subscription_ids(const mqtt::publish& p) {
  std::string text;
  mqtt::for_each_subscription_identifier(p.props.subscription_identifiers, [&](uint32_t id) {
    text += (text.empty() ? " ids=" : ",") + std::to_string(id);
  });
  return text;
}

std::string properties_text(const mqtt::properties& p) {
  std::string text;
  auto put = [&](const char* name, const auto& value) {
    if (!value) return;
    text += (text.empty() ? "" : " ") + std::string(name) + "=";
    if constexpr (std::is_convertible_v<decltype(*value), std::string_view>)
      text += *value;
    else
      text += std::to_string(*value);
  };
  put("session_expiry", p.session_expiry_interval);
  put("assigned", p.assigned_client_id);
  put("keep_alive", p.server_keep_alive);
  put("method", p.authentication_method);
  put("data", p.authentication_data);
  put("response_information", p.response_information);
  put("server_reference", p.server_reference);
  put("receive_maximum", p.receive_maximum);
  put("topic_alias_maximum", p.topic_alias_maximum);
  put("maximum_qos", p.maximum_qos);
  put("retain_available", p.retain_available);
  put("maximum_packet_size", p.maximum_packet_size);
  put("wildcard_available", p.wildcard_subscription_available);
  put("shared_available", p.shared_subscription_available);
  put("reason", p.reason_string);
  return text;
}

std::string properties_text(const mqtt::publish_properties& p) {
  std::string text;
  auto put = [&](const std::string& one) { text += (text.empty() ? "" : " ") + one; };
  if (p.payload_is_utf8) put("utf8");
  if (p.message_expiry_interval) put("expiry=" + std::to_string(*p.message_expiry_interval));
  if (p.content_type) put("content_type=" + std::string(*p.content_type));
  if (p.response_topic) put("response_topic=" + std::string(*p.response_topic));
  if (p.correlation_data) put("correlation=" + std::string(*p.correlation_data));
  mqtt::for_each_user_property(p.forwarded, [&](const mqtt::user_property& u) {
    put(std::string(u.key) + ":" + std::string(u.value));
  });
  return text;
}

std::string codes_text(const std::vector<reason>& codes) {
  std::string text;
  for (reason c : codes) text += " " + hex(c);
  return text;
}

}  // namespace

void client::open(net::reactor& r) {
  conn_ = fakes::fake_connection::make(r, id_ + ":1");
  input_.clear();
  aliases_.clear();
  told_closed_ = false;
}

void client::connect(net::reactor& r, const connect_options& o) {
  if (!open()) open(r);
  mqtt::connect c;
  c.ver = ver_;
  c.client_id = o.client_id.value_or(id_);
  c.clean_start = o.clean;
  c.keep_alive_s = o.keep_alive_s;
  c.will = o.will;
  c.user_name = o.user_name;
  c.password = o.password;
  c.props = o.props;
  if (o.expiry_s) c.props.session_expiry_interval = o.expiry_s;
  if (o.receive_max) c.props.receive_maximum = o.receive_max;
  if (o.packet_max) c.props.maximum_packet_size = o.packet_max;
  send(c);
}

void client::disconnect(reason code, std::optional<uint32_t> expiry_s) {
  mqtt::disconnect d;
  d.code = code;
  d.props.session_expiry_interval = expiry_s;
  send(d);
}

uint16_t client::publish(std::string_view topic, std::string_view payload, uint8_t qos, bool retain,
                         const mqtt::publish_properties& props) {
  mqtt::publish p;
  p.topic = topic;
  p.payload = payload;
  p.qos = qos;
  p.retain = retain;
  p.props = props;
  if (qos) p.packet_id = last_id_ = static_cast<uint16_t>(last_id_ % 65'535 + 1);
  send(p);
  return p.packet_id;
}

void client::subscribe(const std::vector<mqtt::subscribe_entry>& entries,
                       std::optional<uint32_t> subscription_id) {
  mqtt::subscribe s;
  s.packet_id = 9;
  s.entries = entries;
  s.props.subscription_identifier = subscription_id;
  send(s);
}

void client::unsubscribe(std::string_view filter) {
  mqtt::unsubscribe u;
  u.packet_id = 8;
  u.filters = {filter};
  send(u);
}

void client::ack(packet_type t, uint16_t id, reason code) {
  mqtt::ack a;
  a.type = t;
  a.packet_id = id;
  a.code = code;
  send(a);
}

void client::send(const mqtt::packet& p) {
  std::string bytes;
  mqtt::encode(p, ver_, bytes);
  conn_->inject(bytes);
}

bool client::poll() {
  if (!conn_) return false;
  input_ += conn_->take_output();
  std::string_view rest = input_;
  bool any = false;
  for (;;) {
    const auto result = mqtt::next_frame(rest, ~0u);
    const auto* f = std::get_if<mqtt::frame>(&result);
    if (!f) break;
    got_.push_back(read(*f));
    if (auto_ack) answer(got_.back());
    rest.remove_prefix(f->size);
    any = true;
  }
  input_.erase(0, input_.size() - rest.size());
  return any;
}

received client::read(const mqtt::frame& f) {
  received r{f.type};
  r.size = static_cast<uint32_t>(f.size);
  const auto decoded = mqtt::decode(f, ver_);
  const auto* p = std::get_if<mqtt::packet>(&decoded);
  if (!p) {
    r.text = "malformed";
    return r;
  }
  if (const auto* c = std::get_if<mqtt::connack>(p)) {
    r.code = c->code;
    r.text = "connack " + hex(c->code) + (c->session_present ? " present" : "");
    r.properties = properties_text(c->props);
  } else if (const auto* m = std::get_if<mqtt::publish>(p)) {
    r.id = m->packet_id;
    r.qos = m->qos;
    r.dup = m->dup;
    r.retain = m->retain;
    r.topic = r.topic_sent = m->topic;
    r.alias = m->props.topic_alias.value_or(0);
    if (r.alias && r.topic.empty()) r.topic = aliases_[r.alias];
    if (r.alias) aliases_[r.alias] = r.topic;
    r.properties = properties_text(m->props);
    r.payload = m->payload;
    r.expiry_s = m->props.message_expiry_interval;
    mqtt::for_each_subscription_identifier(m->props.subscription_identifiers,
                                           [&](uint32_t id) { r.subscription_ids.push_back(id); });
    r.text = r.topic + "=" + r.payload + " q" + std::to_string(m->qos) + (m->dup ? " dup" : "") +
             (m->retain ? " retain" : "") + subscription_ids(*m);
  } else if (const auto* a = std::get_if<mqtt::ack>(p)) {
    static constexpr const char* names[] = {"puback", "pubrec", "pubrel", "pubcomp"};
    r.id = a->packet_id;
    r.code = a->code;
    r.text = names[static_cast<int>(f.type) - 4] + std::string(" ") + std::to_string(a->packet_id);
    if (a->code != reason::success) r.text += " " + hex(a->code);
    if (!a->reason_string.empty()) r.properties = "reason=" + std::string(a->reason_string);
  } else if (const auto* s = std::get_if<mqtt::suback>(p)) {
    r.text = "suback" + codes_text(s->codes);
    r.properties = properties_text(s->props);
  } else if (const auto* u = std::get_if<mqtt::unsuback>(p)) {
    r.text = "unsuback" + codes_text(u->codes);
    r.properties = properties_text(u->props);
  } else if (const auto* d = std::get_if<mqtt::disconnect>(p)) {
    r.code = d->code;
    r.text = "disconnect " + hex(d->code);
    r.properties = properties_text(d->props);
  } else if (const auto* x = std::get_if<mqtt::auth>(p)) {
    r.code = x->code;
    r.text = "auth " + hex(x->code);
    r.properties = properties_text(x->props);
  } else {
    r.text = f.type == packet_type::pingresp ? "pingresp" : "unexpected";
  }
  return r;
}

void client::answer(const received& r) {
  if (!open()) return;
  if (r.type == packet_type::publish && r.qos == 1) ack(packet_type::puback, r.id);
  if (r.type == packet_type::publish && r.qos == 2) ack(packet_type::pubrec, r.id);
  if (r.type == packet_type::pubrel) ack(packet_type::pubcomp, r.id);
  if (r.type == packet_type::pubrec && r.code < reason::unspecified_error)
    ack(packet_type::pubrel, r.id);
}

std::string client::take() {
  std::string text;
  for (const auto& r : got_) text += (text.empty() ? "" : "; ") + r.text;
  got_.clear();
  if (conn_ && conn_->closed() && !told_closed_) {
    told_closed_ = true;
    text += text.empty() ? "closed" : "; closed";
  }
  return text;
}

std::string client::take_properties() {
  const std::string text = got_.empty() ? "nothing came" : got_.back().properties;
  got_.clear();
  return text;
}

std::string client::payloads() {
  std::string text;
  for (const auto& r : got_)
    if (r.type == packet_type::publish) text += (text.empty() ? "" : " ") + r.payload;
  got_.clear();
  return text;
}

}  // namespace dunlin::sim
