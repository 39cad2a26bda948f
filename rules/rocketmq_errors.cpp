#include "rules/rocketmq_errors.hpp"

#include <string>

namespace dunlin::rules {
namespace {

constexpr size_t text_bytes_max = 300;  // a Java stack's first line says it all

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The first line of the server's text, cut.
std::string first_line(std::string_view text) {
  constexpr std::string_view wrapper = "org.apache.rocketmq.proxy.common.ProxyException: ";
  if (text.substr(0, wrapper.size()) == wrapper) text.remove_prefix(wrapper.size());
  text = text.substr(0, text.find_first_of("\r\n"));
  return std::string(text.substr(0, text_bytes_max));
}

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

struct meaning {
  outcome what;
  std::string hint;  // empty: the server's text alone
};

meaning topic_missing(const rocketmq_call& call) {
  return {outcome::misconfigured,
          "topic " + quoted(call.topic) +
              " does not exist in RocketMQ, or its broker is down: create it "
              "(mqadmin updateTopic -t " +
              std::string(call.topic) + ") or change the rule's queue"};
}

meaning group_missing(const rocketmq_call& call) {
  return {outcome::misconfigured, "consumer group " + quoted(call.group) +
                                      " does not exist in RocketMQ: create it "
                                      "(mqadmin updateSubGroup -g " +
                                      std::string(call.group) + ") or change the rule's group"};
}

// 40014 has two meanings: no such topic, or one made for another type of message.
meaning wrong_type(std::string_view text, const rocketmq_call& call) {
  if (contains(text, "expected type is UNSPECIFIED")) return topic_missing(call);
  const bool fifo = contains(text, "expected type is FIFO");
  return {outcome::misconfigured,
          "topic " + quoted(call.topic) + " was made for another type of message: " +
              (fifo ? "it is FIFO, which needs `order: device` in the rule"
                    : "make it with +message.type=FIFO for `order: device`, NORMAL otherwise")};
}

// 50001 hides what the server did not foresee; some of it will never pass.
meaning server_error(std::string_view text, const rocketmq_call& call) {
  if (contains(text, "message body size exceeded"))
    return {outcome::refused, "the message or batch is larger than the server takes"};
  if (contains(text, "subscription group") && contains(text, "not exist"))
    return group_missing(call);
  if (contains(text, "RemotingConnectException") || contains(text, "RemotingSendRequestException"))
    return {outcome::retry, "the proxy cannot reach a broker"};
  // A receive of a missing topic, where broker and proxy are one process.
  if (contains(text, "NullPointerException") && call.what == "receive" &&
      !settings_missing(50001, text))
    return topic_missing(call);
  return {outcome::retry, {}};
}

meaning meaning_of(int code, std::string_view text, const rocketmq_call& call) {
  switch (code) {
    case rocketmq_ok:
    case rocketmq_nothing_new:
      return {outcome::ok, {}};
    case 40001:  // ILLEGAL_ACCESS_POINT
      return {outcome::misconfigured, {}};
    case 40002:
      return {outcome::misconfigured,
              quoted(call.topic) + " is not a topic's name: change the rule's queue"};
    case 40003:
      return {outcome::misconfigured,
              quoted(call.group) + " is not a group's name: change the rule's group"};
    case 40004:  // tag
    case 40005:  // key
    case 40006:  // message group
    case 40007:  // property
    case 40009:  // message ID
    case 40016:  // MESSAGE_CORRUPTED: an empty batch, or one of several topics
    case 41300:  // PAYLOAD_TOO_LARGE
    case 41301:  // MESSAGE_BODY_TOO_LARGE
    case 41302:  // MESSAGE_BODY_EMPTY
    case 43100:  // REQUEST_HEADER_FIELDS_TOO_LARGE
    case 43101:  // MESSAGE_PROPERTIES_TOO_LARGE
      return {outcome::refused, {}};
    case 40013:
      return {outcome::refused, "the delivery has expired; the message comes again"};
    case 40014:
      return wrong_type(text, call);
    case 40100:
    case 40300:
      return {outcome::misconfigured,
              "the server refuses the credential: check rocketmq.access_key and secret_key and the "
              "user's "
              "permissions (mqadmin createAcl)"};
    case 40200:  // PAYMENT_REQUIRED
      return {outcome::misconfigured, {}};
    case 40400:
    case 40402:
      return topic_missing(call);
    case 40403:
      return group_missing(call);
    case 50001:
      return server_error(text, call);
    case 50100:  // NOT_IMPLEMENTED
    case 50500:  // UNSUPPORTED
    case 50501:  // VERSION_UNSUPPORTED
      return {outcome::misconfigured,
              "the server does not support this call: RocketMQ 5 is needed"};
    default:
      // Busy (429xx), timed out (40800, 504xx), failing (5xxxx), stored but not yet flushed or
      // replicated (50002, 50401, 50402), a code of a newer server: what is not known to be final
      // is tried again.
      return {outcome::retry, {}};
  }
}

}  // namespace

queue_result classify(int code, std::string_view text, const rocketmq_call& call) {
  auto [what, hint] = meaning_of(code, text, call);
  if (what == outcome::ok) return {outcome::ok, code, {}};
  std::string error = std::string(call.what) + ": ";
  if (!hint.empty()) error += hint + "; the server said ";
  return {what, code, error + std::to_string(code) + " " + first_line(text)};
}

queue_result classify_transport(int grpc_code, std::string_view text, std::string_view endpoint) {
  const std::string at = " RocketMQ at " + std::string(endpoint);
  const std::string said = ": " + first_line(text);
  switch (grpc_code) {
    case 0:
      return {outcome::ok, 0, {}};
    case 1:  // CANCELLED
      return {outcome::retry, 0, "the call to" + at + " was cancelled" + said};
    case 4:  // DEADLINE_EXCEEDED
      return {outcome::retry, 0, "no answer in time from" + at + said};
    case 7:   // PERMISSION_DENIED
    case 16:  // UNAUTHENTICATED
      return {outcome::misconfigured, 0, "no access to" + at + said};
    case 12:  // UNIMPLEMENTED
      return {outcome::misconfigured, 0,
              "rocketmq.endpoint " + std::string(endpoint) +
                  " is not the gRPC port of a RocketMQ 5 proxy (8081 as a rule)" + said};
    case 14:  // UNAVAILABLE
      return {outcome::retry, 0, "cannot reach" + at + said};
    default:
      return {outcome::retry, 0,
              "the call to" + at + " failed (gRPC " + std::to_string(grpc_code) + ")" + said};
  }
}

bool settings_missing(int code, std::string_view text) {
  // 40015 UNRECOGNIZED_CLIENT_TYPE: "cannot find client settings for this client".
  return code == 40015 || (code == 50001 && contains(text, "\"settings\" is null"));
}

}  // namespace dunlin::rules
