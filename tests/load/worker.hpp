// One thread with one epoll loop and its share of the clients: connects, subscribes, publishes,
// receives, acknowledges.
//
// Used by engine.hpp, which moves the phase in run_state; a worker follows. What a client received
// is checked as it comes (inbox.hpp); after run() has returned the coordinator reads clients and
// results.
//   worker.cpp: loop and connections    worker_receive.cpp: packets    worker_publish.cpp: when to
//   send what
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/load/client.hpp"
#include "tests/load/histogram.hpp"
#include "tests/load/options.hpp"
#include "tests/load/run_state.hpp"

namespace dunlin::load {

// Counted by one worker; read after it has ended.
struct worker_results {
  histogram delivery;      // sent (or due) to received, ns, of the messages of the measured time
  histogram acknowledge;   // sent (or due) to acknowledged
  histogram lateness;      // due to sent: how late this program itself, or a full window, was
  uint64_t foreign = 0;    // messages that are not of this run
  uint64_t misrouted = 0;  // messages at a receiver that they were not for
  uint64_t wrong_size = 0;
  uint64_t malformed = 0;
  uint64_t dup_flags = 0;
  std::string first_error;
};

class worker {
 public:
  worker(const options& o, run_state& state, uint32_t index);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  void add(std::unique_ptr<client> c);  // before run()
  void run();                           // the thread's body; returns after phase::close

  worker_counters counters;
  worker_results results;
  const std::vector<std::unique_ptr<client>>& clients() const { return clients_; }
  // Messages that were due in the schedule and could not be sent until the end.
  uint64_t unsent() const;

 private:
  // worker.cpp
  void enter(phase p);
  void open_more();
  void open(client& c);
  void go_on_opening(client& c);
  void say_connect(client& c);
  long receive(client& c, char* into, size_t max);
  long transmit(client& c, const char* from, size_t size);
  void poll(uint64_t timeout_ns);
  void writable(client& c);
  void flush(client& c);
  void want_write(client& c, bool on);
  void lose(client& c, std::string_view why);
  void keep_alive();
  void close_all();
  void publish_counters();

  // worker_receive.cpp
  void readable(client& c);
  void read_once(client& c);
  void packet(client& c, uint8_t first, std::string_view body);
  void message(client& c, uint8_t flags, std::string_view body);
  void acknowledged(client& c, std::string_view body);
  void answer(client& c, mqtt::packet_type with, std::string_view body);
  void handshake_done(client& c, std::string_view body);
  void subscribed(client& c, std::string_view body);
  void subscribe_more(client& c);

  // worker_publish.cpp
  void prepare_publishers();
  uint64_t publish_due();  // sends what is due; ns until the next
  uint64_t open_loop();
  void top_up();
  void pump(client& c);
  void pump_due(client& c, uint64_t room);
  uint64_t allowance() const;
  void emit(client& c, uint64_t time_ns);
  uint64_t due(const publisher& p, uint64_t sequence) const;
  bool flooding(const client& c) const;

  const options& options_;
  run_state& state_;
  const uint32_t index_;
  phase phase_ = phase::connect;
  int epoll_ = -1;
  websocket_client::random_source random_{std::random_device{}()};
  uint64_t now_ = 0;
  std::vector<std::unique_ptr<client>> clients_;
  std::vector<client*> publishers_;
  size_t next_open_ = 0;
  size_t done_opening_ = 0;  // ready or failed
  uint64_t slot_ = 0;  // fixed rate: the next message due, over this worker's publishers in turn
  size_t turn_ = 0;    // closed loop: the publisher whose turn it is
  uint64_t next_top_up_ = 0;
  uint64_t arrived_ = 0;  // messages of the read at hand
  uint64_t next_ping_ = 0;
  std::string read_buffer_;
  uint64_t in_flight_ = 0;  // unacknowledged, of publishers still connected
  uint64_t acknowledged_ = 0;
  uint64_t ready_ = 0, failed_ = 0, granted_ = 0, denied_ = 0;
};

}  // namespace dunlin::load
