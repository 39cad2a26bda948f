// The messages of proto/api.proto to and from JSON.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.hpp"

namespace dunlin::api {

std::string to_json(const google::protobuf::Message& m);
// What is wrong with the text, or nothing; an unknown field is wrong.
std::optional<std::string> from_json(const std::string& text, google::protobuf::Message& into);
// JSON holds UTF-8 only: other bytes become U+FFFD.
std::string clean(std::string_view s);
// A message's body: as text where it is UTF-8, else as base64. M: a message with both fields.
template <class M>
void set_body(std::string_view body, M& to) {
  if (utf8_valid(body))
    to.set_body(std::string(body));
  else
    to.set_body_base64(std::string(body));
}

}  // namespace dunlin::api
