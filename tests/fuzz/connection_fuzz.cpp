// A whole node against clients that do anything. The input is a program: each step opens, sends
// (valid packets, fitted ones, raw bytes, split anywhere), takes, blocks, hangs up or moves the
// clock for one of four clients, on two reactors that are driven by hand.
//
// Demanded all along: what the node sends is well formed; what it holds stays bounded; a client
// that behaves is served, whatever the others do; at rest every message copy is accounted for.
//   bazel build --config=fuzz //tests/fuzz:connection_fuzz
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/mqtt/wire.hpp"
#include "tests/fakes/scram_client.hpp"
#include "tests/fuzz/connection_features.hpp"
#include "tests/fuzz/connection_program.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/sim/world.hpp"

namespace dunlin::sim {
namespace {

using fuzz::require;
using fuzz::step;
using mqtt::packet_type;
using mqtt::reason;

constexpr size_t steps_max = 400;
constexpr size_t output_bytes_max = 4 << 20;

options small_limits(const features& f) {
  options o;
  o.packet_bytes_max = 4096;
  o.subscriptions_per_client_max = 6;
  o.inflight_max = 16;
  o.receive_max = 20;
  o.topic_alias_max = 4;
  o.queue_messages_max = 64;
  o.session_expiry_max_s = 600;
  o.offline_sessions_max = 3;
  o.output_high_bytes = 3000;
  o.output_low_bytes = 800;
  o.mailbox_messages_max = 60;
  o.receivers_at_once_max = 2;
  o.retained_messages_max = 8;
  o.delayed_messages_max = 4;
  f.change(o);
  return o;
}

struct hostile {
  client* c = nullptr;
  bool version_known = false;  // its CONNECT was ours: what comes can be judged
  size_t split = 0;            // the next bytes go in two pieces
  std::string challenge = {};  // of the node's last AUTH
};

const fakes::scram_client ann{};
const std::string ann_first = ann.first();
// What a PUBLISH may carry on to its subscribers: text, a response topic, correlation data, a user
// property, all of them.
constexpr std::string_view carried[] = {"",
                                        {"\x01\x01", 2},
                                        {"\x08\x00\x03r/t", 6},
                                        {"\x09\x00\x02\x00\xFF", 5},
                                        {"\x26\x00\x01k\x00\x01v", 7},
                                        {"\x03\x00\x01t\x01\x01\x26\x00\x01k\x00\x01v", 13}};

class run {
 public:
  explicit run(std::string_view program)
      : in_(program), on_(in_.byte()), limits_(small_limits(on_)), world_(limits_, 2) {
    world_.dir().guard.load.read_memory_from([this] { return memory_; }, features::memory_limit);
    rule_ = on_.switch_on(world_);
    constexpr mqtt::version versions[] = {mqtt::version::v5, mqtt::version::v311, mqtt::version::v5,
                                          mqtt::version::v31};
    constexpr const char* ids[] = {"c0", "c1", "c2", "c2"};  // the last two take each other over
    for (size_t i = 0; i < 4; ++i) {
      clients_[i].c = &world_.make_client(ids[i], versions[i]);
      clients_[i].c->auto_ack = i % 2 == 0;
    }
    good_ = &world_.make_client("well-behaved");
    connect_good();
  }

  void all() {
    for (size_t n = 0; n < steps_max && !in_.empty(); ++n) one();
    for (auto& h : clients_)
      if (h.c->open()) h.c->connection().unblock();
    world_.run();
    while (rule_ && !rule_->held.empty()) rule_->release_one();
    world_.run();
    judge();
    check_good();
    for (auto& h : clients_)
      if (h.c->open()) h.c->lose();
    world_.advance(700'000, 20'000);  // beyond every session's expiry and every will's delay
    judge();
    check_good();
    require(world_.check_identity().empty(), world_.check_identity());
  }

 private:
  void one() {
    const uint8_t op = in_.byte();
    hostile& h = clients_[op >> 6];
    const uint8_t variant = (op >> 4) & 3;
    switch (static_cast<step>(op & 15)) {
      case step::raw:
        return send(h, in_.take(in_.byte()), false);
      case step::fitted:
        return send_fitted(h);
      case step::connect:
        return connect(h, variant);
      case step::publish:
        return publish(h, variant);
      case step::subscribe:
        return subscribe(h, variant);
      case step::unsubscribe:
        return unsubscribe(h, variant);
      case step::ack:
        return ack(h, variant);
      case step::disconnect:
        return disconnect(h, variant);
      case step::split:
        h.split = in_.byte();
        return;
      case step::turn:
        return variant < 2 ? world_.turn(variant) : world_.use_reactors(variant - 1);
      case step::settle:
        if (variant && rule_ && !rule_->held.empty())
          variant & 1 ? rule_->release_one() : rule_->fail_one();
        world_.run();
        return judge();
      case step::advance:
        advance(uint64_t{in_.byte()} * 25);
        return judge();
      case step::hang_up:
        if (h.c->open()) h.c->lose();
        return;
      case step::block:
        if (!h.c->open()) return;
        return variant & 1 ? h.c->connection().unblock() : h.c->connection().block();
      case step::open:
        return open(h, variant);
      case step::check:
        return variant ? operate(h, variant) : check_good();
    }
  }

  // In few steps: what runs at each of them is most of what an execution costs.
  void advance(uint64_t ms) { world_.advance(ms, std::max<uint64_t>(50, ms / 8)); }

  // -- what a client sends --

  void open(hostile& h, uint8_t variant) {
    if (h.c->open() && (variant & 2)) h.c->lose();  // else the old one stays until it is taken over
    h.version_known = false;
    world_.open(*h.c, variant & 1);
  }
  void send(hostile& h, std::string_view bytes, bool valid) {
    if (!h.c->open()) open(h, 0);
    if (!valid) h.version_known = false;
    const size_t first = std::min(std::exchange(h.split, 0), bytes.size());
    if (first > 0) {
      h.c->send_bytes(bytes.substr(0, first));
      world_.turn(h.c->connection().reactor().index());
      if (!h.c->open()) return;
    }
    h.c->send_bytes(bytes.substr(first));
  }
  void encode_and_send(hostile& h, const mqtt::packet& p) {
    std::string bytes;
    mqtt::encode(p, h.c->version(), bytes);
    send(h, bytes, true);
  }
  void send_fitted(hostile& h) {
    std::string bytes(1, static_cast<char>(in_.byte()));
    const std::string_view body = in_.take(in_.byte());
    char length[5];
    mqtt::writer w(length);
    w.varint(static_cast<uint32_t>(body.size()));
    bytes.append(length, w.position());
    bytes += body;
    send(h, bytes, false);
  }
  void connect(hostile& h, uint8_t variant) {
    const uint8_t flags = in_.byte();
    connect_options o{.clean = (flags & 1) != 0};
    if (flags & 2) o.expiry_s = flags & 4 ? 300 : 2;
    if (flags & 8) o.receive_max = uint16_t{3};
    if (flags & 16) o.packet_max = 64;
    if (flags & 32) o.keep_alive_s = 2;
    if (flags & 64) {
      o.will = mqtt::will_message{};
      o.will->topic = fuzz::topic(in_.byte());
      o.will->payload = "will";
      o.will->qos = static_cast<uint8_t>(flags >> 7);
      o.will->retain = (flags & 128) != 0;
      if (h.c->version() == mqtt::version::v5) o.will->delay_interval_s = flags & 4 ? 1 : 0;
    }
    if (on_) identify(o, in_.byte(), h.c->version() == mqtt::version::v5);
    if (h.c->version() != mqtt::version::v5) o.expiry_s = {}, o.receive_max = {}, o.packet_max = {};
    judge(h);  // what came on the connection before this one
    world_.begin_connect(*h.c, o, variant & 1);
    h.version_known = true;
  }
  void identify(connect_options& o, uint8_t how, bool v5) {
    if (how & 3) o.user_name = how & 4 ? "nobody" : "ann";
    if (how & 2) o.password = how & 8 ? "guess" : "secret";
    if (!v5) return;
    if ((how & 3) == 3) {  // by SCRAM instead
      o.user_name = o.password = {};
      o.props.authentication_method = how & 4 ? "OTHER" : access::scram_method;
      o.props.authentication_data = how & 8 ? "junk" : std::string_view(ann_first);
    }
    if (how & 16) o.props.request_response_information = true;
    if (how & 32) o.props.request_problem_information = false;
    if (how & 64) o.props.topic_alias_maximum = uint16_t{3};
    if (how & 128) o.client_id = "";
  }
  void publish(hostile& h, uint8_t qos) {
    const uint8_t flags = in_.byte();
    mqtt::publish p;
    p.topic = fuzz::topic(flags & 15);
    p.qos = qos;
    p.retain = (flags & 16) != 0;
    p.dup = qos > 0 && (flags & 32) != 0;
    p.payload = in_.take(flags & 128 ? in_.byte() : 3);
    if (qos > 0) p.packet_id = static_cast<uint16_t>(1 + (flags & 15));
    if (h.c->version() == mqtt::version::v5 && (flags & 64)) {
      p.props.message_expiry_interval = flags & 3;
      p.props.topic_alias = static_cast<uint16_t>(1 + (flags & 3));
    }
    if (on_) {
      const uint8_t more = in_.byte();
      if (h.c->version() == mqtt::version::v5)
        p.props.forwarded = carried[more % std::size(carried)];
      if (more & 64 && h.c->version() == mqtt::version::v5 && p.props.topic_alias) p.topic = {};
    }
    encode_and_send(h, p);
  }
  void subscribe(hostile& h, uint8_t qos) {
    const uint8_t flags = in_.byte();
    mqtt::subscribe s;
    s.packet_id = 9;
    mqtt::subscribe_entry e{fuzz::filter(flags & 15), {.qos = std::min<uint8_t>(qos, 2)}};
    if (h.c->version() == mqtt::version::v5) {
      e.options.no_local = (flags & 16) != 0 && !e.filter.starts_with("$share");
      e.options.retain_as_published = (flags & 32) != 0;
      e.options.retain_handling = flags & 64 ? 1 : 0;
      if (flags & 128) s.props.subscription_identifier = 1 + (flags & 15);
    }
    s.entries = {e};
    encode_and_send(h, s);
  }
  void unsubscribe(hostile& h, uint8_t what) {
    if (what == 2) return encode_and_send(h, mqtt::pingreq{});
    const uint8_t how = in_.byte();
    if (what == 0 || h.c->version() != mqtt::version::v5)
      return encode_and_send(h, mqtt::unsubscribe{7, {fuzz::filter(how)}, {}});
    mqtt::auth a;
    a.code = how & 1 ? reason::reauthenticate : reason::continue_authentication;
    a.props.authentication_method = how & 4 ? "OTHER" : access::scram_method;
    std::string data = ann_first;
    if (!(how & 1)) data = h.challenge.empty() ? "v" : ann.final(h.challenge);
    if (how & 2) data += "x";
    a.props.authentication_data = data;
    encode_and_send(h, a);
  }
  void ack(hostile& h, uint8_t kind) {
    mqtt::ack a;
    a.type = static_cast<packet_type>(static_cast<uint8_t>(packet_type::puback) + kind);
    const uint8_t id = in_.byte();
    a.packet_id = static_cast<uint16_t>(1 + (id & 31));
    if ((id & 32) && h.c->version() == mqtt::version::v5 &&
        (a.type == packet_type::puback || a.type == packet_type::pubrec))
      a.code = reason::quota_exceeded;
    encode_and_send(h, a);
  }
  void disconnect(hostile& h, uint8_t variant) {
    mqtt::disconnect d;
    if (h.c->version() == mqtt::version::v5) {
      if (variant & 1) d.code = reason::disconnect_with_will;
      if (variant & 2) d.props.session_expiry_interval = 1;
    }
    encode_and_send(h, d);
  }

  // -- what the operator and the machine do --

  void operate(hostile& h, uint8_t what) {
    const bool first_two = &h < &clients_[2];
    if (what == 1) return ban_or_not(h.c->id());
    if (what == 2) return void(memory_ = memory_ == 300 ? 100 : memory_ + 100);
    if (first_two) return disconnect_by_name(h.c->id());
    drain(!world_.dir().draining);
  }
  void ban_or_not(const std::string& client_id) {
    guard::ban b;
    b.kind = guard::ban_kind::client_id;
    b.value = client_id;
    auto& bans = world_.dir().guard.ban_list;
    const auto done = [](absl::Status s) { require(s.ok(), "a ban is not taken"); };
    if (world_.dir().guard.banned({.client_id = client_id}))
      bans.remove(b.kind, b.value, done);
    else
      bans.add(b, done);
  }
  void disconnect_by_name(const std::string& client_id) {
    auto& d = world_.dir();
    caf::anon_send(d.registries[d.registry_of(client_id)],
                   disconnect_client{client_id, reason::administrative_action, "asked to"});
  }
  void drain(bool on) {
    world_.dir().draining = on;
    if (!on) return;
    drained_ = true;
    for (const auto& r : world_.dir().registries) caf::anon_send(r, shut_down{});
  }
  // The client that behaves is only promised to be served when all is well.
  void calm_down() {
    if (memory_ == 100 && !drained_) return;
    memory_ = 100;
    drain(false);
    world_.advance(2000, 50);
  }

  // -- what is demanded --

  void judge(hostile& h) {
    for (const auto& r : h.c->take_packets()) {
      require(!h.version_known || r.text != "malformed", "a malformed packet from the node");
      if (r.type != packet_type::auth) continue;
      const size_t data = r.properties.find("data=r=");
      h.challenge = data == std::string::npos ? "" : r.properties.substr(data + 5);
    }
  }
  void judge() {
    for (auto& h : clients_) {
      judge(h);
      if (h.c->open())
        require(h.c->connection().unsent() < output_bytes_max, "output without a bound");
    }
    auto queued = world_.total([](const metrics::counters& c) -> auto& { return c.queued; });
    require(static_cast<int64_t>(queued) >= 0, "fewer than no messages queued");
    if (rule_)  // what its publishers wait for; batches_outstanding_max bounds that
      for (const auto& [promise, count] : rule_->held) queued -= std::min<uint64_t>(queued, count);
    const auto sessions =
        world_.total([](const metrics::counters& c) -> auto& { return c.sessions; });
    require(queued <= sessions * (limits_.queue_messages_max + limits_.inflight_max +
                                  4 * limits_.mailbox_messages_max),
            "queues without a bound: " + std::to_string(queued) + " copies for " +
                std::to_string(sessions) + " sessions");
  }
  void connect_good() {
    world_.connect(*good_, {.clean = false, .expiry_s = 500});
    good_->subscribe("good/own", 1);
    world_.run();
    const std::string got = good_->take();
    require(got.starts_with("connack 00") && got.find("suback 01") != std::string::npos, got);
  }
  // It is answered at once, or when the grace of those that do not read is over.
  void check_good() {
    calm_down();
    if (!good_->open()) {  // someone else came with its client ID, or the node has drained
      const std::string got = good_->take();
      require(got.find("disconnect 8E") != std::string::npos ||
                  (drained_ && got.find("disconnect 8B") != std::string::npos),
              "closed for no reason: " + got);
      connect_good();
    }
    drained_ = false;
    const std::string payload = "n" + std::to_string(++number_);
    good_->publish("good/own", payload, 1);
    good_->ping();
    world_.run();
    bool acked = false, back = false, pong = false;
    for (int round = 0; round < 10 && !(acked && back && pong); ++round) {
      for (const auto& r : good_->take_packets()) {
        acked |= r.type == packet_type::puback && r.code < reason::unspecified_error;
        back |= r.type == packet_type::publish && r.payload == payload;
        pong |= r.type == packet_type::pingresp;
      }
      if (!(acked && back && pong)) world_.advance(100);
    }
    require(acked, "no acknowledgement for a client that behaves");
    require(back, "no message for a client that behaves");
    require(pong, "no PINGRESP for a client that behaves");
  }

  fuzz::program in_;
  const features on_;
  const options limits_;
  world world_;
  fake_rule* rule_ = nullptr;
  hostile clients_[4];
  client* good_ = nullptr;
  int number_ = 0;
  uint64_t memory_ = 100;  // bytes, as the node's guard reads them
  bool drained_ = false;   // since the client that behaves was served
};

}  // namespace
}  // namespace dunlin::sim

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dunlin::sim::run({reinterpret_cast<const char*>(data), size}).all();
  return 0;
}
