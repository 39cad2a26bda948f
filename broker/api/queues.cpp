// The queue inside the node: receive, put, acknowledge, give back.
#include <algorithm>
#include <atomic>

#include "broker/api/json.hpp"
#include "broker/api/parameters.hpp"
#include "broker/api/routes.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

using rules::outcome;
using rules::queue_message;
using rules::queue_result;

response from_result(const queue_result& r) {
  switch (r.what) {
    case outcome::ok:
      return {200, "application/json", "{}\n"};
    case outcome::retry:
      return error_response(503, r.error, "try again");
    case outcome::misconfigured:
      return error_response(409, r.error);
    case outcome::refused:
      return error_response(422, r.error);
  }
  return error_response(500, r.error);
}

response as_json(const google::protobuf::Message& m) {
  return {200, "application/json", to_json(m)};
}

void to_wire(const queue_message& from, Message& to) {
  set_body(from.body, to);
  to.set_tag(clean(from.tag));
  for (const auto& k : from.keys) to.add_keys(clean(k));
  for (const auto& [k, v] : from.properties) (*to.mutable_properties())[clean(k)] = clean(v);
  to.set_message_group(clean(from.message_group));
  to.set_message_id(clean(from.message_id));
  to.set_born_ms(static_cast<double>(from.born_ms));
  to.set_receipt(clean(from.receipt));
  to.set_attempt(from.attempt);
}

// M: Message or Put, which have these fields in common.
template <class M>
queue_message from_wire(const M& from, const provider& p, std::vector<std::string>& wrong) {
  queue_message out;
  if (from.has_body() == from.has_body_base64())
    wrong.push_back("a message has one of body (text) and bodyBase64");
  out.body = from.has_body() ? from.body() : from.body_base64();
  out.tag = from.tag();
  out.keys.assign(from.keys().begin(), from.keys().end());
  for (const auto& [k, v] : from.properties()) out.properties.emplace_back(k, v);
  std::sort(out.properties.begin(),
            out.properties.end());  // a map has no order: always the same one
  out.message_group = from.message_group();
  out.message_id = from.message_id().empty() ? p.new_message_id() : from.message_id();
  out.born_ms = p.now_ms();
  return out;
}

std::optional<response> check_batch(const std::vector<queue_message>& batch,
                                    const rules::message_queue& queue) {
  const auto limits = queue.limits();
  if (batch.size() > limits.messages_max)
    return error_response(
        413, "more than " + std::to_string(limits.messages_max) + " messages in one request");
  size_t all = 0;
  for (const auto& m : batch) {
    if (m.body.size() > limits.body_bytes_max)
      return error_response(413,
                            "a body is over " + std::to_string(limits.body_bytes_max) + " bytes");
    if (!m.message_group.empty() && batch.size() > 1)
      return error_response(400, "a message with a messageGroup must be alone in its request");
    all += m.body.size() + m.tag.size();
    for (const auto& [k, v] : m.properties) all += k.size() + v.size();
  }
  if (all > limits.bytes_max)
    return error_response(
        413, "the messages are over " + std::to_string(limits.bytes_max) + " bytes together");
  return {};
}

void put(const provider& p, const std::string& topic, const request& r, const respond& done) {
  Put in;
  if (const auto wrong = from_json(r.body, in))
    return done(error_response(400, *wrong,
                               R"(send {"body": "text"} or {"messages": [{"body": "text"}]})"));
  std::vector<std::string> wrong;
  std::vector<queue_message> batch;
  for (const auto& m : in.messages()) batch.push_back(from_wire(m, p, wrong));
  if (batch.empty()) batch.push_back(from_wire(in, p, wrong));
  if (!in.messages().empty() && (in.has_body() || in.has_body_base64()))
    wrong.push_back("send one message, or messages, not both");
  if (!wrong.empty()) return done(error_response(400, wrong[0]));
  if (auto refusal = check_batch(batch, *p.queue)) return done(std::move(*refusal));
  Stored ids;
  for (const auto& m : batch) ids.add_message_ids(clean(m.message_id));
  p.queue->send(topic, std::move(batch), [done, ids](queue_result result) {
    done(result.what == outcome::ok ? as_json(ids) : from_result(result));
  });
}

void receive(const provider& p, const std::string& topic, const request& r, const respond& done) {
  parameters q(r);
  rules::receive_request what;
  what.topic = topic;
  what.group = q.name("group");
  what.messages_max = q.number("max", 32, 1, 1000);
  what.wait = std::chrono::milliseconds(q.duration_ms("wait", 0, 0, 60'000));
  what.invisible =
      std::chrono::milliseconds(q.duration_ms("invisible", 30'000, 1'000, 12 * 3'600'000));
  q.nothing_else();
  if (q.wrong())
    return done(error_response(400, *q.wrong(), "?group=G&max=32&wait=10s&invisible=30s"));
  p.queue->receive(what, [done](rules::received got) {
    if (got.result.what != outcome::ok) return done(from_result(got.result));
    Messages out;
    for (const auto& m : got.messages) to_wire(m, *out.add_messages());
    done(as_json(out));
  });
}

// The request of ack and nack; answers itself and returns false when it is wrong.
bool read_receipts(const request& r, const respond& done, Ack& in,
                   std::vector<queue_message>& out) {
  constexpr const char* form = R"(send {"group": "G", "receipts": ["..."]})";
  if (const auto wrong = from_json(r.body, in))
    return done(error_response(400, *wrong, form)), false;
  if (!good_name(in.group()))
    return done(error_response(400, "group is missing or is not a name", form)), false;
  if (in.receipts().empty())
    return done(error_response(400, "receipts is missing or empty", form)), false;
  if (in.receipts_size() > 10'000)
    return done(error_response(413, "more than 10000 receipts")), false;
  if (!(in.delay_ms() >= 0 && in.delay_ms() <= 24.0 * 3'600'000))
    return done(error_response(400, "delayMs goes from 0 to 86400000")), false;
  for (const auto& receipt : in.receipts()) {
    out.emplace_back();
    out.back().receipt = receipt;
  }
  return true;
}

response counted(size_t n) {
  Done out;
  out.set_count(static_cast<uint32_t>(n));
  return as_json(out);
}

void ack(const provider& p, const std::string& topic, const request& r, const respond& done) {
  Ack in;
  std::vector<queue_message> messages;
  if (!read_receipts(r, done, in, messages)) return;
  const size_t n = messages.size();
  p.queue->ack(topic, in.group(), std::move(messages), [done, n](queue_result result) {
    done(result.what == outcome::ok ? counted(n) : from_result(result));
  });
}

// One call of the queue for each message; the answer when the last is done is the first error, if
// there was one.
struct nack_progress {
  nack_progress(respond d, size_t n) : done(std::move(d)), all(n), left(n) {}
  void add(const queue_result& r) {
    if (r.what != outcome::ok && !failed.exchange(true)) first = r;
    if (left.fetch_sub(1) == 1) done(failed ? from_result(first) : counted(all));
  }
  respond done;
  const size_t all;
  std::atomic<size_t> left;
  std::atomic<bool> failed{false};
  queue_result first;
};

void nack(const provider& p, const std::string& topic, const request& r, const respond& done) {
  Ack in;
  std::vector<queue_message> messages;
  if (!read_receipts(r, done, in, messages)) return;
  const auto progress = std::make_shared<nack_progress>(done, messages.size());
  const auto delay = std::chrono::milliseconds(static_cast<int64_t>(in.delay_ms()));
  for (auto& m : messages)
    p.queue->nack(topic, in.group(), std::move(m), delay,
                  [progress](queue_result result) { progress->add(result); });
}

using queue_handler = void (*)(const provider&, const std::string& topic, const request&,
                               const respond&);

handler on_queue(std::shared_ptr<const provider> p, queue_handler run) {
  return [p, run](const request& r, respond done) {
    const std::string& topic = r.parameters.at("topic");
    if (p->queue == nullptr)
      return done(error_response(
          404, "this node has no queue of its own: its rules are bound to RocketMQ",
          "use a RocketMQ client, or remove rocketmq.endpoint from the configuration"));
    if (!good_name(topic))
      return done(error_response(400, "\"" + topic + "\" cannot be the name of a queue",
                                 "up to 127 of A-Z a-z 0-9 _ - %"));
    run(*p, topic, r, done);
  };
}

}  // namespace

void add_queues(router& r, std::shared_ptr<const provider> p) {
  r.add("GET", "/api/v1/queues/{topic}/messages", on_queue(p, receive));
  r.add("POST", "/api/v1/queues/{topic}/messages", on_queue(p, put));
  r.add("POST", "/api/v1/queues/{topic}/ack", on_queue(p, ack));
  r.add("POST", "/api/v1/queues/{topic}/nack", on_queue(p, nack));
}

}  // namespace dunlin::api
