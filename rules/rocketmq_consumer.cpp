#include "rules/rocketmq_consumer.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "rules/rocketmq_convert.hpp"
#include "rules/rocketmq_errors.hpp"

namespace dunlin::rules {
namespace {

using std::chrono::milliseconds;

// The server clamps or refuses what is outside.
constexpr milliseconds poll_min{5000}, poll_max{20000};
constexpr milliseconds invisible_min{10'000}, invisible_max{12 * 3600 * 1000};
constexpr size_t receive_messages_max = 32;

constexpr std::chrono::seconds heartbeat_every{10};  // the server forgets a consumer after 120 s
constexpr milliseconds goodbye_timeout{500};

void set_duration(google::protobuf::Duration* out, milliseconds d) {
  out->set_seconds(d.count() / 1000);
  out->set_nanos(static_cast<int32_t>(d.count() % 1000) * 1'000'000);
}

}  // namespace

// The stream: settings out, settings or an error in, then silence for as long as the consumer
// lives.
class rocketmq_consumer::telemetry {
 public:
  explicit telemetry(rocketmq_consumer* owner) : owner_(owner), engine_(owner->engine_) {
    engine_.prepare(context_, owner->client_id_, milliseconds{0});
    ++pending_;
    stream_ = engine_.stub().AsyncTelemetry(&context_, engine_.queue(), &started_);
  }

  // The owner is not told anything any more.
  void detach() {
    owner_ = nullptr;
    context_.TryCancel();
  }

  void announce() {
    if (writing_ || !open_) {
      write_again_ = true;
      return;
    }
    writing_ = true;
    write_again_ = false;
    ++pending_;
    stream_->Write(owner_->settings(), &wrote_);
  }

 private:
  struct step : rocketmq_event {
    step(telemetry* t, void (telemetry::*f)(bool)) : self(t), handler(f) {}
    void fire(bool ok) override {
      --self->pending_;
      (self->*handler)(ok);
      self->settle();
    }
    telemetry* self;
    void (telemetry::*handler)(bool);
  };

  void on_started(bool ok) {
    open_ = ok;
    if (!ok) return finish();
    if (owner_) announce();
    read();
  }
  void on_wrote(bool ok) {
    writing_ = false;
    if (ok && owner_ && write_again_) announce();
  }
  void on_read(bool ok) {
    if (!ok) return finish();
    if (owner_) owner_->on_settings(this, in_);
    read();
  }
  void on_finished(bool) { finished_ = true; }

  void read() {
    ++pending_;
    stream_->Read(&in_, &read_);
  }
  void finish() {
    open_ = false;
    ++pending_;
    stream_->Finish(&status_, &finish_);
  }
  // Deletes itself once nothing is under way.
  void settle() {
    if (!finished_ || pending_ > 0) return;
    const std::unique_ptr<telemetry> self(this);
    engine_.forget(context_);
    if (owner_) owner_->on_stream_end(this, status_);
  }

  rocketmq_consumer* owner_;
  rocketmq_engine& engine_;
  grpc::ClientContext context_;
  grpc::Status status_;
  wire::TelemetryCommand in_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<wire::TelemetryCommand, wire::TelemetryCommand>>
      stream_;
  step started_{this, &telemetry::on_started}, wrote_{this, &telemetry::on_wrote},
      read_{this, &telemetry::on_read}, finish_{this, &telemetry::on_finished};
  int pending_ = 0;
  bool open_ = false, writing_ = false, write_again_ = false, finished_ = false;
};

// One long poll.
class rocketmq_consumer::poll final : public rocketmq_event {
 public:
  poll(rocketmq_consumer* owner, waiting w) : owner_(owner), request_(std::move(w)) {
    auto& engine = owner_->engine_;
    const auto wait = std::clamp(request_.what.wait, poll_min, poll_max);
    engine.prepare(context_, owner_->client_id_,
                   wait + std::max(engine.options().request_timeout, poll_min));
    wire::ReceiveMessageRequest r;
    r.mutable_group()->set_name(owner_->group_);
    r.mutable_message_queue()->mutable_topic()->set_name(request_.what.topic);
    r.mutable_message_queue()->set_id(-1);
    r.mutable_filter_expression()->set_type(wire::TAG);
    r.mutable_filter_expression()->set_expression("*");
    r.set_batch_size(static_cast<int32_t>(
        std::clamp<size_t>(request_.what.messages_max, 1, receive_messages_max)));
    set_duration(r.mutable_invisible_duration(),
                 std::clamp(request_.what.invisible, invisible_min, invisible_max));
    set_duration(r.mutable_long_polling_timeout(), wait);
    reader_ = engine.stub().AsyncReceiveMessage(&context_, r, engine.queue(), this);
  }

  void fire(bool ok) override {
    switch (step_) {
      case step::reading:
        if (ok) take();
        [[fallthrough]];
      case step::starting:
        if (ok) {
          step_ = step::reading;
          reader_->Read(&in_, this);
        } else {
          step_ = step::finishing;
          reader_->Finish(&status_, this);
        }
        return;
      case step::finishing:
        const std::unique_ptr<poll> self(this);
        end();
    }
  }

 private:
  enum class step { starting, reading, finishing };

  void take() {
    if (in_.has_status()) {
      code_ = in_.status().code();
      text_ = std::move(*in_.mutable_status()->mutable_message());
    } else if (in_.has_message()) {
      out_.messages.push_back(from_wire(std::move(*in_.mutable_message())));
    }
  }

  void end() {
    auto& engine = owner_->engine_;
    engine.forget(context_);
    // Messages that came before a fault are ours: without them they would only come again later.
    if (!out_.messages.empty()) {
      out_.result = {outcome::ok, rocketmq_ok, {}};
    } else if (!status_.ok()) {
      out_.result = engine.failed(status_);
    } else if (settings_missing(code_, text_) && !request_.again && !engine.closing()) {
      owner_->drop_stream();
      request_.again = true;
      return owner_->start(std::move(request_));
    } else {
      out_.result = classify(code_, text_, {"receive", request_.what.topic, owner_->group_});
    }
    request_.done(std::move(out_));
  }

  rocketmq_consumer* owner_;
  waiting request_;
  grpc::ClientContext context_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncReader<wire::ReceiveMessageResponse>> reader_;
  wire::ReceiveMessageResponse in_;
  step step_ = step::starting;
  int code_ = 0;
  std::string text_;
  received out_;
};

rocketmq_consumer::rocketmq_consumer(rocketmq_engine& engine, std::string group,
                                     std::string client_id)
    : engine_(engine), group_(std::move(group)), client_id_(std::move(client_id)) {}

rocketmq_consumer::~rocketmq_consumer() { drop_stream(); }

wire::TelemetryCommand rocketmq_consumer::settings() const {
  wire::TelemetryCommand out;
  auto* s = out.mutable_settings();
  s->set_client_type(wire::SIMPLE_CONSUMER);
  set_duration(s->mutable_request_timeout(), engine_.options().request_timeout);
  auto* subscription = s->mutable_subscription();
  subscription->mutable_group()->set_name(group_);
  for (const auto& topic : topics_) {
    auto* entry = subscription->add_subscriptions();
    entry->mutable_topic()->set_name(topic);
    entry->mutable_expression()->set_type(wire::TAG);
    entry->mutable_expression()->set_expression("*");
  }
  s->mutable_user_agent()->set_language(wire::CPP);
  s->mutable_user_agent()->set_version("5.0.0");
  s->mutable_user_agent()->set_platform("dunlin");
  s->mutable_user_agent()->set_hostname(engine_.host());
  return out;
}

void rocketmq_consumer::receive(receive_request what, std::function<void(received)> done) {
  if (topics_.insert(what.topic).second && stream_) stream_->announce();
  start({std::move(what), std::move(done), false});
}

void rocketmq_consumer::start(waiting w) {
  if (ready_) {
    new poll(this, std::move(w));  // owns itself until its end
    return;
  }
  waiting_.push_back(std::move(w));
  if (stream_) return;
  open_until_ = clock::now() + engine_.options().request_timeout;
  stream_ = new telemetry(this);
}

void rocketmq_consumer::drop_stream() {
  ready_ = false;
  if (auto* s = std::exchange(stream_, nullptr)) s->detach();
}

void rocketmq_consumer::on_settings(telemetry* from, const wire::TelemetryCommand& command) {
  if (from != stream_) return;
  if (command.has_status() && command.status().code() != rocketmq_ok) {
    const auto topic = topics_.empty() ? std::string() : *topics_.begin();
    const auto why =
        classify(command.status().code(), command.status().message(), {"receive", topic, group_});
    drop_stream();
    return fail_waiting(why);
  }
  // Later commands (another route, a thread dump asked for) are not for a simple consumer.
  if (ready_ || !command.has_settings()) return;
  ready_ = true;
  heartbeat_at_ = clock::now() + heartbeat_every;
  for (auto& w : std::exchange(waiting_, {})) start(std::move(w));
}

void rocketmq_consumer::on_stream_end(telemetry* from, const grpc::Status& status) {
  if (from != stream_) return;
  stream_ = nullptr;
  ready_ = false;
  auto why = engine_.failed(status);
  if (why.what == outcome::ok) why = {outcome::retry, 0, "the server ended the consumer's stream"};
  fail_waiting(why);
}

void rocketmq_consumer::fail_waiting(const queue_result& why) {
  for (auto& w : std::exchange(waiting_, {})) w.done({why, {}});
}

void rocketmq_consumer::tick() {
  if (!stream_) return;
  const auto now = clock::now();
  if (!ready_) {
    if (now >= open_until_) {
      drop_stream();
      fail_waiting({outcome::retry, 0,
                    "no answer in time to the consumer's settings from RocketMQ at " +
                        engine_.options().endpoint});
    }
    return;
  }
  if (now < heartbeat_at_) return;
  heartbeat_at_ = now + heartbeat_every;
  wire::HeartbeatRequest request;
  request.mutable_group()->set_name(group_);
  request.set_client_type(wire::SIMPLE_CONSUMER);
  engine_.unary<wire::HeartbeatResponse>(
      client_id_, engine_.options().request_timeout,
      [&](grpc::ClientContext* c) {
        return engine_.stub().AsyncHeartbeat(c, request, engine_.queue());
      },
      [this](const grpc::Status& status, const wire::HeartbeatResponse& response) {
        on_heartbeat(status, response);
      });
}

void rocketmq_consumer::on_heartbeat(const grpc::Status& status,
                                     const wire::HeartbeatResponse& response) {
  // A lost connection ends the stream by itself; lost settings do not.
  if (status.ok() && settings_missing(response.status().code(), response.status().message()))
    drop_stream();
}

void rocketmq_consumer::close() {
  const bool known = ready_;
  drop_stream();
  fail_waiting({outcome::retry, 0, "the queue is closed"});
  if (!known) return;
  wire::NotifyClientTerminationRequest request;
  request.mutable_group()->set_name(group_);
  engine_.unary<wire::NotifyClientTerminationResponse>(
      client_id_, goodbye_timeout,
      [&](grpc::ClientContext* c) {
        return engine_.stub().AsyncNotifyClientTermination(c, request, engine_.queue());
      },
      [](const grpc::Status&, const wire::NotifyClientTerminationResponse&) {});
}

}  // namespace dunlin::rules
