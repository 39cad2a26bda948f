// What decoding a PUBLISH and encoding its answer cost, and how many allocations each makes.
//   bazel run //tests/bench:codec_bench
#include <benchmark/benchmark.h>

#include <string>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/properties.hpp"
#include "tests/mqtt/allocations.hpp"

namespace dunlin::mqtt {
namespace {

constexpr size_t packet_size_max = 1 << 20;
constexpr size_t batch = 1000;

publish message(uint8_t qos) {
  static const std::string payload(64, 'x');
  publish p{.topic = "sensors/building-7/floor-3", .payload = payload, .qos = qos};
  p.packet_id = qos == 0 ? 0 : 1;
  return p;
}

publish_properties two_user_properties() {
  static const std::string block = [] {
    std::string out;
    append_user_property({"trace-id", "4bf92f3577b34da6"}, out);
    append_user_property({"unit", "celsius"}, out);
    return out;
  }();
  return parse_forwarded(block);
}

void report_allocations(benchmark::State& state, size_t before) {
  state.counters["allocations"] = benchmark::Counter(
      static_cast<double>(allocation_count() - before), benchmark::Counter::kAvgIterations);
}

// A read's worth of packets, one after the other, as a connection sees them.
void decode_all(benchmark::State& state, const publish& p, version v) {
  std::string stream;
  for (size_t i = 0; i < batch; ++i) encode(p, v, stream);
  std::string_view rest;
  size_t before = allocation_count();
  for (auto _ : state) {
    if (rest.empty()) rest = stream;
    auto framed = next_frame(rest, packet_size_max);
    auto* f = std::get_if<frame>(&framed);
    auto result = decode_publish(*f, v);
    benchmark::DoNotOptimize(result);
    rest.remove_prefix(f->size);
  }
  report_allocations(state, before);
}

void decode_publish_v311_qos0(benchmark::State& state) {
  decode_all(state, message(0), version::v311);
}
BENCHMARK(decode_publish_v311_qos0);

void decode_publish_v311_qos1(benchmark::State& state) {
  decode_all(state, message(1), version::v311);
}
BENCHMARK(decode_publish_v311_qos1);

void decode_publish_v5_qos0(benchmark::State& state) { decode_all(state, message(0), version::v5); }
BENCHMARK(decode_publish_v5_qos0);

void decode_publish_v5_user_properties(benchmark::State& state) {
  publish p = message(1);
  p.props = two_user_properties();
  decode_all(state, p, version::v5);
}
BENCHMARK(decode_publish_v5_user_properties);

void decode_publish_v311_utf8_topic(benchmark::State& state) {
  publish p = message(0);
  p.topic =
      "sensoren/geb\xc3\xa4ude-7/k\xc3\xbc"
      "che";
  decode_all(state, p, version::v311);
}
BENCHMARK(decode_publish_v311_utf8_topic);

// Appends to a buffer that is emptied before it is full, as a connection's output is.
template <class F>
void encode_all(benchmark::State& state, F f) {
  std::string out;
  out.reserve(1 << 18);
  size_t before = allocation_count();
  for (auto _ : state) {
    if (out.size() > (1 << 18) - 1024) out.clear();
    f(out);
    benchmark::ClobberMemory();
  }
  report_allocations(state, before);
}

void encode_ack_v311(benchmark::State& state) {
  encode_all(state, [](std::string& out) {
    encode_ack(packet_type::puback, 7, reason::success, version::v311, out);
  });
}
BENCHMARK(encode_ack_v311);

void encode_ack_v5_with_code(benchmark::State& state) {
  encode_all(state, [](std::string& out) {
    encode_ack(packet_type::puback, 7, reason::no_matching_subscribers, version::v5, out);
  });
}
BENCHMARK(encode_ack_v5_with_code);

void encode_publish_v311_qos1(benchmark::State& state) {
  publish p = message(1);
  encode_all(state, [&p](std::string& out) { encode(p, version::v311, out); });
}
BENCHMARK(encode_publish_v311_qos1);

void encode_publish_v5_user_properties(benchmark::State& state) {
  publish p = message(1);
  p.props = two_user_properties();
  encode_all(state, [&p](std::string& out) { encode(p, version::v5, out); });
}
BENCHMARK(encode_publish_v5_user_properties);

}  // namespace
}  // namespace dunlin::mqtt
