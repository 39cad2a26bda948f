// A query's fields with their types and ranges. Pure.
//
//   parameters q(request);
//   const auto n = q.number("max", 32, 1, 1000);   // 32 when it is not there
//   if (q.wrong()) ...                              // the first thing that is wrong, for people
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "broker/api/http.hpp"

namespace dunlin::api {

class parameters {
 public:
  explicit parameters(const request& r) : query_(r.query) {}

  std::string name(const std::string& field);  // must be there
  uint64_t number(const std::string& field, uint64_t otherwise, uint64_t least, uint64_t most);
  // "1500", "1500ms", "10s", "5m", "2h"
  uint64_t duration_ms(const std::string& field, uint64_t otherwise, uint64_t least, uint64_t most);
  // A field that was not asked for is wrong.
  void nothing_else();

  const std::optional<std::string>& wrong() const { return wrong_; }

 private:
  const std::string* find(const std::string& field);
  void fault(std::string what);

  const std::map<std::string, std::string>& query_;
  std::set<std::string> asked_;
  std::optional<std::string> wrong_;
};

// What topics and groups of queues may be called: up to 127 of A-Z a-z 0-9 _ - %.
bool good_name(std::string_view s);

}  // namespace dunlin::api
