// A request and a response as handlers see them, and what a handler is. No network in here.
//
//   void show_time(const request& r, respond done) { done(text_response(200, "noon")); }   // at
//   once, or later
// `done` runs once, on any thread; a handler that drops it is answered for with 500.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::api {

struct request {
  std::string method;
  std::string path;                               // as it came, without the query
  std::map<std::string, std::string> query;       // decoded; the last of equal names
  std::map<std::string, std::string> parameters;  // {name} parts of the route, decoded
  std::string body;
};

struct response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

using respond = std::function<void(response)>;
using handler = std::function<void(const request&, respond)>;

// %41 and, in a query, + for a space; nothing when an escape is broken.
std::optional<std::string> percent_decode(std::string_view s, bool plus_is_space);
// A query's fields; nothing when an escape is broken.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view s);

response text_response(int status, std::string body);
response error_response(int status, std::string_view error, std::string_view hint = {});

}  // namespace dunlin::api
