// The receiving end of one consumer group: its Telemetry stream, heartbeats and long polls.
//
// Used by rocketmq_queue, on the engine's thread only. The server forgets a consumer that does not
// keep its stream and its heartbeats up, and every consumer when it restarts: the stream is opened
// again when a receive needs it.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "rules/message_queue.hpp"
#include "rules/rocketmq_engine.hpp"

namespace dunlin::rules {

class rocketmq_consumer {
 public:
  rocketmq_consumer(rocketmq_engine& engine, std::string group, std::string client_id);
  ~rocketmq_consumer();
  rocketmq_consumer(const rocketmq_consumer&) = delete;
  rocketmq_consumer& operator=(const rocketmq_consumer&) = delete;

  void receive(receive_request what, std::function<void(received)> done);
  void tick();   // about once a second
  void close();  // ends what waits for the stream, and tells the server
  const std::string& client_id() const { return client_id_; }
  const std::string& group() const { return group_; }

 private:
  class telemetry;
  class poll;
  using clock = std::chrono::steady_clock;

  struct waiting {
    receive_request what;
    std::function<void(received)> done;
    bool again = false;  // the server had lost the settings: tried a second time
  };

  void start(waiting w);
  wire::TelemetryCommand settings() const;
  void drop_stream();
  void on_settings(telemetry* from, const wire::TelemetryCommand& command);
  void on_stream_end(telemetry* from, const grpc::Status& status);
  void on_heartbeat(const grpc::Status& status, const wire::HeartbeatResponse& response);
  void fail_waiting(const queue_result& why);

  rocketmq_engine& engine_;
  const std::string group_, client_id_;
  std::set<std::string> topics_;
  telemetry* stream_ = nullptr;  // owns itself until its end
  bool ready_ = false;           // the server has taken the settings
  clock::time_point open_until_, heartbeat_at_;
  std::vector<waiting> waiting_;  // for the stream; bounded by the callers' receives
};

}  // namespace dunlin::rules
