#include "tests/mqtt/samples.hpp"

#include <algorithm>
#include <deque>
#include <functional>

#include "broker/mqtt/properties.hpp"

namespace dunlin::mqtt {

namespace {

constexpr version every_version[] = {version::v31, version::v311, version::v5};

// Text that lives as long as the program.
std::string_view keep(std::string text) {
  static std::deque<std::string> kept;
  return kept.emplace_back(std::move(text));
}

struct property_sample {
  std::string name;
  std::vector<packet_type> carriers;
  std::function<void(properties&)> set;
};

const std::vector<property_sample>& property_samples() {
  using enum packet_type;
  using p = properties;
  static const std::vector<property_sample> all = {
      {"session_expiry_interval",
       {connect, connack, disconnect},
       [](p& x) { x.session_expiry_interval = 0xFFFFFFFF; }},
      {"assigned_client_id", {connack}, [](p& x) { x.assigned_client_id = "auto-1"; }},
      {"server_keep_alive", {connack}, [](p& x) { x.server_keep_alive = 65535; }},
      {"authentication_method",
       {connect, connack, auth},
       [](p& x) { x.authentication_method = "SCRAM"; }},
      {"authentication_data",
       {connect, connack, auth},
       [](p& x) {
         x.authentication_method = "m";
         x.authentication_data = std::string_view("\0\xff", 2);
       }},
      {"request_problem_information",
       {connect},
       [](p& x) { x.request_problem_information = false; }},
      {"request_response_information",
       {connect},
       [](p& x) { x.request_response_information = true; }},
      {"response_information", {connack}, [](p& x) { x.response_information = "reply/"; }},
      {"server_reference", {connack, disconnect}, [](p& x) { x.server_reference = "other:1883"; }},
      {"reason_string",
       {connack, suback, unsuback, disconnect, auth},
       [](p& x) { x.reason_string = "na und: \xc3\xa4"; }},
      {"receive_maximum", {connect, connack}, [](p& x) { x.receive_maximum = 1; }},
      {"topic_alias_maximum", {connect, connack}, [](p& x) { x.topic_alias_maximum = 0; }},
      {"maximum_qos", {connack}, [](p& x) { x.maximum_qos = 1; }},
      {"retain_available", {connack}, [](p& x) { x.retain_available = false; }},
      {"maximum_packet_size", {connect, connack}, [](p& x) { x.maximum_packet_size = 268435455; }},
      {"wildcard_subscription_available",
       {connack},
       [](p& x) { x.wildcard_subscription_available = false; }},
      {"subscription_identifiers_available",
       {connack},
       [](p& x) { x.subscription_identifiers_available = true; }},
      {"shared_subscription_available",
       {connack},
       [](p& x) { x.shared_subscription_available = false; }},
      {"subscription_identifier", {subscribe}, [](p& x) { x.subscription_identifier = 268435455; }},
      {"user_properties",
       {connect, connack, subscribe, suback, unsubscribe, unsuback, disconnect, auth},
       [](p& x) {
         x.user_properties = {{"k", "v"}, {"", ""}, {"k", "again"}};
       }},
  };
  return all;
}

// A packet of that type which carries `props`.
packet bare(packet_type type, properties props) {
  switch (type) {
    case packet_type::connect:
      return connect{.ver = version::v5, .client_id = "c", .props = std::move(props)};
    case packet_type::connack:
      return connack{.props = std::move(props)};
    case packet_type::subscribe:
      return subscribe{7, {{"a/+/c", {1, false, true, 2}}}, std::move(props)};
    case packet_type::suback:
      return suback{7, {reason::granted_qos_1}, std::move(props)};
    case packet_type::unsubscribe:
      return unsubscribe{7, {"a/+/c"}, std::move(props)};
    case packet_type::unsuback:
      return unsuback{7, {reason::no_subscription_existed}, std::move(props)};
    case packet_type::disconnect:
      return disconnect{reason::success, std::move(props)};
    default:
      if (!props.authentication_method) props.authentication_method = "m";
      return auth{reason::continue_authentication, std::move(props)};
  }
}

void add_properties(std::vector<sample>& out) {
  using enum packet_type;
  for (packet_type type :
       {connect, connack, subscribe, suback, unsubscribe, unsuback, disconnect, auth}) {
    properties all;
    std::string suffix = " in type " + std::to_string(static_cast<int>(type));
    for (const property_sample& p : property_samples()) {
      if (std::find(p.carriers.begin(), p.carriers.end(), type) == p.carriers.end()) continue;
      properties one;
      p.set(one);
      p.set(all);
      out.push_back({p.name + suffix, version::v5, bare(type, one)});
    }
    out.push_back({"every property" + suffix, version::v5, bare(type, all)});
    out.push_back({"no property" + suffix, version::v5, bare(type, {})});
  }
}

publish_properties forwarded(const std::function<void(std::string&)>& append) {
  std::string block;
  append(block);
  return parse_forwarded(keep(std::move(block)));
}

std::vector<std::pair<std::string, publish_properties>> message_properties() {
  std::vector<std::pair<std::string, publish_properties>> out = {
      {"payload format", forwarded([](auto& b) { append_payload_is_utf8(b); })},
      {"content type", forwarded([](auto& b) { append_content_type("text/plain", b); })},
      {"response topic", forwarded([](auto& b) { append_response_topic("r/1", b); })},
      {"correlation data",
       forwarded([](auto& b) { append_correlation_data(std::string_view("\0\xff\x26", 3), b); })},
      {"user properties", forwarded([](auto& b) {
         append_user_property({"k", "v"}, b);
         append_user_property({"", ""}, b);
         append_user_property({"k", "\xe2\x82\xac"}, b);
       })},
  };
  publish_properties all = forwarded([](auto& b) {
    append_user_property({"first", "1"}, b);
    append_payload_is_utf8(b);
    append_content_type("", b);
    append_response_topic("r", b);
    append_correlation_data("", b);
    append_user_property({"last", "2"}, b);
  });
  all.message_expiry_interval = 0;
  out.emplace_back("every property", all);
  publish_properties expiry;
  expiry.message_expiry_interval = 0xFFFFFFFF;
  out.emplace_back("message expiry interval", expiry);
  return out;
}

void add_publish(std::vector<sample>& out, version v) {
  for (uint8_t qos = 0; qos <= 2; ++qos) {
    for (bool retain : {false, true}) {
      publish p{.topic = "a/b", .payload = "payload", .qos = qos, .retain = retain};
      p.packet_id = qos == 0 ? 0 : 0x1234;
      out.push_back({"PUBLISH QoS " + std::to_string(qos), v, p});
      p.dup = qos != 0;
      p.payload = {};
      p.topic = "sensors/\xc3\xa4/\xe2\x82\xac/\xf0\x9f\x90\xa6";
      out.push_back({"PUBLISH without payload, QoS " + std::to_string(qos), v, p});
    }
  }
  for (size_t size : {120u, 127u, 128u, 16380u, 16384u, 2097152u}) {
    publish p{.topic = "t", .payload = keep(std::string(size, 'x'))};
    out.push_back({"PUBLISH of " + std::to_string(size), v, p});
  }
}

void add_publish_properties(std::vector<sample>& out) {
  for (const auto& [name, props] : message_properties()) {
    publish p{.topic = "a", .payload = "x", .packet_id = 9, .qos = 1, .props = props};
    out.push_back({"PUBLISH with " + name, version::v5, p});
    connect c{.ver = version::v5, .client_id = "c"};
    c.will = will_message{"w", "gone", 2, true, 0, props};
    out.push_back({"will with " + name, version::v5, c});
    c.will->delay_interval_s = 30;
    out.push_back({"will with a delay and " + name, version::v5, c});
  }
  publish p{.topic = "", .payload = "x"};
  p.props.topic_alias = 65535;
  out.push_back({"PUBLISH with a topic alias for its topic", version::v5, p});
  std::string ids;
  append_subscription_identifier(1, ids);
  append_subscription_identifier(268435455, ids);
  p.props.subscription_identifiers = keep(ids);
  p.topic = "a";
  out.push_back({"PUBLISH with subscription identifiers", version::v5, p});
}

void add_acks(std::vector<sample>& out, version v) {
  using enum packet_type;
  for (packet_type type : {puback, pubrec, pubrel, pubcomp}) {
    std::string name = "acknowledgement " + std::to_string(static_cast<int>(type));
    out.push_back({name, v, ack{type, 1}});
    out.push_back({name + " of 65535", v, ack{type, 65535}});
    if (v != version::v5) continue;
    bool release = type == pubrel || type == pubcomp;
    reason code = release ? reason::packet_identifier_not_found : reason::quota_exceeded;
    out.push_back({name + " with a code", v, ack{type, 1, code}});
    out.push_back({name + " with a reason string", v, ack{type, 1, code, "why"}});
    out.push_back({name + " with user properties", v,
                   ack{type, 1, reason::success, "", {{"k", "v"}, {"k", "w"}}}});
  }
}

void add_connect(std::vector<sample>& out, version v) {
  connect c{.ver = v, .keep_alive_s = 65535, .client_id = "client"};
  out.push_back({"CONNECT", v, c});
  c.clean_start = false;
  c.user_name = "user";
  out.push_back({"CONNECT with a user name", v, c});
  c.password = std::string_view("p\0\xff", 3);
  out.push_back({"CONNECT with a password", v, c});
  c.will = will_message{"w/t", std::string_view("\0", 1), 1, false};
  out.push_back({"CONNECT with a will", v, c});
  c.user_name = "";
  c.password = "";
  c.will = will_message{"w", "", 2, true};
  c.bridge = true;
  out.push_back({"CONNECT of a bridge, empty fields", v, c});
  if (v == version::v31) return;
  out.push_back({"CONNECT without a client id", v, connect{.ver = v}});
  if (v == version::v311) return;
  c.user_name.reset();
  out.push_back({"CONNECT with a password only", v, c});
}

void add_rest(std::vector<sample>& out, version v) {
  bool v5 = v == version::v5;
  out.push_back({"CONNACK", v, connack{}});
  if (v != version::v31)
    out.push_back({"CONNACK with a session", v, connack{.session_present = true}});
  out.push_back({"CONNACK that refuses", v, connack{.code = reason::not_authorized}});
  subscription_options most{2, v5, v5, static_cast<uint8_t>(v5 ? 1 : 0)};
  out.push_back({"SUBSCRIBE", v, subscribe{1, {{"#", {}}, {"a/+", {1}}, {"b", most}}, {}}});
  out.push_back({"SUBSCRIBE shared", v, subscribe{65535, {{"$share/g/a/#", {1}}}, {}}});
  out.push_back({"SUBACK", v,
                 suback{1,
                        {reason::success, reason::granted_qos_1, reason::granted_qos_2,
                         reason::unspecified_error},
                        {}}});
  out.push_back({"UNSUBSCRIBE", v, unsubscribe{1, {"a", "+/+", "$share/g/#"}, {}}});
  unsuback answer{1, {}, {}};
  if (v5) answer.codes = {reason::success, reason::no_subscription_existed};
  out.push_back({"UNSUBACK", v, answer});
  out.push_back({"PINGREQ", v, pingreq{}});
  out.push_back({"PINGRESP", v, pingresp{}});
  out.push_back({"DISCONNECT", v, disconnect{}});
  if (!v5) return;
  out.push_back({"DISCONNECT with will", v, disconnect{.code = reason::disconnect_with_will}});
  out.push_back({"AUTH", v, auth{}});
}

}  // namespace

const std::vector<sample>& samples() {
  static const std::vector<sample> all = [] {
    std::vector<sample> out;
    for (version v : every_version) {
      add_connect(out, v);
      add_publish(out, v);
      add_acks(out, v);
      add_rest(out, v);
    }
    add_properties(out);
    add_publish_properties(out);
    return out;
  }();
  return all;
}

}  // namespace dunlin::mqtt
