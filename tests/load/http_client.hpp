// The least of an HTTP/1.1 client: one request on a connection of its own, an answer of bounded
// time.
//
// Used by queue_reader.   http_client c(options.queue_api); http_reply r = c.get("/readyz");
#pragma once

#include <string>
#include <string_view>

#include "tests/load/options.hpp"

namespace dunlin::load {

struct http_reply {
  int status = 0;  // 0: no answer, see error
  std::string body;
  std::string error;
};

// Of a whole answer as it came; status 0 when it is not one.
http_reply parse_reply(std::string_view text);

class http_client {
 public:
  explicit http_client(endpoint to) : to_(std::move(to)) {}
  http_reply get(const std::string& path) const { return call("GET", path, {}); }
  http_reply post(const std::string& path, const std::string& json) const {
    return call("POST", path, json);
  }

 private:
  http_reply call(const std::string& method, const std::string& path,
                  const std::string& json) const;
  endpoint to_;
};

}  // namespace dunlin::load
