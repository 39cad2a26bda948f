// What the two senders to RocketMQ have in common: arguments, the sliding window's result, and its
// JSON line.
//
// Used by rocketmq_sender (bare gRPC) and rocketmq_queue_bench (through rocketmq_queue), so that
// they differ in one thing.
//   rocketmq_sender --endpoint 127.0.0.1:8081 --topic t --batch 512 --in-flight 4 --bytes 256
//   --seconds 5
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::bench {

struct send_options {
  std::string endpoint = "127.0.0.1:8081";
  std::string topic = "dunlin_bench";
  int batch = 512;
  int in_flight = 4;
  int bytes = 256;
  double seconds = 5;
  bool rule_properties = false;  // tag, key and properties as an outbound rule sets them
  double warm_up = 2;  // seconds sent before the measurement: the server's JVM compiles itself
};

inline std::optional<send_options> parse_send_options(int argc, char** argv) {
  send_options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const char* value = argv[i + 1];
    if (key == "--endpoint")
      o.endpoint = value;
    else if (key == "--topic")
      o.topic = value;
    else if (key == "--batch")
      o.batch = std::atoi(value);
    else if (key == "--in-flight")
      o.in_flight = std::atoi(value);
    else if (key == "--bytes")
      o.bytes = std::atoi(value);
    else if (key == "--seconds")
      o.seconds = std::atof(value);
    else if (key == "--properties")
      o.rule_properties = value == std::string_view("rule");
    else if (key == "--warm-up")
      o.warm_up = std::atof(value);
    else
      return std::nullopt;
  }
  if (argc % 2 == 0 || o.batch < 1 || o.in_flight < 1 || o.bytes < 1 || o.seconds <= 0)
    return std::nullopt;
  return o;
}

inline int usage(const char* program) {
  std::fprintf(
      stderr,
      "usage: %s [--endpoint host:port] [--topic T] [--batch 512] [--in-flight 4] [--bytes 256] "
      "[--seconds 5] [--warm-up 2] [--properties rule]\n",
      program);
  return 2;
}

// Counts what was answered after the warm-up.
class send_score {
 public:
  using clock = std::chrono::steady_clock;

  explicit send_score(const send_options& o) : options_(o) {}

  // Whether to send another batch after this one.
  bool answered(bool ok, std::string_view error, clock::time_point sent_at) {
    const auto now = clock::now();
    if (!ok && failed_++ == 0)
      std::fprintf(stderr, "failed: %.*s\n", static_cast<int>(error.size()), error.data());
    if (now >= from_ && now < to_) {
      if (ok) messages_ += static_cast<uint64_t>(options_.batch);
      latencies_.push_back(std::chrono::duration<double, std::milli>(now - sent_at).count());
      last_ = now;
      if (cpu_from_ == 0) cpu_from_ = std::clock();
      cpu_to_ = std::clock();
    }
    return now < to_;
  }

  // 0, or 1 when anything failed.
  int print(const char* name) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double q) {
      return latencies_.empty()
                 ? 0.0
                 : latencies_[static_cast<size_t>(q * static_cast<double>(latencies_.size() - 1))];
    };
    const double dt = std::chrono::duration<double>(last_ - from_).count();
    const double cpu_us = 1e6 * static_cast<double>(cpu_to_ - cpu_from_) / CLOCKS_PER_SEC;
    std::printf(
        "{\"name\": \"%s\", \"batch\": %d, \"in_flight\": %d, \"bytes\": %d, "
        "\"messages_per_second\": %.0f, "
        "\"requests_per_second\": %.0f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
        "\"cpu_us_per_message\": %.3f, "
        "\"failed\": %llu}\n",
        name, options_.batch, options_.in_flight, options_.bytes,
        dt > 0 ? static_cast<double>(messages_) / dt : 0,
        dt > 0 ? static_cast<double>(latencies_.size()) / dt : 0, at(0.5), at(0.99),
        messages_ > 0 ? cpu_us / static_cast<double>(messages_) : 0,
        static_cast<unsigned long long>(failed_));
    return failed_ > 0 || messages_ == 0 ? 1 : 0;
  }

 private:
  static clock::duration seconds(double s) {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(s));
  }

  send_options options_;
  clock::time_point from_ = clock::now() + seconds(options_.warm_up);
  clock::time_point to_ = from_ + seconds(options_.seconds);
  clock::time_point last_ = from_;
  std::clock_t cpu_from_ = 0, cpu_to_ = 0;
  std::vector<double> latencies_;
  uint64_t messages_ = 0, failed_ = 0;
};

}  // namespace dunlin::bench
