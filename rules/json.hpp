// The little JSON that the product's properties and events need: strings out, lists of user
// properties in and out.
//
// Used by mapping (mqtt5UserProperty) and status (event bodies). Pure.
//   append_json_string(out, "a\"b");                                  // "a\"b", quotes and all
//   parse_user_properties(R"([{"key":"k","value":"v"}])");            // {{"k", "v"}}
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::rules {

// Escapes quotes, backslashes and control characters, so that the result holds no control
// character; other bytes stay.
void append_json_string(std::string& out, std::string_view text);

template <class Pairs>
void append_user_properties(std::string& out, const Pairs& properties) {
  out += '[';
  for (const auto& [key, value] : properties) {
    if (out.back() != '[') out += ',';
    out += "{\"key\":";
    append_json_string(out, key);
    out += ",\"value\":";
    append_json_string(out, value);
    out += '}';
  }
  out += ']';
}

// A list of objects with the strings "key" and "value", in either order and with no other members.
// Nothing otherwise.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_user_properties(
    std::string_view json);

}  // namespace dunlin::rules
