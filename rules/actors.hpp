// Every actor interface and message of rules. The broker knows a rule by these alone; rules do not
// know the broker.
//
//   shard --store--> outbound        the messages of one batch that matched the rule's topic
//   session --client_event--> status  a client of the rule's group came or went
//   inbound --inject--> ingress       the broker's end: messages for devices, answered when their
//   obligations are met api --describe--> any rule        what GET /api/v1/rules shows
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/rule_status.hpp"

namespace dunlin::rules {

// Asks an outbound rule to take messages. The answer comes when they are durable (acknowledge:
// stored) or in the message queue (acknowledge: delivered); an error of category "rules"
// (rules/errors.hpp) when the rule cannot take them.
struct store {
  std::string records;  // append_record, one after the other
  uint32_t count = 0;
};
struct stored {
  uint32_t count = 0;
};

enum class client_event_kind : uint8_t { connect, disconnect, tcpclean };
struct client_event {
  client_event_kind kind;
  std::string client_id;
  std::string channel_id;  // unique for each network connection
  std::string client_ip;   // address:port
  int64_t time_ms;         // since the epoch
};

// A message from a backend for devices. A topic {parent}/p2p/{clientId} goes to that client without
// a subscription.
struct inbound_message {
  std::string topic;        // where it is routed
  std::string shown_topic;  // what the receiver sees (mqttRealTopic); empty: topic
  std::string payload;
  uint8_t qos = 1;
  std::optional<uint32_t> expiry_s;
  std::string content_type;  // empty: none
  std::vector<std::pair<std::string, std::string>> user_properties;
};
struct inject {
  std::vector<inbound_message> messages;
};
enum class injection : uint8_t { met, no_receiver, refused };
struct injected {
  std::vector<injection> results;  // one for each message, in order
};

struct describe {};
struct stop {};  // finish what is in flight, then quit

using outbound_actor =
    caf::typed_actor<caf::replies_to<store>::with<stored>,
                     caf::replies_to<describe>::with<rule_status>, caf::reacts_to<stop>>;
using status_actor =
    caf::typed_actor<caf::reacts_to<client_event>, caf::replies_to<describe>::with<rule_status>,
                     caf::reacts_to<stop>>;
using inbound_actor =
    caf::typed_actor<caf::replies_to<describe>::with<rule_status>, caf::reacts_to<stop>>;
using ingress_actor = caf::typed_actor<caf::replies_to<inject>::with<injected>>;

}  // namespace dunlin::rules

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::store)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::stored)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::client_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::inject)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::injected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::describe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::rule_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::stop)
