#include "broker/config/utc.hpp"

#include <charconv>
#include <ctime>

namespace dunlin::configuration {
namespace {

// `text` has the shape: a digit where there is a 0, else the very character.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]) return false;
  return true;
}

int number(std::string_view s) {
  int n = 0;
  std::from_chars(s.data(), s.data() + s.size(), n);
  return n;
}

}  // namespace

std::optional<int64_t> parse_utc(std::string_view text) {
  const bool with_time = has_shape(text, "0000-00-00T00:00:00Z");
  if (!with_time && !has_shape(text, "0000-00-00")) return {};
  std::tm t{};
  t.tm_year = number(text.substr(0, 4)) - 1900;
  t.tm_mon = number(text.substr(5, 2)) - 1;
  t.tm_mday = number(text.substr(8, 2));
  if (with_time) {
    t.tm_hour = number(text.substr(11, 2));
    t.tm_min = number(text.substr(14, 2));
    t.tm_sec = number(text.substr(17, 2));
  }
  const std::tm asked = t;
  const time_t at = ::timegm(&t);
  // A day that the month does not have was moved on.
  if (at < 0 || t.tm_mday != asked.tm_mday || t.tm_mon != asked.tm_mon ||
      t.tm_hour != asked.tm_hour || t.tm_min != asked.tm_min || t.tm_sec != asked.tm_sec)
    return {};
  return static_cast<int64_t>(at) * 1000;
}

}  // namespace dunlin::configuration
