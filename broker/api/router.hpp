// Method and path to handler. Pure: no network, no threads.
//
//   router r;
//   r.add("GET", "/api/v1/rules/{id}", show_rule);     // {id} is request.parameters["id"]
//   r.dispatch(request, done);
// A literal part wins over a {parameter}. No such path: 404. The path with other methods only: 405
// with Allow. HEAD is answered as GET.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/api/http.hpp"

namespace dunlin::api {

class router {
 public:
  void add(std::string method, std::string_view pattern, handler h);
  // Fills in the parameters and calls the handler; an exception of one is answered with 500.
  void dispatch(request r, respond done) const;

 private:
  struct part {
    bool parameter;
    std::string text;
  };
  struct route {
    std::string method;
    std::vector<part> parts;
    handler run;
  };
  // The number of literal parts that match, or nothing.
  static std::optional<size_t> match(const route& r, const std::vector<std::string_view>& path);

  std::vector<route> routes_;
};

}  // namespace dunlin::api
