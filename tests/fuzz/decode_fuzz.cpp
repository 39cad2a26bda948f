// Any bytes through the decoder of one version: decode_v31_fuzz, decode_v311_fuzz and
// decode_v5_fuzz are this file with another DUNLIN_FUZZ_VERSION. Bit 0 of the first byte chooses
// whether the rest is a stream of packets or one packet whose length is made to fit (so that the
// fuzzer reaches the bodies without guessing lengths).
//
// What is taken must be stable when encoded and decoded again, and all views must lie in the input.
//   bazel build --config=fuzz //tests/fuzz:decode_v5_fuzz
//   bazel-bin/tests/fuzz/decode_v5_fuzz -max_total_time=60 SCRATCH tests/fuzz/corpus/decode_v5
#include <cstdint>
#include <string>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/properties.hpp"
#include "broker/mqtt/wire.hpp"
#include "tests/fuzz/require.hpp"

namespace dunlin::mqtt {
namespace {

using fuzz::require;

constexpr size_t packet_size_max = 1 << 20;
constexpr version tested = version::DUNLIN_FUZZ_VERSION;

bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_properties(const publish_properties& p, std::string_view body) {
  require(within(p.forwarded, body) && within(p.subscription_identifiers, body));
  std::string kept(forwarded_size(p), '\0');
  require(copy_forwarded(p, kept.data()) == kept.data() + kept.size());
  publish_properties again = parse_forwarded(kept);
  require(again.forwarded == kept && !again.forwarded_needs_filter);
  require(again.content_type == p.content_type && again.response_topic == p.response_topic);
  require(again.correlation_data == p.correlation_data);
  require(again.payload_is_utf8 == p.payload_is_utf8);
  bool any = false;
  for_each_user_property(kept, [&any](const user_property&) { any = true; });
  require(any == p.has_user_properties);
}

void check_again(const packet& p, version v) {
  std::string once;
  encode(p, v, once);
  auto framed = next_frame(once, packet_size_max * 2);
  auto* f = std::get_if<frame>(&framed);
  require(f != nullptr && f->size == once.size());
  auto result = decode(*f, v);
  auto* again = std::get_if<packet>(&result);
  require(again != nullptr);
  std::string twice;
  encode(*again, v, twice);
  require(once == twice);
}

void check(const frame& f, version v) {
  auto result = decode(f, v);
  if (auto* bad = std::get_if<malformed>(&result)) {
    require(static_cast<uint8_t>(bad->code) >= 0x80 && !bad->why.empty());
    require(to_string(bad->code) != "unknown");
    return;
  }
  const packet& p = *std::get_if<packet>(&result);
  if (auto* m = std::get_if<publish>(&p)) {
    require(within(m->topic, f.body) && within(m->payload, f.body));
    check_properties(m->props, f.body);
  }
  if (auto* c = std::get_if<connect>(&p)) {
    v = c->ver;
    require(connect_version(f) == v);
    if (c->will) check_properties(c->will->props, f.body);
  }
  check_again(p, v);
}

void run_stream(std::string_view bytes, version v) {
  for (;;) {
    auto framed = next_frame(bytes, packet_size_max);
    auto* f = std::get_if<frame>(&framed);
    if (f == nullptr) return;
    require(f->size <= bytes.size() && within(f->body, bytes));
    check(*f, v);
    bytes.remove_prefix(f->size);
  }
}

void run_packet(std::string_view bytes, version v) {
  if (bytes.empty()) return;
  std::string fitted(1, bytes[0]);
  char length[5];
  writer w(length);
  w.varint(static_cast<uint32_t>(bytes.size() - 1));
  fitted.append(length, w.position());
  fitted += bytes.substr(1);
  run_stream(fitted, v);
}

}  // namespace
}  // namespace dunlin::mqtt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dunlin::mqtt;
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  (data[0] & 1) != 0 ? run_stream(rest, tested) : run_packet(rest, tested);
  return 0;
}
