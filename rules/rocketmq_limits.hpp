// What a RocketMQ 5 server takes in a message, so that what it would refuse is refused here with a
// clear reason.
//
// Used by rocketmq_queue before a send, and by the mapping of device messages, which must not make
// up such a property. Pure.
//   if (const auto why = refusal(m); !why.empty()) return refused(why);
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/message_queue.hpp"

namespace dunlin::rules {

// The server's own limits. Over: the message is refused (dead letter).
inline constexpr size_t rocketmq_body_bytes_max = 4 << 20;
inline constexpr size_t rocketmq_property_bytes_max =
    16384;  // user properties, tag and keys together
inline constexpr size_t rocketmq_properties_max = 128;
inline constexpr size_t rocketmq_topic_bytes_max = 127;
// A longer message group is replaced by its hash.
inline constexpr size_t rocketmq_group_bytes_max = 63;
// A batch with all that the server adds to each message; over, it answers as if it were failing
// itself.
inline constexpr size_t rocketmq_batch_bytes_max = 4 << 20;

// Names that have a meaning to the server: a user property must not be called so.
bool reserved_property(std::string_view name);

// Whether text has a control character as Java sees it (U+0000 to U+001F and U+007F to U+009F).
bool has_control_character(std::string_view utf8);

// Why the server would never take this message; empty when it would.
std::string refusal(const queue_message& m);

// Why it would not take a topic of this name; empty when it would.
std::string topic_fault(std::string_view topic);

// Why these messages cannot be one batch; empty when they can. mixed: the server keeps the
// messages' properties apart.
std::string batch_fault(const std::vector<queue_message>& batch, bool mixed);

// The group itself, or a hash of it when the server would refuse it (too long, blank, control
// characters, not UTF-8): a group only names an order, which the hash keeps.
std::string wire_group(const std::string& group);

}  // namespace dunlin::rules
