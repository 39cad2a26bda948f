#include "rules/rocketmq_queue.hpp"

#include <google/protobuf/arena.h>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "base/wall_clock.hpp"
#include "rules/rocketmq_consumer.hpp"
#include "rules/rocketmq_convert.hpp"
#include "rules/rocketmq_engine.hpp"
#include "rules/rocketmq_errors.hpp"
#include "rules/rocketmq_limits.hpp"

namespace dunlin::rules {
namespace {

using std::chrono::milliseconds;
using result_function = std::function<void(queue_result)>;

// Most requests fit: no allocation but the messages' own.
constexpr size_t arena_block_bytes = 256 << 10;
constexpr milliseconds nack_delay_min{1000}, nack_delay_max{12 * 3600 * 1000};

queue_result closed() { return {outcome::retry, 0, "the queue is closed"}; }

google::protobuf::ArenaOptions arena_options(char* block) {
  google::protobuf::ArenaOptions out;
  out.initial_block = block;
  out.initial_block_size = arena_block_bytes;
  out.max_block_size = arena_block_bytes;
  return out;
}

class rocketmq_queue final : public message_queue {
 public:
  explicit rocketmq_queue(const rocketmq_options& options) : engine_(options) {}
  ~rocketmq_queue() override { close(); }

  send_limits limits() const override {
    const auto& o = engine_.options();
    return {.messages_max = o.batch_messages_max,
            .bytes_max = o.batch_bytes_max,
            .body_bytes_max = rocketmq_body_bytes_max,
            .mixed_properties = o.batch_full};
  }

  void send(const std::string& topic, std::vector<queue_message> batch,
            result_function done) override;
  void receive(const receive_request& what, std::function<void(received)> done) override;
  void ack(const std::string& topic, const std::string& group, std::vector<queue_message> messages,
           result_function done) override;
  void nack(const std::string& topic, const std::string& group, queue_message message,
            milliseconds delay, result_function done) override;
  void close() override;

 private:
  // On the engine's thread.
  void start_send(std::string topic, std::vector<queue_message> batch, result_function done);
  std::string send_fault(const std::string& topic, const std::vector<queue_message>& batch,
                         outcome& what) const;
  void start_ack(const std::string& topic, const std::string& group,
                 const std::vector<queue_message>& messages, result_function done);
  void start_nack(const std::string& topic, const std::string& group, const queue_message& message,
                  milliseconds delay, result_function done);
  rocketmq_consumer& consumer_of(const std::string& group);

  std::map<std::string, std::unique_ptr<rocketmq_consumer>> consumers_;  // on the thread
  std::unique_ptr<char[]> block_ = std::make_unique<char[]>(arena_block_bytes);
  google::protobuf::Arena arena_{
      arena_options(block_.get())};  // on the thread; one request at a time
  rocketmq_engine engine_;           // last: its thread uses the others until it has ended
};

void rocketmq_queue::send(const std::string& topic, std::vector<queue_message> batch,
                          result_function done) {
  std::function<void()> task = [this, topic, batch = std::move(batch), done]() mutable {
    start_send(std::move(topic), std::move(batch), std::move(done));
  };
  if (!engine_.post(std::move(task))) done(closed());
}

std::string rocketmq_queue::send_fault(const std::string& topic,
                                       const std::vector<queue_message>& batch,
                                       outcome& what) const {
  what = outcome::misconfigured;
  if (auto why = topic_fault(topic); !why.empty()) return why;
  what = outcome::refused;
  for (const auto& m : batch)
    if (auto why = refusal(m); !why.empty()) return why;
  return batch_fault(batch, engine_.options().batch_full);
}

void rocketmq_queue::start_send(std::string topic, std::vector<queue_message> batch,
                                result_function done) {
  if (batch.empty()) return done({});
  outcome what{};
  if (auto why = send_fault(topic, batch, what); !why.empty())
    return done({what, 0, "send: " + why});

  auto* request = google::protobuf::Arena::CreateMessage<wire::SendMessageRequest>(&arena_);
  auto* resource = google::protobuf::Arena::CreateMessage<wire::Resource>(&arena_);
  resource->set_name(topic);
  const wire_batch shared{resource, engine_.host(), wall_clock_ms()};
  request->mutable_messages()->Reserve(static_cast<int>(batch.size()));
  for (auto& m : batch) to_wire(std::move(m), shared, *request->add_messages());
  engine_.unary<wire::SendMessageResponse>(
      engine_.client_id(), engine_.options().request_timeout,
      [&](grpc::ClientContext* c) {
        return engine_.stub().AsyncSendMessage(c, *request, engine_.queue());
      },
      [this, topic = std::move(topic), done = std::move(done)](
          const grpc::Status& status, const wire::SendMessageResponse& response) {
        if (!status.ok()) return done(engine_.failed(status));
        done(classify(response.status().code(), response.status().message(), {"send", topic, {}}));
      });
  arena_.Reset();  // the call holds the request's bytes
}

rocketmq_consumer& rocketmq_queue::consumer_of(const std::string& group) {
  auto& consumer = consumers_[group];
  if (!consumer) {
    consumer = std::make_unique<rocketmq_consumer>(
        engine_, group, engine_.client_id() + "@" + std::to_string(consumers_.size()));
    engine_.start_ticking([this] {
      for (auto& [name, c] : consumers_) c->tick();
    });
  }
  return *consumer;
}

void rocketmq_queue::receive(const receive_request& what, std::function<void(received)> done) {
  std::function<void()> task = [this, what, done]() mutable {
    if (auto why = topic_fault(what.topic); !why.empty())
      return done({{outcome::misconfigured, 0, "receive: " + why}, {}});
    auto& consumer = consumer_of(what.group);
    consumer.receive(std::move(what), std::move(done));
  };
  if (!engine_.post(std::move(task))) done({closed(), {}});
}

void rocketmq_queue::ack(const std::string& topic, const std::string& group,
                         std::vector<queue_message> messages, result_function done) {
  // Receipts are all that is needed; bodies are freed on the caller's thread.
  for (auto& m : messages) m.body = {};
  std::function<void()> task = [this, topic, group, messages = std::move(messages),
                                done]() mutable {
    start_ack(topic, group, messages, std::move(done));
  };
  if (!engine_.post(std::move(task))) done(closed());
}

void rocketmq_queue::start_ack(const std::string& topic, const std::string& group,
                               const std::vector<queue_message>& messages, result_function done) {
  if (messages.empty()) return done({});
  wire::AckMessageRequest request;
  request.mutable_group()->set_name(group);
  request.mutable_topic()->set_name(topic);
  for (const auto& m : messages) {
    auto* entry = request.add_entries();
    entry->set_message_id(m.message_id);
    entry->set_receipt_handle(m.receipt);
  }
  engine_.unary<wire::AckMessageResponse>(
      consumer_of(group).client_id(), engine_.options().request_timeout,
      [&](grpc::ClientContext* c) {
        return engine_.stub().AsyncAckMessage(c, request, engine_.queue());
      },
      [this, topic, group, done = std::move(done)](const grpc::Status& status,
                                                   const wire::AckMessageResponse& response) {
        if (!status.ok()) return done(engine_.failed(status));
        const rocketmq_call call{"ack", topic, group};
        auto result = classify(response.status().code(), response.status().message(), call);
        if (response.status().code() != rocketmq_multiple) return done(std::move(result));
        // The first entry that may succeed later stands for all: acking twice is fine. Else the
        // first refused.
        result = {};
        for (const auto& entry : response.entries()) {
          auto one = classify(entry.status().code(), entry.status().message(), call);
          if (one.what == outcome::ok) continue;
          if (result.what == outcome::ok || one.what == outcome::retry) result = std::move(one);
          if (result.what == outcome::retry) break;
        }
        done(std::move(result));
      });
}

void rocketmq_queue::nack(const std::string& topic, const std::string& group, queue_message message,
                          milliseconds delay, result_function done) {
  message.body = {};
  std::function<void()> task = [this, topic, group, message = std::move(message), delay,
                                done]() mutable {
    start_nack(topic, group, message, delay, std::move(done));
  };
  if (!engine_.post(std::move(task))) done(closed());
}

void rocketmq_queue::start_nack(const std::string& topic, const std::string& group,
                                const queue_message& message, milliseconds delay,
                                result_function done) {
  delay = std::clamp(delay, nack_delay_min, nack_delay_max);
  wire::ChangeInvisibleDurationRequest request;
  request.mutable_group()->set_name(group);
  request.mutable_topic()->set_name(topic);
  request.set_receipt_handle(message.receipt);
  request.set_message_id(message.message_id);
  request.mutable_invisible_duration()->set_seconds(delay.count() / 1000);
  request.mutable_invisible_duration()->set_nanos(static_cast<int32_t>(delay.count() % 1000) *
                                                  1'000'000);
  engine_.unary<wire::ChangeInvisibleDurationResponse>(
      consumer_of(group).client_id(), engine_.options().request_timeout,
      [&](grpc::ClientContext* c) {
        return engine_.stub().AsyncChangeInvisibleDuration(c, request, engine_.queue());
      },
      [this, topic, group, done = std::move(done)](
          const grpc::Status& status, const wire::ChangeInvisibleDurationResponse& response) {
        if (!status.ok()) return done(engine_.failed(status));
        done(classify(response.status().code(), response.status().message(),
                      {"nack", topic, group}));
      });
}

void rocketmq_queue::close() {
  engine_.close([this] {
    for (auto& [name, c] : consumers_) c->close();
  });
}

}  // namespace

std::shared_ptr<message_queue> make_rocketmq_queue(const rocketmq_options& options) {
  return std::make_shared<rocketmq_queue>(options);
}

}  // namespace dunlin::rules
