#include "broker/api/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace dunlin::api {

namespace {

std::optional<uint64_t> parse(std::string_view text, bool duration) {
  uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{}) return {};
  const std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  constexpr std::pair<std::string_view, uint64_t> units[] = {
      {"", 1}, {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
  for (const auto& [suffix, factor] : units)
    if (rest == suffix && (duration || suffix.empty()) && n <= UINT64_MAX / factor)
      return n * factor;
  return {};
}

}  // namespace

const std::string* parameters::find(const std::string& field) {
  asked_.insert(field);
  const auto it = query_.find(field);
  return it == query_.end() ? nullptr : &it->second;
}

void parameters::fault(std::string what) {
  if (!wrong_) wrong_ = std::move(what);
}

std::string parameters::name(const std::string& field) {
  const auto* text = find(field);
  if (text == nullptr)
    fault(field + " is missing");
  else if (!good_name(*text))
    fault(field + " is not a name: up to 127 of A-Z a-z 0-9 _ - %");
  else
    return *text;
  return {};
}

uint64_t parameters::number(const std::string& field, uint64_t otherwise, uint64_t least,
                            uint64_t most) {
  const auto* text = find(field);
  if (text == nullptr) return otherwise;
  const auto n = parse(*text, false);
  if (n && *n >= least && *n <= most) return *n;
  fault(field + " goes from " + std::to_string(least) + " to " + std::to_string(most));
  return otherwise;
}

uint64_t parameters::duration_ms(const std::string& field, uint64_t otherwise, uint64_t least,
                                 uint64_t most) {
  const auto* text = find(field);
  if (text == nullptr) return otherwise;
  const auto n = parse(*text, true);
  if (n && *n >= least && *n <= most) return *n;
  fault(field + " goes from " + std::to_string(least) + " to " + std::to_string(most) +
        " ms; it may be written 500ms, 10s, 5m");
  return otherwise;
}

void parameters::nothing_else() {
  for (const auto& [field, value] : query_)
    if (!asked_.contains(field)) fault("there is no parameter " + field);
}

bool good_name(std::string_view s) {
  return !s.empty() && s.size() <= 127 && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '%';
  });
}

}  // namespace dunlin::api
