// A registry: which session belongs to which client ID, for the client IDs whose hash is its own.
//
// It decides takeover: one session for each ID, and every CONNECT for it goes to that session. It
// is also where messages to {parent}/p2p/{clientId} are routed, since it knows the client without a
// subscription.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <string_view>

#include "broker/actors.hpp"
#include "broker/core/filter.hpp"
#include "broker/delivery_hub.hpp"
#include "broker/directory.hpp"
#include "broker/pinned.hpp"

namespace dunlin {

class registry : public pinned<registry_actor::base> {
 public:
  registry(caf::actor_config& c, directory& d);
  const char* name() const override { return "registry"; }
  behavior_type make_behavior() override;
  caf::invoke_message_result consume(caf::mailbox_element& m) override;

 private:
  void handled() override { hub_.flush(); }
  net::reactor* place() override {
    return directory_.reactors[directory_.placement.of_each(number_)];
  }

  // The client ID is in the session's gate: a second copy here would be a third of what the table
  // takes.
  struct entry {
    session_actor who;
    mutable uint32_t generation = 0;  // counts the attaches

    session_gate* gate() const { return gate_of(who); }
    std::string_view client_id() const { return gate()->client_id; }
  };
  struct by_client_id {
    using is_transparent = void;
    static std::string_view of(std::string_view id) { return id; }
    static std::string_view of(const entry& e) { return e.client_id(); }
    template <class A>
    size_t operator()(const A& a) const {
      return core::text_hash{}(of(a));
    }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return of(a) == of(b);
    }
  };

  const entry* find(std::string_view client_id) const;
  void open(open_session& o);
  void release(const release_session& r);
  void publish(publish_batch& b);
  void check(const check_bans& c);

  directory& directory_;
  const uint32_t number_;  // of the directory's registries: there is one for each reactor
  delivery_hub<registry> hub_;
  absl::flat_hash_set<entry, by_client_id, by_client_id> sessions_;
};

}  // namespace dunlin
