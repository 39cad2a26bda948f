// What a run is to do: the command line of dunlin-load as a value.
//
// Used by main and by every part that depends on an option. parse() checks all of it, resolves the
// targets and says what is wrong in one line; it never touches the broker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/mqtt/packet.hpp"
#include "tests/load/endpoint.hpp"
#include "tests/load/tls_client.hpp"

namespace dunlin::load {

enum class scenario { connect, subscribe, fan_in, fan_out, pairs, shared, retained, rules };

struct options {
  scenario what = scenario::connect;
  std::vector<endpoint> targets;
  bool allow_remote = false;
  tls_files certificates;
  std::shared_ptr<const tls_context> tls;  // when a target is reached by TLS

  mqtt::version version = mqtt::version::v311;
  uint8_t qos = 0;
  uint8_t subscribe_qos = 0;  // default: qos
  bool persistent = false;
  uint16_t keep_alive_s = 300;
  std::string client_prefix;  // default: one of this run

  uint32_t publishers = 50;
  uint32_t subscribers = 1;
  uint32_t pairs = 500;
  uint32_t clients = 1000;
  uint32_t per_client = 1000;      // subscriptions of one client
  uint32_t wildcard_percent = 20;  // of the subscriptions
  uint32_t batch = 1;              // filters in one SUBSCRIBE
  uint32_t messages = 10'000;      // retained
  std::string p2p;             // pairs: parent topic of point-to-point; empty: subscribed topics
  std::string group = "load";  // of $share
  std::string topic;           // parent of the topics used

  uint32_t payload_bytes = 64;
  uint32_t window = 32;      // QoS 1 and 2: unacknowledged messages of one publisher
  uint64_t outstanding = 0;  // messages sent and not yet received; 0: no bound
  double rate = 0;           // messages a second of all publishers; 0: closed loop
  bool independent = false;  // with a rate: each publisher at a moment of its own (arrivals.hpp)
  uint64_t count = 0;        // messages of all publishers, instead of a time; 0: no limit
  double seconds = 10;
  double warmup = 1;
  double hold = 2;  // connect, subscribe: idle this long before memory is read
  double setup_max = 60;
  double drain_max = 10;
  double connect_rate = 0;  // connections a second; 0: as fast as they are taken
  uint32_t connecting_max = 256;
  uint32_t per_address = 0;  // connections from one loopback source address; 0: all
  uint32_t threads = 1;

  std::string verify_embedded;  // rules: http://host:port of the broker's HTTP interface; empty:
                                // not verified
  endpoint queue_api;           // the same, resolved
  std::string queue;            // rules: the embedded queue's topic
  std::string queue_group = "load";

  std::vector<int> pids;   // the broker's processes
  std::string json;        // file, "-" for standard output, empty: none
  double goal_p99_ms = 0;  // 0: no goal
  bool quiet = false;      // no progress line
};

struct parsed {
  std::optional<options> value;
  int exit_code = 0;    // when there is no value
  std::string message;  // help, or what is wrong
};

parsed parse(int argc, const char* const* argv);

const char* name_of(scenario s);

}  // namespace dunlin::load
