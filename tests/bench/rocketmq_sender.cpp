// The bare sender: batches straight from asynchronous gRPC, one prepared request whose message IDs
// change. What any other way of sending to RocketMQ is measured against; its arguments are in
// send_bench.hpp.
#include <grpcpp/grpcpp.h>

#include <memory>

#include "proto/rocketmq.grpc.pb.h"
#include "tests/bench/send_bench.hpp"

namespace dunlin::bench {
namespace {

namespace wire = apache::rocketmq::v2;

struct call {
  grpc::ClientContext context;
  wire::SendMessageResponse response;
  grpc::Status status;
  send_score::clock::time_point sent_at = send_score::clock::now();
  std::unique_ptr<grpc::ClientAsyncResponseReader<wire::SendMessageResponse>> reader;
};

// What format: message gives every message (rules/mapping.cpp), so that both send the same bytes.
void add_rule_properties(wire::Message& m) {
  auto* system = m.mutable_system_properties();
  system->set_tag("MQTT_COMMON");
  system->add_keys("dunlin-load-00000000-publisher-00");
  const auto add = [&m](const char* key, const char* value) {
    auto* p = m.add_user_properties();
    p->set_key(key);
    p->set_value(value);
  };
  add("qoslevel", "1");
  add("topic", "bench/publisher/00");
  add("clientId", "dunlin-load-00000000-publisher-00");
  add("mqttSecondTopic", "/publisher/00");
}

wire::SendMessageRequest prepared(const send_options& o) {
  wire::SendMessageRequest request;
  for (int i = 0; i < o.batch; ++i) {
    auto* m = request.add_messages();
    m->mutable_topic()->set_name(o.topic);
    m->set_body(std::string(static_cast<size_t>(o.bytes), 'x'));
    auto* system = m->mutable_system_properties();
    system->set_body_encoding(wire::IDENTITY);
    system->set_message_type(wire::NORMAL);
    system->set_born_host("bench");
    system->mutable_born_timestamp()->set_seconds(std::time(nullptr));
    if (o.rule_properties) add_rule_properties(*m);
  }
  return request;
}

int run(const send_options& o) {
  const auto stub = wire::MessagingService::NewStub(
      grpc::CreateChannel(o.endpoint, grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  auto request = prepared(o);
  uint64_t id = 0;
  const auto start = [&] {
    auto c = std::make_unique<call>();
    c->context.AddMetadata("x-mq-client-id", "dunlin-bench-sender");
    c->context.AddMetadata("x-mq-language", "CPP");
    c->context.AddMetadata("x-mq-client-version", "5.0.0");
    c->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    for (auto& m : *request.mutable_messages())
      m.mutable_system_properties()->set_message_id("bench-" + std::to_string(++id));
    c->reader = stub->AsyncSendMessage(&c->context, request, &queue);
    auto* tag = c.release();
    tag->reader->Finish(&tag->response, &tag->status, tag);
  };
  send_score score(o);
  int out = 0;
  for (; out < o.in_flight; ++out) start();
  void* tag = nullptr;
  bool ok = false;
  while (out > 0 && queue.Next(&tag, &ok)) {
    const std::unique_ptr<call> c(static_cast<call*>(tag));
    --out;
    const bool stored = c->status.ok() && c->response.status().code() == 20000;
    const auto& error = c->status.ok() ? c->response.status().message() : c->status.error_message();
    if (score.answered(stored, error, c->sent_at)) {
      start();
      ++out;
    }
  }
  return score.print("rocketmq_sender");
}

}  // namespace
}  // namespace dunlin::bench

int main(int argc, char** argv) {
  const auto o = dunlin::bench::parse_send_options(argc, argv);
  return o ? dunlin::bench::run(*o) : dunlin::bench::usage(argv[0]);
}
