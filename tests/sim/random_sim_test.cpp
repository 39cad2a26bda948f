// Random clients on three reactors, of which more or fewer are used all the time: whatever they do
// and however the work interleaves, no acknowledged message is lost, QoS 2 comes once, order holds,
// and every copy is counted.
#include <map>
#include <set>
#include <string>

#include "tests/fakes/random.hpp"
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::packet_type;
using mqtt::reason;

constexpr int publishers = 3;
constexpr int topics = 4;
constexpr size_t reactors = 3;

std::string topic_of(size_t n) { return "root" + std::to_string(n) + "/x"; }

// Sends QoS 1 and 2 as a client must: again after a reconnect, until they are acknowledged.
struct publisher {
  struct in_flight {
    std::string topic, payload;
    uint8_t qos;
    bool released = false;
  };
  client* c = nullptr;
  int index = 0;
  uint16_t last_id = 0;
  std::map<uint16_t, in_flight> flying;  // identifiers do not wrap in one run: the order is theirs
  std::set<std::string> acknowledged;
  int next = 0;
  bool ready = false;  // its CONNACK has come

  void send(uint16_t id, const in_flight& f, bool dup) {
    if (f.released) return c->ack(packet_type::pubrel, id);
    mqtt::publish p;
    p.topic = f.topic;
    p.payload = f.payload;
    p.qos = f.qos;
    p.packet_id = id;
    p.dup = dup;
    c->send_publish(p);
  }
  void publish(const std::string& topic, uint8_t qos, bool retain) {
    char number[16];
    std::snprintf(number, sizeof number, "%06d", next++);
    const std::string payload =
        "p" + std::to_string(index) + "." + topic + "." + std::to_string(qos) + "." + number;
    if (qos == 0) {
      c->publish(topic, payload, 0, retain);
      return;
    }
    auto& f = flying[++last_id] = {topic, payload, qos};
    send(last_id, f, false);
  }
  void read() {
    for (const auto& r : c->take_packets()) {
      if (r.type == packet_type::connack) {
        ready = true;
        for (const auto& [id, f] : flying) send(id, f, true);
      }
      auto it = flying.find(r.id);
      if (it == flying.end()) continue;
      if (r.type == packet_type::puback || r.type == packet_type::pubrec)
        acknowledged.insert(it->second.payload);
      if (r.type == packet_type::pubrec) {
        it->second.released = true;
        if (c->open()) c->ack(packet_type::pubrel, r.id);
      }
      if (r.type == packet_type::puback || r.type == packet_type::pubcomp) flying.erase(it);
    }
  }
};

// Receives; a persistent session that is subscribed throughout.
struct subscriber {
  client* c = nullptr;
  uint8_t qos = 2;
  bool wildcard = false;
  std::multiset<std::string> got;           // what an application would be given
  std::map<std::string, std::string> last;  // by publisher, topic and QoS: the last first delivery
  std::set<uint16_t> qos2_ids;              // received, not released
  std::vector<received> to_ack;
  std::string fault;
  bool ready = true;

  void read(fakes::seeded_random& random) {
    for (auto& r : c->take_packets()) {
      if (r.type == packet_type::connack) {
        ready = true;
        to_ack.clear();
      }
      if (r.type == packet_type::publish) {
        const bool again = r.qos == 2 && !qos2_ids.insert(r.id).second;
        if (!again && r.payload.starts_with("p")) deliver(r);
      }
      if (r.type == packet_type::publish && r.qos == 0) continue;
      if (r.type == packet_type::publish || r.type == packet_type::pubrel)
        to_ack.push_back(std::move(r));
    }
    while (!to_ack.empty() && !random.one_in(3)) ack_one(random.below(to_ack.size()));
  }
  void ack_one(size_t at) {
    const received r = to_ack[at];
    to_ack.erase(to_ack.begin() + static_cast<long>(at));
    if (!c->open() || !ready) return;
    if (r.type == packet_type::pubrel) {
      qos2_ids.erase(r.id);
      c->ack(packet_type::pubcomp, r.id);
    } else {
      c->ack(r.qos == 1 ? packet_type::puback : packet_type::pubrec, r.id);
    }
  }
  void deliver(const received& r) {
    const bool is_new = !got.contains(r.payload);
    got.insert(r.payload);
    const std::string stream = r.payload.substr(0, r.payload.rfind('.'));
    auto& before = last[stream];
    if (is_new && !r.retain && r.payload < before) fault = r.payload + " came behind " + before;
    if (is_new && !r.retain) before = r.payload;
  }
};

class RandomSim : public SimTest {
 protected:
  void SetUp() override {
    options limits;
    limits.output_high_bytes = 3000;
    limits.output_low_bytes = 800;
    limits.mailbox_messages_max = 60;
    limits.receivers_at_once_max = 1;
    world& w = start(limits, reactors);
    for (int i = 0; i < publishers; ++i) {
      auto& p = publishers_.emplace_back();
      p.c = &w.make_client("pub" + std::to_string(i), i == 1 ? v311 : v5);
      p.c->auto_ack = false;
      p.index = i;
      w.connect(*p.c, persistent());
      p.read();
    }
    for (int i = 0; i < 3; ++i) {
      auto& s = subscribers_.emplace_back();
      s.c = &w.make_client("sub" + std::to_string(i), i == 1 ? v311 : v5);
      s.c->auto_ack = false;
      s.qos = i == 0 ? 1 : 2;
      s.wildcard = i != 1;
      w.connect(*s.c, persistent(), static_cast<size_t>(i & 1));
      if (s.wildcard)
        s.c->subscribe("+/x", s.qos);
      else
        for (size_t t = 0; t < topics; ++t) s.c->subscribe(topic_of(t), s.qos);
      w.run();
      s.c->take_packets();
    }
    noise_ = &w.make_client("noise");
  }

  void reconnect(client& c) {
    for (auto& p : publishers_)
      if (p.c == &c) p.read(), p.ready = false;
    for (auto& s : subscribers_)
      if (s.c == &c) s.read(random_), s.ready = false;
    // The old connection may still be open: a takeover.
    world_->begin_connect(c, persistent(), random_.below(reactors));
  }
  void disturb(client& c) {
    if (!c.open()) return reconnect(c);
    switch (random_.below(6)) {
      case 0:
        c.lose();
        break;
      case 1:
        c.disconnect();
        break;
      case 2:
        reconnect(c);
        break;
      case 3:
        c.connection().block();
        break;
      default:
        c.connection().unblock();
    }
  }
  // Comes with a clean session, subscribes, shares, leaves: none of the others may notice.
  void make_noise() {
    client& n = *noise_;
    if (!n.open()) {
      world_->begin_connect(n, {.clean = random_.one_in(2), .expiry_s = 5},
                            random_.below(reactors));
      return;
    }
    switch (random_.below(8)) {
      case 0:
        n.lose();
        break;
      case 1:
        n.subscribe(random_.one_in(2) ? "#" : "$share/g/+/x",
                    static_cast<uint8_t>(random_.below(3)));
        break;
      case 2:
        n.unsubscribe(random_.one_in(2) ? "#" : "$share/g/+/x");
        break;
      case 3:
        n.connection().block();
        break;
      case 4:
        n.connection().unblock();
        break;
      case 5:
        n.send_bytes(std::string_view("\xD0", 1));  // half a packet: PINGREQ later, or an error
        break;
      default:
        n.publish(topic_of(random_.below(topics)), "noise", static_cast<uint8_t>(random_.below(3)),
                  random_.one_in(3));
    }
  }
  void step() {
    world& w = *world_;
    switch (random_.below(13)) {
      case 12:
        if (random_.one_in(4)) w.use_reactors(1 + random_.below(reactors));
        break;
      case 0:
        if (random_.one_in(6)) disturb(*subscribers_[random_.below(subscribers_.size())].c);
        break;
      case 1:
        if (random_.one_in(6)) disturb(*publishers_[random_.below(publishers)].c);
        break;
      case 2:
        make_noise();
        break;
      case 3:
        if (random_.one_in(4)) w.advance(random_.below(300));
        break;
      case 4:
      case 5:
      case 6:
      case 7: {
        auto& p = publishers_[random_.below(publishers)];
        if (p.c->open() && p.ready && p.flying.size() < 200)
          p.publish(topic_of(random_.below(topics)), static_cast<uint8_t>(random_.below(3)),
                    random_.one_in(10));
        break;
      }
      default:
        w.turn(random_.below(reactors));
    }
    for (auto& p : publishers_) p.c->poll(), p.read();
    for (auto& s : subscribers_) s.c->poll(), s.read(random_);
  }
  // Everybody is there, nothing is blocked, everything is acknowledged.
  void settle() {
    world& w = *world_;
    auto back = [&](client& c) {
      c.connection().unblock();
      w.run();
      if (!c.open()) reconnect(c);
      w.run();
    };
    for (int round = 0; round < 400; ++round) {
      bool done = true;
      for (auto& p : publishers_) {
        back(*p.c);
        p.read();
        if (!p.flying.empty()) done = false;
      }
      for (auto& s : subscribers_) {
        back(*s.c);
        s.read(random_);
        while (!s.to_ack.empty()) s.ack_one(0), done = false;
      }
      w.run();
      w.advance(100);
      if (done) return;
    }
    FAIL() << "does not come to rest";
  }

  fakes::seeded_random random_;
  std::vector<publisher> publishers_;
  std::vector<subscriber> subscribers_;
  client* noise_ = nullptr;
};

TEST_F(RandomSim, LosesNothingAcknowledgedKeepsOrderAndCountsEveryCopy) {
  SCOPED_TRACE(random_.name());
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 2000; ++i) step();
    settle();
    if (HasFatalFailure()) return;
    ASSERT_EQ(world_->check_identity(), "") << "round " << round;
  }
  size_t acknowledged = 0;
  for (auto& p : publishers_) {
    acknowledged += p.acknowledged.size();
    for (const auto& payload : p.acknowledged)
      for (auto& s : subscribers_) {
        const bool exactly_once = s.qos == 2 && payload.find(".2.") != std::string::npos;
        const auto n = s.got.count(payload);
        ASSERT_GE(n, 1u) << payload << " is lost for " << s.c->id();
        ASSERT_LE(n, exactly_once ? 1u : n) << payload << " twice for " << s.c->id();
      }
  }
  EXPECT_GT(acknowledged, 500u);
  EXPECT_GT(world_->total([](const metrics::counters& c) -> auto& { return c.moved; }), 200u);
  for (auto& s : subscribers_) EXPECT_EQ(s.fault, "") << s.c->id();
}

}  // namespace
}  // namespace dunlin::sim
