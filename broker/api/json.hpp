// The messages of proto/api.proto to and from JSON.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>

namespace dunlin::api {

std::string to_json(const google::protobuf::Message& m);
// What is wrong with the text, or nothing; an unknown field is wrong.
std::optional<std::string> from_json(const std::string& text, google::protobuf::Message& into);
// JSON holds UTF-8 only: other bytes become U+FFFD.
std::string clean(std::string_view s);

}  // namespace dunlin::api
