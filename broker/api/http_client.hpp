// One HTTP/1.1 request on a connection of its own, with an answer in bounded time. It blocks.
//
// Used by the commands that ask a running node (dunlin reload, trace, slow).
//   auto r = call({"127.0.0.1", "8080"}, "POST", "/api/v1/reload", "", 10s);
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <string>

namespace dunlin::api {

struct http_address {
  std::string host, port;
};
// "http://127.0.0.1:8080", "127.0.0.1:8080" or "[::1]:8080".
absl::StatusOr<http_address> parse_url(const std::string& url);

struct http_reply {
  int status = 0;
  std::string body;
};
absl::StatusOr<http_reply> call(const http_address& to, const std::string& method,
                                const std::string& path, const std::string& body,
                                std::chrono::milliseconds at_most);

std::string percent_encode(const std::string& part);  // for a part of a path, or a query's value

}  // namespace dunlin::api
