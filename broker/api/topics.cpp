#include "broker/api/json.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

void add_topics(router& r, std::shared_ptr<const provider> p) {
  r.add("GET", "/api/v1/topics", [p](const request&, respond done) {
    Topics out;
    for (const auto& t : p->topics()) {
      Topic& to = *out.add_topics();
      to.set_filter(clean(t.filter));
      to.set_messages_in(static_cast<double>(t.in));
      to.set_bytes_in(static_cast<double>(t.in_bytes));
      to.set_messages_out(static_cast<double>(t.out));
      to.set_bytes_out(static_cast<double>(t.out_bytes));
      to.set_dropped(static_cast<double>(t.dropped));
    }
    done({200, "application/json", to_json(out)});
  });
}

}  // namespace dunlin::api
