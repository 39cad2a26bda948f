// Every limit of the broker: its name, default and unit. The answer when it is reached stands
// beside it.
//
// Filled from the configuration (limits.* in dunlin.yaml, proto/config.proto), read by connections,
// sessions and shards.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dunlin {

struct options {
  // Connections. Over connections_max: CONNACK 0x97 (3.x: 3), then closed.
  uint32_t connections_max = 1'000'000;
  // No CONNECT within: closed.
  uint32_t connect_timeout_ms = 10'000;
  // Over: DISCONNECT 0x95 (told in CONNACK), closed.
  uint32_t packet_bytes_max = 1'048'576;
  // Over: the server keep-alive property tells 5.0 clients the lower value; 3.x clients are held to
  // their own.
  uint32_t keep_alive_max_s = 65'535;
  // Topic levels in a name or filter. Over: 0x90 / 0x8F.
  uint32_t topic_levels_max = 128;
  // Topic length, bytes. Over: 0x90 / 0x8F.
  uint32_t topic_bytes_max = 65'535;
  // Client ID length, bytes. Over: 0x85 (3.x: 2).
  uint32_t client_id_bytes_max = 65'535;
  // The same for 3.1 clients, in characters: that version's own limit.
  uint32_t client_id_v31_max = 23;
  // Filters of one client. Over: SUBACK 0x97 (3.x: 0x80).
  uint32_t subscriptions_per_client_max = 1'000'000;
  // Payload, bytes; 0: bounded by the packet. Over: PUBACK 0x97, dropped and counted.
  uint32_t payload_bytes_max = 0;
  uint8_t qos_max = 2;             // over: DISCONNECT 0x9B
  bool retain_available = true;    // false: DISCONNECT 0x9A
  bool wildcard_available = true;  // false: SUBACK 0xA2
  bool shared_available = true;    // false: SUBACK 0x9E

  // Sessions.
  // Outgoing QoS 1 and 2 messages not yet acknowledged; the client's receive maximum where lower.
  // Over: queued.
  uint16_t inflight_max = 65'535;
  // What 5.0 clients may send unacknowledged (CONNACK receive maximum). Over: DISCONNECT 0x93.
  uint16_t receive_max = 65'535;
  // Topic aliases a client may use. Over: DISCONNECT 0x94.
  uint16_t topic_alias_max = 64;
  // Bytes of the topics that one client's aliases stand for, together. Over: DISCONNECT 0x97.
  uint32_t topic_alias_bytes_max = 256 << 10;
  // Topic aliases that the broker uses towards one 5.0 client; the client's maximum where lower. A
  // topic gets one when it is used again. Over: the least recently used one is given anew.
  uint16_t topic_alias_client_max = 16;
  // Queued messages of one session beyond the in-flight ones (offline, slow). Over: the new one is
  // dropped and counted.
  uint32_t queue_messages_max = 100'000;
  // Bytes of the same queue. Over: as above.
  uint64_t queue_bytes_max = 256ull << 20;
  // Whether QoS 0 messages are queued for an offline persistent session.
  bool queue_qos0 = false;
  // Session expiry of 3.x clients with clean session = 0, and the most a 5.0 client gets, seconds.
  // Then: ended.
  uint32_t session_expiry_max_s = 7 * 24 * 3600;
  // Sessions kept for offline clients. Over: the new one is not kept beyond its connection (session
  // expiry 0 in CONNACK).
  uint32_t offline_sessions_max = 1'000'000;

  // Flow. Unsent output of one connection, bytes, above which its publishers are held back.
  uint32_t output_high_bytes = 1 << 20;
  // ... and below which they go on.
  uint32_t output_low_bytes = 256 << 10;
  // Messages on the way to one session (its mailbox) above which publishers are held back.
  uint32_t mailbox_messages_max = 20'000;
  // A subscriber whose output is full holds back its publishers as long as it takes
  // output_low_bytes in every such time, ms. If it does not, its QoS 0 messages are dropped and
  // counted, and its QoS 1 and 2 messages queued, until it has caught up.
  uint32_t slow_grace_ms = 200;
  // Receivers of one batch that are sent to at once. More: the rest in turns of their own, with
  // everybody else's work in between.
  uint32_t receivers_at_once_max = 64;
  // Batches of one publisher that wait for their shard. Reached: its socket is not read.
  uint32_t batches_outstanding_max = 4;

  // How long a publisher's acknowledgement waits for a rule, ms. Then: PUBACK 0x97 (3.x: closed
  // without it).
  uint32_t rule_timeout_ms = 60'000;

  // Retained messages of the node. Over: PUBACK 0x97, not retained, counted.
  uint64_t retained_messages_max = 10'000'000;
  uint64_t retained_bytes_max = 8ull << 30;
  // Messages of $delayed/... that wait for their time, of the node. Over: PUBACK 0x97, counted as
  // refused.
  uint64_t delayed_messages_max = 1'000'000;
  uint64_t delayed_bytes_max = 1ull << 30;
  // The longest delay, seconds. Over: PUBACK 0x97.
  uint32_t delayed_seconds_max = 4'294'967;
  // $SYS/broker/... is published this often, seconds; 0: never.
  uint32_t sys_interval_s = 30;

  // Rates of each client, per second; 0: none. Over: its socket is not read until it is within its
  // rate again (counted in dunlin_rate_holds_total); nothing is dropped, and its keep-alive does
  // not count meanwhile.
  uint32_t client_messages_per_s = 0;  // PUBLISH packets
  uint64_t client_bytes_per_s = 0;     // of MQTT
  // What may come at once: this much time's worth, ms.
  uint32_t rate_burst_ms = 1000;
  // A client that is over for so long without a pause of two bursts is disconnected, ms: 0x96 for
  // messages, 0x97 for bytes (3.x: closed) ...
  uint32_t rate_patience_ms = 30'000;
  // ... or, when this is off, slowed for ever.
  bool rate_disconnects = true;
  // Of one listener, all its clients together; 0: none. Over: CONNACK 0x97 (3.x: 3).
  uint32_t listener_connections_max = 0;
  // Over: CONNACK 0x9F (3.x: 3).
  uint32_t listener_connects_per_s = 0;
  // Over: whoever sends is not read for as long as it takes; nobody is disconnected for it. Each
  // client may be one packet over.
  uint32_t listener_messages_per_s = 0;
  uint64_t listener_bytes_per_s = 0;
};

}  // namespace dunlin
