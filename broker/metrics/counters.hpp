// What the hot path counts: one block a reactor, each written by that reactor's thread alone and
// summed when read.
//
// Used by connections, sessions and shards; rendered by metrics.hpp. An add is a plain load and
// store, no locked instruction.   c.packets_received[mqtt::packet_type::publish].add();
// c.connections.sub();
//
// Every message copy is counted so that, over the whole node and at rest,
//     published = delivered + queued + expired + refused + sum of dropped{reason}
// A copy is one message for one receiver: a session, or a rule. A publish that nobody takes counts
// as one copy, dropped with no_subscriber. A copy is queued from the moment its receiver has it
// until one of these: it is written (QoS 0), acknowledged (QoS 1: PUBACK, QoS 2: PUBREC; a rule:
// stored), expired, refused or dropped.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "broker/mqtt/packet.hpp"
#include "broker/mqtt/reason.hpp"

namespace dunlin::metrics {

// One thread writes, any thread reads. A gauge may go up on one reactor and down on another: blocks
// wrap, the sum is right.
class relaxed_counter {
 public:
  void add(uint64_t n = 1) { set(value() + n); }
  void sub(uint64_t n = 1) { set(value() - n); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Why a copy reached nobody.
enum class drop_reason : uint8_t {
  no_subscriber,    // nobody takes the topic
  queue_full,       // its session's queue is at queue_messages_max or queue_bytes_max
  slow_subscriber,  // QoS 0, and its receiver has been slow for longer than slow_grace_ms
  too_large,        // over the receiver's maximum packet size
  session_ended,    // its session ended while it was queued
  not_connected,    // QoS 0 for a session that is offline
  no_rule,          // QoS 0, and its rule cannot take it now (its spool is full)
};
inline constexpr size_t drop_reasons = 7;

template <class Enum, size_t N>
class counters_by {
 public:
  relaxed_counter& operator[](Enum e) { return of_[static_cast<size_t>(e) % N]; }
  const relaxed_counter& operator[](Enum e) const { return of_[static_cast<size_t>(e) % N]; }

 private:
  relaxed_counter of_[N];
};
using counters_by_type = counters_by<mqtt::packet_type, 16>;
using counters_by_reason = counters_by<mqtt::reason, 64>;  // errors only: 0x80 to 0xBF
using counters_by_qos = counters_by<uint8_t, 4>;

struct alignas(128) counters {
  // Messages: the identity above.
  relaxed_counter published;  // copies due
  relaxed_counter delivered;
  relaxed_counter queued;  // gauge
  relaxed_counter expired;
  relaxed_counter refused;  // the receiver, or its permission, said no
  counters_by<drop_reason, drop_reasons> dropped;

  // PUBLISH packets from and to clients.
  counters_by_qos received, sent;

  counters_by_type packets_received, packets_sent;
  relaxed_counter bytes_received, bytes_sent;  // of MQTT, on the socket

  relaxed_counter connections;        // gauge: open now, whether or not their CONNECT has come
  relaxed_counter connections_total;  // accepted
  counters_by_reason connects_refused;
  counters_by_reason disconnects;          // closed by the node, with this reason
  relaxed_counter disconnected_by_client;  // a DISCONNECT came
  relaxed_counter connections_lost;        // closed or reset by the peer without one
  relaxed_counter connect_timeouts;        // no CONNECT within connect_timeout_ms

  relaxed_counter sessions;                           // gauge, connected or not
  relaxed_counter subscriptions;                      // gauge
  relaxed_counter retained_messages, retained_bytes;  // gauges
  relaxed_counter retained_refused;  // over retained_messages_max or retained_bytes_max
  relaxed_counter
      publishers_held;  // times a publisher's socket was not read because of a slow receiver

  // The guard.
  relaxed_counter banned_peers;    // connections closed at once: their address is banned
  relaxed_counter rate_holds;      // times a client's socket was not read because of a rate
  relaxed_counter overload_holds;  // ... because the node was overloaded
  // $delayed/...: received_delayed = delayed_published + delayed + delayed_lost. Its copies are
  // counted above when its time has come.
  relaxed_counter received_delayed;
  relaxed_counter delayed, delayed_bytes;  // gauges: held now
  relaxed_counter delayed_published;       // ... and expired ones, whose time came too late
  relaxed_counter delayed_lost;            // held when the node stopped

  // The reactor's loop.
  relaxed_counter turns;
  relaxed_counter busy_ns;          // spent in turns, not in waiting
  relaxed_counter turn_max_ns;      // gauge: the longest turn so far
  relaxed_counter moved;            // actors that left for another reactor: their number changed
  relaxed_counter reactors_in_use;  // gauge; of the first reactor, for the node
};

}  // namespace dunlin::metrics
