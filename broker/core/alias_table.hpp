// Topic aliases towards one client (MQTT 5.0 section 3.3.2.3.4), chosen by use: a topic gets one
// when it is used again, and the least recently used one gives way.
//
// Pure; of one connection, owned by outgoing. An alias is set in the client by the packet that
// carries it with its topic, so whoever cannot send that packet takes it back.
//   auto use = table.use(topic);  ->  no alias (0); alias with the topic; alias alone (known)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::core {

class alias_table {
 public:
  struct choice {
    uint16_t alias = 0;  // 0: none
    bool known = false;  // the client has it: the topic is left out
  };

  explicit alias_table(uint16_t max) : max_(max), seen_(2 * size_t{max}) {}

  choice use(std::string_view topic) {
    constexpr size_t property_bytes = 3;  // what the alias itself takes
    if (topic.size() <= property_bytes) return {};
    const size_t hash = std::hash<std::string_view>{}(topic);
    for (size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].hash == hash && entries_[i].topic == topic) {
        entries_[i].used = ++clock_;
        return {static_cast<uint16_t>(i + 1), true};
      }
    size_t& before = seen_[hash % seen_.size()];
    if (before != hash) {  // the first use, as far as is remembered
      before = hash;
      return {};
    }
    const size_t i = place();
    entries_[i] = {hash, ++clock_, std::string(topic)};
    return {static_cast<uint16_t>(i + 1), false};
  }
  // The packet that was to set it was not sent.
  void take_back(uint16_t alias) { entries_[alias - 1u] = {}; }

 private:
  struct entry {
    size_t hash = 0;
    uint64_t used = 0;
    std::string topic;  // empty: free
  };

  size_t place() {
    if (entries_.size() < max_) {
      entries_.emplace_back();
      return entries_.size() - 1;
    }
    size_t oldest = 0;
    for (size_t i = 1; i < entries_.size(); ++i)
      if (entries_[i].used < entries_[oldest].used) oldest = i;
    return oldest;
  }

  uint16_t max_;
  uint64_t clock_ = 0;
  std::vector<entry> entries_;  // by alias - 1
  std::vector<size_t> seen_;    // hashes of topics that were used once, each in its place
};

}  // namespace dunlin::core
