// Topic names and topic filters (MQTT 5.0 section 4.7; shared subscriptions 4.8.2).
//
// Used by the codec (validity), the shard (match) and rules. Pure functions over bytes.
#pragma once

#include <optional>
#include <string_view>

namespace dunlin::mqtt {

// Well-formed UTF-8 without U+0000 and without surrogates [MQTT-1.5.4-1, -2].
bool valid_utf8(std::string_view s);

// A topic name to publish to: not empty, no wildcard, no U+0000 [MQTT-4.7.1-1, 4.7.3-1, -2]. UTF-8
// is the codec's check.
bool valid_topic_name(std::string_view topic);

// A topic filter: not empty, '#' last and alone in its level, '+' alone in its level [MQTT-4.7.1-1,
// -2]. A filter that begins with "$share/" must have a group without '/', '+', '#' and a filter
// behind it [MQTT-4.8.2-1, -2].
bool valid_topic_filter(std::string_view filter);

bool has_wildcard(std::string_view filter);

struct shared_filter {
  std::string_view group;
  std::string_view filter;
};
// "$share/group/filter" in its parts; nothing when the filter is not a shared one.
std::optional<shared_filter> parse_shared(std::string_view filter);

// Whether the filter matches the topic. A filter that begins with a wildcard does not match a topic
// that begins with
// '$' [MQTT-4.7.2-1]; "a/#" matches "a".
bool matches(std::string_view filter, std::string_view topic);

// The first two levels of a topic or filter ("a/b" of "a/b/c"), by which topics are divided among
// shards.
inline std::string_view first_two_levels(std::string_view topic) {
  const size_t slash = topic.find('/');
  if (slash == std::string_view::npos) return topic;
  return topic.substr(0, topic.find('/', slash + 1));
}

}  // namespace dunlin::mqtt
