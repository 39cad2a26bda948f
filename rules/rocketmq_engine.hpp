// The gRPC side that all calls of a rocketmq_queue share: channel, thread, completion queue,
// headers, deadlines.
//
// Used by rocketmq_queue and rocketmq_consumer. post() is for any thread; the rest for the engine's
// own ("on the thread").
//   engine.post([&] { engine.unary<AckMessageResponse>(id, timeout, start, done); });
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "proto/rocketmq.grpc.pb.h"
#include "rules/message_queue.hpp"
#include "rules/rocketmq_queue.hpp"
#include "rules/rocketmq_signature.hpp"

namespace dunlin::rules {

namespace wire = apache::rocketmq::v2;

// One thing that the completion queue will say.
struct rocketmq_event {
  virtual ~rocketmq_event() = default;
  virtual void fire(bool ok) = 0;
};

class rocketmq_engine {
 public:
  explicit rocketmq_engine(const rocketmq_options& options);
  ~rocketmq_engine();
  rocketmq_engine(const rocketmq_engine&) = delete;
  rocketmq_engine& operator=(const rocketmq_engine&) = delete;

  // Runs f on the thread; false, and f is not run, once closed. f by reference: it stays the
  // caller's when refused.
  bool post(std::function<void()>&& f);
  // Runs `last` on the thread, cancels every call, waits for all of them and ends the thread.
  void close(std::function<void()> last);

  // On the thread, `tick` is called about once a second from the first call on.
  void start_ticking(std::function<void()> tick);

  wire::MessagingService::Stub& stub() { return *stub_; }
  grpc::CompletionQueue* queue() { return &cq_; }
  const rocketmq_options& options() const { return options_; }
  const std::string& host() const { return host_; }
  const std::string& client_id() const { return client_id_; }  // the producer's
  bool closing() const { return closing_; }

  // Headers and, where not 0, the deadline; cancelled when the engine closes.
  void prepare(grpc::ClientContext& context, const std::string& client_id,
               std::chrono::milliseconds timeout);
  void forget(grpc::ClientContext& context) { contexts_.erase(&context); }
  queue_result failed(const grpc::Status& status) const;

  // A call with one answer. start(context) makes the reader; done(status, response) runs on the
  // thread.
  template <class Response, class Start, class Done>
  void unary(const std::string& client_id, std::chrono::milliseconds timeout, Start&& start,
             Done&& done);

 private:
  struct wake_event : rocketmq_event {
    rocketmq_engine* engine = nullptr;
    void fire(bool) override { engine->run_posted(); }
  };
  struct tick_event : rocketmq_event {
    rocketmq_engine* engine = nullptr;
    void fire(bool ok) override { engine->on_tick(ok); }
  };

  void enqueue(std::function<void()>&& f);  // mutex_ held
  void run();
  void run_posted();
  void on_tick(bool ok);
  void set_tick();

  const rocketmq_options options_;
  const std::string host_;
  const std::string client_id_;
  std::unique_ptr<wire::MessagingService::Stub> stub_;
  grpc::CompletionQueue cq_;
  grpc::Alarm wake_alarm_, tick_alarm_;
  wake_event wake_;
  tick_event tick_event_;
  std::function<void()> tick_;                         // set: ticking
  std::unordered_set<grpc::ClientContext*> contexts_;  // of the calls not yet answered
  rocketmq_signature signature_;
  std::chrono::system_clock::time_point signed_at_;
  bool closing_ = false;

  std::mutex mutex_;  // guards the three below
  std::vector<std::function<void()>> posted_;
  bool wake_pending_ = false;
  bool closed_ = false;

  std::vector<std::function<void()>> running_;  // on the thread: what run_posted took
  std::thread thread_;
};

template <class Response, class Start, class Done>
void rocketmq_engine::unary(const std::string& client_id, std::chrono::milliseconds timeout,
                            Start&& start, Done&& done) {
  struct call final : rocketmq_event {
    call(rocketmq_engine* e, Done&& d) : engine(e), done(std::forward<Done>(d)) {}
    void fire(bool) override {
      const std::unique_ptr<call> self(this);
      engine->forget(context);
      done(status, response);
    }
    rocketmq_engine* engine;
    std::decay_t<Done> done;
    grpc::ClientContext context;
    Response response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  };
  auto* c = new call(this, std::forward<Done>(done));
  prepare(c->context, client_id, timeout);
  c->reader = start(&c->context);
  c->reader->Finish(&c->response, &c->status, c);
}

}  // namespace dunlin::rules
