// The broker's end of inbound rules: publishes their messages and tells when the obligations are
// met.
//
// One actor for each node, pinned. A message for {parent}/p2p/{clientId} goes to that client, all
// others to the shard of their topic, as a session's would.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <vector>

#include "broker/actors.hpp"
#include "broker/directory.hpp"
#include "broker/pinned.hpp"
#include "rules/actors.hpp"

namespace dunlin {

using ingress_interface = caf::typed_actor<caf::replies_to<rules::inject>::with<rules::injected>,
                                           caf::reacts_to<accepted>>;

class ingress : public pinned<ingress_interface::base> {
 public:
  ingress(caf::actor_config& c, directory& d) : pinned(c), directory_(d) {}
  const char* name() const override { return "ingress"; }
  behavior_type make_behavior() override;

 private:
  struct job {
    caf::typed_response_promise<rules::injected> promise;
    std::vector<rules::injection> results;
    uint32_t answers_due = 0;
  };

  caf::typed_response_promise<rules::injected> inject(rules::inject& in);
  void answered(const accepted& a);
  mqtt::message_ptr make(const rules::inbound_message& m);

  directory& directory_;
  absl::flat_hash_map<uint32_t, job> jobs_;
  uint32_t last_job_ = 0;
};

}  // namespace dunlin
