// A device's message on its way into an outbound rule, and its form in the spool: records one after
// the other.
//
// Used by the broker's shard (append: once for each message that matches a rule) and by the
// outbound rule (walk). The form is versioned by its first byte; a record that was cut off or
// altered is told, never read past.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::rules {

struct device_message {  // views: valid as long as the bytes they point into
  std::string_view topic;
  std::string_view payload;
  std::string_view client_id;  // the publisher's
  uint8_t qos = 0;
  int64_t born_ms = 0;  // since the epoch
  std::optional<uint32_t> expiry_s;
  std::string_view content_type;                                               // empty: none
  std::vector<std::pair<std::string_view, std::string_view>> user_properties;  // in order
};

void append_record(const device_message& m, std::string& out);

// One record's place at the front of `records`, which moves past it. Damaged: not a whole record;
// nothing moved.
enum class record_walk : uint8_t { record, end, damaged };
record_walk next_record(std::string_view& records,
                        device_message& m);  // m keeps its vector's capacity

// How many whole records these are; nothing when they are not (reads the headers alone).
std::optional<uint32_t> count_records(std::string_view records);

// Walks the records; false when the bytes are not whole records (those before the fault have been
// given to f).
bool for_each_record(std::string_view records, const std::function<void(const device_message&)>& f);

}  // namespace dunlin::rules
