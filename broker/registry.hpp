// A registry: which session belongs to which client ID, for the client IDs whose hash is its own.
//
// It decides takeover: one session for each ID, and every CONNECT for it goes to that session. It
// is also where messages to {parent}/p2p/{clientId} are routed, since it knows the client without a
// subscription.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>

#include "broker/actors.hpp"
#include "broker/delivery_hub.hpp"
#include "broker/directory.hpp"
#include "broker/pinned.hpp"

namespace dunlin {

class registry : public pinned<registry_actor::base> {
 public:
  registry(caf::actor_config& c, directory& d);
  const char* name() const override { return "registry"; }
  behavior_type make_behavior() override;

 private:
  struct entry {
    session_actor who;
    session_gate* gate = nullptr;
    uint32_t generation = 0;
  };

  const entry* find(const std::string& client_id) const;
  void open(open_session& o);
  void release(const release_session& r);
  void publish(publish_batch& b);
  void check(const check_bans& c);

  directory& directory_;
  delivery_hub<registry> hub_;
  absl::flat_hash_map<std::string, entry> sessions_;
};

}  // namespace dunlin
