// Every actor interface and message of the broker: who accepts what, and who answers what.
//
//   connection --(a plain call)--> session     the packets of one read
//   session --publish_batch--> shard, registry  --accepted--> session
//   shard --deliver--> session                 shard --rules::store--> outbound rule
//   session --subscribe_to--> shard            --subscribed--> session
//   handshake --open_session--> registry       --attach_connection--> session
// Topics named {parent}/p2p/{clientId} go to the registry that knows the client; all others to the
// shard of their first two levels. A publish visits exactly one of them.
#pragma once

#include <caf/all.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/delivery.hpp"
#include "broker/core/filter.hpp"
#include "broker/core/incoming.hpp"
#include "broker/listener_profile.hpp"
#include "broker/mqtt/packet.hpp"
#include "broker/net/connection.hpp"
#include "broker/operate/session_facts.hpp"
#include "broker/operate/trace.hpp"
#include "broker/session_gate.hpp"
#include "rules/actors.hpp"

namespace dunlin {

// -- publishing ---------------------------------------------------------------

struct publish_item {
  mqtt::message_ptr msg;
  uint32_t slot =
      core::incoming::no_slot;  // of its read, to name it in a refusal; no_slot with QoS 0
  core::shared_text
      route;  // where it is routed, when that is not the topic that receivers see; else empty
  uint32_t delay_s = 0;  // it waits in its shard

  std::string_view routed_to() const { return route.empty() ? msg->topic() : route.view(); }
};
// All publishes of one read for one shard or registry.
struct publish_batch {
  uint32_t read = 0;
  std::vector<publish_item> items;
  session_gate* origin = nullptr;  // the publishing session's; null for rules and the node itself
  // The session itself where it is not the sender that waits for the answer: its gate is read.
  caf::strong_actor_ptr keeps = nullptr;
};
// The obligations of the batch are met, but for the refusals.
struct accepted {
  uint32_t read = 0;
  std::vector<core::refusal> refusals;
};
using publisher_actor = caf::typed_actor<caf::reacts_to<accepted>>;

struct deliver {
  std::vector<core::delivery> items;
  uint64_t page = 0;  // not 0: retained messages; more_retained with it asks for the next page
  uint32_t shard = 0;
};
// A session whose gate was parked takes messages again.
struct drained {
  session_gate* gate = nullptr;
};

struct subscribed {
  uint32_t token = 0;
};

// -- sessions -----------------------------------------------------------------

// A CONNECT that was admitted; owns what it needs of the packet.
struct connect_request {
  mqtt::version ver = mqtt::version::v311;
  std::string client_id;
  std::string user_name;  // empty: none
  listener_ptr listener;
  bool clean_start = true;
  bool assigned_id = false;         // client_id was made by the server
  uint16_t keep_alive_s = 0;        // in force, 0: none
  bool keep_alive_lowered = false;  // told in CONNACK
  uint32_t session_expiry_s = 0;    // in force; ~0: never
  bool session_expiry_lowered = false;
  uint16_t receive_max = 65'535;
  uint32_t packet_bytes_max = ~0u;
  uint16_t topic_alias_max = 0;
  bool problem_information = true;
  bool response_information = false;  // asked for
  bool enhanced = false;              // it came in by an authentication method
  std::string authentication_data;    // the server's last word in it, for CONNACK
  struct will {
    mqtt::message_ptr msg;
    uint32_t delay_s = 0;
    std::optional<uint32_t> expiry_s;  // counts from when it is published
  };
  std::optional<will> last_will;
};
struct open_session {
  net::connection_ptr connection;
  std::shared_ptr<connect_request> request;
};
struct attach_connection {
  net::connection_ptr connection;
  std::shared_ptr<connect_request> request;
  bool existed = false;     // the registry had the session
  uint32_t generation = 0;  // counts the attaches of this client ID
};
// To itself after a move: the connection begins when it arrives at the new home.
struct arrived {
  attach_connection what;
};
enum class end_reason : uint8_t { shutdown, expired };
struct end_session {
  end_reason why = end_reason::expired;
};
// Asks the registry to forget the session, unless it was attached again since.
struct release_session {
  std::string client_id;
  uint32_t generation = 0;
};
struct shut_down {};
// Ends the connection of whoever is banned now: that client's, or with an empty ID any one's.
struct check_bans {
  std::string client_id;
};
struct check_ban {};

struct hand_over;
// -- operators ----------------------------------------------------------------

// To the registry of the client ID, and from there to its session, where there is one.
struct begin_trace {
  operate::trace_ptr to;
};
struct disconnect_client {
  std::string client_id;
  mqtt::reason code = mqtt::reason::administrative_action;
  std::string why;
};
struct describe_client {
  std::string client_id;
};

using session_actor = caf::typed_actor<
    caf::reacts_to<deliver>, caf::reacts_to<accepted>, caf::reacts_to<subscribed>,
    caf::reacts_to<attach_connection>, caf::reacts_to<arrived>, caf::reacts_to<end_session>,
    caf::reacts_to<check_ban>, caf::reacts_to<begin_trace>, caf::reacts_to<disconnect_client>,
    caf::replies_to<describe_client>::with<operate::session_facts>, caf::reacts_to<hand_over>>;
session_gate* gate_of(const session_actor& s);

// -- subscribing --------------------------------------------------------------

struct subscribe_to {
  core::filter_ptr filter;  // without "$share/group/"
  core::shared_text group;  // empty: not shared
  mqtt::subscription_options options;
  uint32_t id = 0;  // subscription identifier, 0: none
  bool send_retained = true;
  session_actor who;
  session_gate* gate = nullptr;
  uint32_t token = 0;
};
struct unsubscribe_from {
  core::filter_ptr filter;
  core::shared_text group;
  session_gate* gate = nullptr;
  uint32_t token = 0;  // 0: no answer is waited for
};

// Messages of a shared subscription whose member left before it had them: for other members.
struct dispatch_again {
  core::filter_ptr filter;
  core::shared_text group;
  std::vector<mqtt::message_ptr> messages;
};
// A member of a shared subscription is back: it may take what others keep while they are offline.
struct member_online {
  core::filter_ptr filter;
  core::shared_text group;
  session_gate* gate = nullptr;
};
// To a member that is offline: another one is there for the messages that it keeps.
struct hand_over {
  core::filter_ptr filter;
  core::shared_text group;
};

// -- shards and registries ----------------------------------------------------

// A rule takes `topic` and `topic/#`.
struct bind_rule {
  std::string topic;
  rules::outbound_actor rule;
  bool waits = true;  // publishers' acknowledgements wait for it
};
// From a session: it has room for the next page of retained messages.
struct more_retained {
  session_gate* gate = nullptr;
  uint64_t page = 0;
};
// To itself: the next pages; delayed messages are due; the next part of a batch with many
// receivers; rules may not have answered in time.
struct feed_retained {};
struct publish_delayed {};
struct send_next_part {};
struct end_late_stores {};

using shard_actor =
    caf::typed_actor<caf::reacts_to<publish_batch>, caf::reacts_to<subscribe_to>,
                     caf::reacts_to<unsubscribe_from>, caf::reacts_to<drained>,
                     caf::reacts_to<bind_rule>, caf::reacts_to<more_retained>,
                     caf::reacts_to<feed_retained>, caf::reacts_to<dispatch_again>,
                     caf::reacts_to<member_online>, caf::reacts_to<publish_delayed>,
                     caf::reacts_to<send_next_part>, caf::reacts_to<end_late_stores>>;

using registry_actor =
    caf::typed_actor<caf::reacts_to<publish_batch>, caf::reacts_to<open_session>,
                     caf::reacts_to<release_session>, caf::reacts_to<drained>,
                     caf::reacts_to<check_bans>, caf::replies_to<shut_down>::with<shut_down>,
                     caf::reacts_to<begin_trace>, caf::reacts_to<disconnect_client>,
                     caf::replies_to<describe_client>::with<operate::session_facts>,
                     caf::reacts_to<send_next_part>>;

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::publish_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::deliver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::subscribe_to)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::subscribed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::unsubscribe_from)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::open_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::attach_connection)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::end_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::release_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::shut_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::check_bans)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::check_ban)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::begin_trace)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::disconnect_client)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::describe_client)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::operate::session_facts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::dispatch_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::bind_rule)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::more_retained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::feed_retained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::publish_delayed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::send_next_part)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::end_late_stores)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::member_online)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::hand_over)
