// A session: one client ID's subscriptions, messages in flight and queue, and its connection while
// there is one.
//
// An actor that lives as long as the MQTT session (MQTT 5.0 section 4.1), pinned to the reactor of
// its connection. The packets of a read reach it by a plain call from the connection, on the same
// thread. What MQTT means is decided in core/ (outgoing, incoming); this class joins them to the
// connection, the shards and the clock.
//   session.cpp          life: attach, takeover, detach, expiry, will
//   session_packets.cpp  packets from the client
//   session_auth.cpp     AUTH: re-authentication
//   session_rate.cpp     its rates: when it is not read
//   session_deliver.cpp  messages to the client, and what holds back their publishers
//   session_topics.cpp   topics rewritten, delayed and subscribed by themselves; members of shared
//                        subscriptions that come and go
//   session_move.cpp     to another reactor, with its connection
//   session_watch.cpp    what operators see of it: traces, what holds it back, facts
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/actors.hpp"
#include "broker/core/incoming.hpp"
#include "broker/core/outgoing.hpp"
#include "broker/directory.hpp"
#include "broker/mqtt/decode.hpp"
#include "broker/net/connection.hpp"
#include "broker/operate/lag.hpp"
#include "broker/operate/session_trace.hpp"
#include "broker/pinned.hpp"
#include "broker/router.hpp"
#include "broker/session_rate.hpp"

namespace dunlin {

class session : public pinned<session_actor::base>, public net::consumer {
 public:
  session(caf::actor_config& c, directory& d, std::string client_id);
  ~session() override;
  const char* name() const override { return "session"; }
  behavior_type make_behavior() override;
  // From CAF: the messages of every publish and connection go straight to their functions.
  caf::invoke_message_result consume(caf::mailbox_element& m) override;
  bool cleanup(caf::error&& why, caf::execution_unit* host) override;

  session_gate& gate() { return gate_; }

  // From the connection.
  size_t consume(std::string_view bytes) override;
  void on_closed() override;
  void on_drained() override;

  // From its session_rate.
  void pause_reading();
  void resume_reading();
  void rate_wait_over();
  void forget_rate(session_rate& r);

 private:
  struct subscription {
    mqtt::subscription_options options;
    uint32_t id = 0;
  };
  // A SUBSCRIBE or UNSUBSCRIBE that waits for its shards.
  struct pending_answer {
    bool subscribe = true;
    uint16_t packet_id = 0;
    uint32_t shards_due = 0;
    std::vector<mqtt::reason> codes;
  };
  struct filter_parts {
    core::filter_ptr filter;
    core::shared_text group;
  };
  struct authentication;  // session_auth.cpp
  enum class close_kind : uint8_t {
    disconnected,  // by the client's DISCONNECT
    lost,          // without one
    by_server,
    taken_over,
  };

  // -- to another reactor --
  net::reactor* place() override;
  void leave_home() override;
  void arrive_home() override;

  // -- life --
  void on_attach(attach_connection& a);
  void begin(attach_connection& a);
  void take(const connect_request& r);
  bool answer_connect(const connect_request& r, bool session_present);
  uint32_t discard_state(uint32_t token = 0);
  void detach(close_kind how, mqtt::reason code, std::string_view why);
  void tell_disconnect(mqtt::reason code, std::string_view why);
  void publish_will();
  void keep_session_or_end();
  void end(end_reason why);
  void on_timer();
  void watch_keep_alive();
  uint64_t keep_alive_over_ms() const { return since_ms_ + keep_alive_s_ * 1500ull; }
  uint64_t expires_at_ms() const;
  uint64_t will_at_ms() const;
  uint64_t wakes_at_ms() const { return will_ ? will_at_ms() : expires_at_ms(); }
  void tell_status_rule(rules::client_event_kind kind);
  void log_connect(const connect_request& r, bool session_present);
  void log_disconnect(close_kind how, mqtt::reason code, std::string_view why);

  // -- packets --
  // What the acknowledgements of one read did.
  struct read_acks {
    core::tally tally;
    bool any = false;
  };
  bool handle(const mqtt::frame& f, read_acks& acks);
  bool on_publish(const mqtt::frame& f);
  bool on_ack(const mqtt::frame& f, read_acks& acks);
  void settle(const read_acks& acks);
  bool on_subscribe(const mqtt::frame& f);
  bool on_unsubscribe(const mqtt::frame& f);
  bool on_disconnect(const mqtt::frame& f);
  bool on_auth(const mqtt::frame& f);
  bool begin_reauthentication(const mqtt::auth& a);
  bool finish_reauthentication(const mqtt::auth& a);
  void send_auth(mqtt::reason code, std::string_view data);
  bool resolve_alias(mqtt::publish& p);
  bool refuse(const mqtt::publish& p, mqtt::reason r);
  bool admissible(const mqtt::publish& p);
  mqtt::reason refused_by_policy(const mqtt::publish& p) const;
  mqtt::reason subscribe_one(const mqtt::subscribe_entry& e, uint32_t id, uint32_t token,
                             uint32_t* shards);
  template <class Message>
  uint32_t send_to_shards(const Message& m, std::string_view filter);
  uint32_t new_answer(bool is_subscribe, uint16_t packet_id);
  void shard_answered(uint32_t token);
  void finish_answer(uint32_t token);
  template <class Answer>
  void send_answer(Answer a, mqtt::packet_type type);
  void batch_answered(const accepted& a);
  void send_batches();
  void send_acks();
  bool fail(mqtt::reason code, std::string_view why);  // DISCONNECT and close; false
  // Appends the packet unless it is over the client's maximum packet size [MQTT-3.1.2-24].
  template <class Packet>
  bool put(const Packet& p, mqtt::packet_type type, uint32_t packet_bytes_max);
  static filter_parts parse(std::string_view filter);

  // -- rates --
  const guard::listener_limits& rate_limits() const;
  void start_rate();
  bool rate_over(const mqtt::frame& f);
  void rate_after_read();
  void on_check_ban();
  // -- topics --
  mqtt::reason change_topic(std::string_view& topic, uint32_t* delay_s);
  bool change_filter(std::string_view& filter, std::string& changed);
  void auto_subscribe();
  std::vector<filter_parts> shared_subscriptions() const;
  void give_back(std::vector<core::delivery> messages, const std::vector<filter_parts>& shared);
  void give_back_late(std::vector<core::delivery>& items);
  void pass_on_unsent(uint32_t share);
  void tell_group();
  void on_hand_over(const hand_over& h);

  // -- delivery --
  void on_deliver(deliver& d);
  void pump();
  void update_flow();
  void ask_retained();
  void hold_publishers();
  void on_slow_timer();
  void release_publishers();
  void count(const core::tally& t);

  static behavior_type handlers();
  // Whose message is being handled: all sessions share their handlers.
  static constinit thread_local session* running_;

  bool v5() const { return ver_ == mqtt::version::v5; }

  // -- what operators see --
  // Around every call that may write to the client: a trace tells what was written.
  class watched {
   public:
    explicit watched(session& s) : session_(s) {
      if (s.trace_) [[unlikely]]
        outermost_ = s.trace_enter();
    }
    ~watched() {
      if (session_.trace_) [[unlikely]]
        session_.trace_leave(outermost_);
    }

   private:
    session& session_;
    bool outermost_ = true;
  };
  void on_begin_trace(const begin_trace& b);
  void find_trace();
  bool trace_enter();
  void trace_leave(bool outermost);
  void trace_sent();
  void trace_in(const mqtt::frame& f);
  void trace_connected(const connect_request& r, bool session_present);
  void trace_disconnected(close_kind how, mqtt::reason code, std::string_view why);
  void trace_note(const char* what, std::string_view reason, std::string detail = {});
  void count_watched(const core::tally& t);
  void fall_behind();
  void observe_lag();
  static operate::slow_subscriber describe_lag(const void* owner, uint64_t now_ms);
  operate::session_facts facts();
  operate::trace_time trace_now() const;

  // What the client was told in CONNACK holds as long as its connection, whatever is reloaded.
  const options& promised() const { return promised_->limits; }

  directory& directory_;
  const settings* promised_;  // in force when the connection came
  session_gate gate_;
  net::connection_ptr conn_;
  core::outgoing outgoing_;
  core::incoming incoming_;
  absl::flat_hash_map<core::filter_ptr, subscription, core::text_hash, core::text_equal>
      subscriptions_;  // by the whole filter, "$share/..." included
  std::unique_ptr<connect_request::will> will_;
  struct client_aliases {
    std::vector<std::string> topics;  // by alias - 1
    size_t bytes = 0;                 // of the topics
  };
  std::unique_ptr<client_aliases> aliases_;  // null: it has set none
  std::unique_ptr<absl::flat_hash_map<uint32_t, pending_answer>> answers_;
  std::unique_ptr<authentication> authentication_;  // of a client that used a method in CONNECT
  struct page_due {
    uint32_t shard;
    uint64_t page;
  };
  std::unique_ptr<std::vector<page_due>> pages_due_;  // of retained messages, to be asked for
  static constexpr uint32_t leave_token = ~0u;
  // The session has ended and waits until its shards send it nothing more.
  struct leave {
    std::vector<filter_parts> shared;
    uint32_t shards_due = 0;
  };
  std::unique_ptr<leave> leaving_;
  core::shared_text user_name_;

  std::unique_ptr<session_rate> rate_;  // only while a rate or overload needs it
  guard::listener_guard* listener_ = nullptr;
  std::unique_ptr<operate::session_trace> trace_;  // while it is traced
  std::unique_ptr<operate::lag> lag_;              // from when it first fell behind

  struct session_timer : net::timer {
    session* owner = nullptr;
  };
  session_timer timer_;  // keep-alive while connected; will delay and expiry while not
  // Its publishers are held back, or were until it was found slow.
  struct holding {
    session_timer timer;
    uint64_t taken = 0;  // conn_->bytes_out() when the grace period began
  };
  std::unique_ptr<holding> holding_;
  uint64_t since_ms_ = 0;  // the last packet; while there is no connection: when that ended

  uint32_t generation_ = 0;
  uint32_t shared_ = 0;  // of subscriptions_
  uint32_t session_expiry_s_ = 0;
  uint32_t last_token_ = 0;
  uint32_t batches_sent_ = 0;  // of the read that is being handled
  uint32_t outstanding_ = 0;   // batches without an answer
  uint16_t keep_alive_s_ = 0;
  mqtt::version ver_ = mqtt::version::v311;
  bool problem_information_ = true;
  bool slow_ = false;     // its output has been full for longer than slow_grace_ms
  bool reading_ = false;  // in consume()
  bool held_ = false;     // reading is paused until batches are answered
  bool offline_counted_ = false;
  bool over_ = false;  // its state ended with its last connection
  bool ended_ = false;
};

// A filter that is concrete in its first two levels lives in one shard, any other in all.
template <class Message>
uint32_t session::send_to_shards(const Message& m, std::string_view filter) {
  if (!mqtt::has_wildcard(mqtt::first_two_levels(filter))) {
    send(directory_.shards[directory_.shard_of(filter)], m);
    return 1;
  }
  for (const auto& s : directory_.shards) send(s, m);
  return static_cast<uint32_t>(directory_.shards.size());
}

}  // namespace dunlin
