#include "broker/api/json.hpp"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "base/utf8.hpp"

namespace dunlin::api {

std::string to_json(const google::protobuf::Message& m) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string out;
  if (!google::protobuf::util::MessageToJsonString(m, &out, options).ok()) return "{}";
  return out + '\n';
}

std::optional<std::string> from_json(const std::string& text, google::protobuf::Message& into) {
  if (text.empty()) return "the body is empty";
  const auto status = google::protobuf::util::JsonStringToMessage(text, &into);
  if (status.ok()) return {};
  return std::string(status.message().data(), status.message().size());
}

std::string clean(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const size_t n = utf8_sequence(s);
    if (n == 0)
      out += "\xEF\xBF\xBD";
    else
      out += s.substr(0, n);
    s.remove_prefix(std::max<size_t>(n, 1));
  }
  return out;
}

}  // namespace dunlin::api
