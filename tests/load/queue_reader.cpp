#include "tests/load/queue_reader.hpp"

#include <google/protobuf/util/json_util.h>

#include <chrono>

#include "proto/api.pb.h"
#include "proto/envelope.pb.h"
#include "tests/load/message.hpp"

namespace dunlin::load {
namespace {

constexpr const char* query = "&max=1000&wait=1s&invisible=60s";
constexpr auto retry_after = std::chrono::milliseconds(200);

std::string escaped(const std::string& s) {
  std::string out;
  for (const char c : s) {
    char hex[4];
    snprintf(hex, sizeof hex, "%%%02X", uint8_t(c));
    out += std::isalnum(uint8_t(c)) || std::string_view("-._~").find(c) != std::string_view::npos
               ? std::string(1, c)
               : std::string(hex);
  }
  return out;
}

}  // namespace

queue_reader::queue_reader(const options& o, uint32_t run_id)
    : options_(o),
      run_id_(run_id),
      client_(o.queue_api),
      path_("/api/v1/queues/" + escaped(o.queue)),
      publishers_(o.publishers) {}

void queue_reader::start() {
  thread_ = std::thread([this] { run(); });
}

void queue_reader::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void queue_reader::run() {
  while (!stop_) {
    if (!read_once()) std::this_thread::sleep_for(retry_after);
  }
}

bool queue_reader::read_once() {
  const http_reply got =
      client_.get(path_ + "/messages?group=" + escaped(options_.queue_group) + query);
  if (got.status != 200) {
    error_ = got.status == 0 ? got.error : "HTTP " + std::to_string(got.status) + ": " + got.body;
    return false;
  }
  error_.clear();
  const std::vector<std::string> receipts = take(got.body);
  if (receipts.empty()) return error_.empty();
  api::Ack ack;
  ack.set_group(options_.queue_group);
  for (const std::string& r : receipts) ack.add_receipts(r);
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(ack, &json).ok()) return false;
  const http_reply done = client_.post(path_ + "/ack", json);
  if (done.status / 100 != 2) error_ = "acknowledging: " + done.error + done.body;
  return error_.empty();
}

std::vector<std::string> queue_reader::take(std::string_view json) {
  api::Messages in;
  google::protobuf::util::JsonParseOptions lenient;
  lenient.ignore_unknown_fields = true;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &in, lenient);
  if (!parsed.ok()) {
    error_ = "unreadable answer: " + parsed.ToString();
    return {};
  }
  std::vector<std::string> receipts;
  for (const api::Message& m : in.messages()) {
    receipts.push_back(m.receipt());
    const std::string& body = m.has_body() ? m.body() : m.body_base64();
    const auto format = m.properties().find("dunlinFormat");
    rules::Envelope envelope;
    if (format == m.properties().end()) {
      note(body);
    } else if (format->second != "envelope/1" || !envelope.ParseFromString(body)) {
      error_ = "a body is not an envelope/1";
    } else {
      for (const rules::DeviceMessage& d : envelope.messages()) note(d.payload());
    }
  }
  return receipts;
}

void queue_reader::note(std::string_view payload) {
  const auto s = read_stamp(payload);
  if (!s || s->run != run_id_ || s->publisher >= publishers_.size()) {
    ++foreign_;
  } else if (publishers_[s->publisher].got(s->sequence)) {
    received_.fetch_add(1, std::memory_order_release);
  }
}

}  // namespace dunlin::load
