// Any filter against any topic (the first newline parts them): the fast forms must agree with slow
// and plain ones.
//   bazel build --config=fuzz //tests/fuzz:topic_fuzz
#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/mqtt/ascii.hpp"
#include "broker/mqtt/topic.hpp"
#include "tests/fuzz/require.hpp"

namespace dunlin::mqtt {
namespace {

using fuzz::require;

std::vector<std::string_view> levels(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    size_t slash = text.find('/');
    out.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    text.remove_prefix(slash + 1);
  }
}

// Section 4.7 level by level.
bool matches_plainly(std::string_view filter, std::string_view topic) {
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
  auto wanted = levels(filter);
  auto given = levels(topic);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "#") return true;
    if (i >= given.size()) return false;
    if (wanted[i] != "+" && wanted[i] != given[i]) return false;
  }
  return wanted.size() == given.size();
}

// RFC 3629 by code points; U+0000 is refused as well [MQTT-1.5.4-2].
bool well_formed(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<uint8_t>(text[0]);
    const size_t length = first < 0x80   ? 1
                          : first < 0xC0 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                          : first < 0xF8 ? 4
                                         : 0;
    if (length == 0 || text.size() < length) return false;
    constexpr uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
    for (char c : text.substr(1, length - 1)) {
      if ((c & 0xC0) != 0x80) return false;
      point = point << 6 | (c & 0x3F);
    }
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
      return false;
    text.remove_prefix(length);
  }
  return true;
}

void check_ascii(std::string_view text) {
  bool plain = true;
  bool wildcard = false;
  for (char c : text) {
    if (c == '\0' || (c & 0x80) != 0) plain = false;
    if (c == '+' || c == '#') wildcard = true;
  }
  require(ascii_text(text) == plain);
  require(ascii_topic(text) == (plain && !wildcard));
  require(valid_utf8(text) == well_formed(text), "UTF-8");
  require(has_wildcard(text) == wildcard);
}

void check(std::string_view filter, std::string_view topic) {
  check_ascii(filter);
  check_ascii(topic);
  bool result = matches(filter, topic);
  if (valid_topic_filter(filter) && valid_topic_name(topic)) {
    require(result == matches_plainly(filter, topic));
  }
  if (valid_topic_name(topic)) require(matches(topic, topic));
  if (auto shared = parse_shared(filter)) {
    bool nested = shared->filter.starts_with("$share/");
    require(valid_topic_filter(filter) == (!nested && valid_topic_filter(shared->filter)));
  }
  require(topic.starts_with(first_two_levels(topic)));
}

}  // namespace
}  // namespace dunlin::mqtt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return 0;
  dunlin::mqtt::check(text.substr(0, newline), text.substr(newline + 1));
  return 0;
}
