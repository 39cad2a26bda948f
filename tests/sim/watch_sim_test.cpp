// What operators see of sessions: the trace of a client, the ranking of those that are behind,
// facts.
#include <caf/all.hpp>

#include <string>

#include "broker/operate/lag.hpp"
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::packet_type;

class WatchSim : public SimTest {
 protected:
  operate::trace_ptr trace(world& w, std::string id, uint64_t ms = 60'000, uint32_t payload = 0) {
    auto t = w.dir().traces.start(
        {.client_id = std::move(id), .milliseconds = ms, .payload_bytes = payload}, {}, w.now_ms());
    EXPECT_TRUE(t.ok());
    const auto& to = w.dir().registries[w.dir().registry_of((*t)->request().client_id)];
    caf::anon_send(to, begin_trace{*t});
    w.run();
    return *t;
  }
  // Everything since the last call: "in PUBLISH t; out PUBACK; dropped no_subscriber".
  std::string told(world& w, const operate::trace_ptr& t) {
    std::string out;
    const auto page = t->read(read_, 1000, w.now_ms());
    read_ = page.next;
    for (const auto& e : page.events) {
      out += (out.empty() ? "" : "; ") + e.what;
      for (const auto& part : {e.packet, e.topic}) out += part.empty() ? "" : " " + part;
      if (e.qos >= 0) out += " q" + std::to_string(e.qos);
      if (!e.reason.empty() && e.reason != "success") out += " " + e.reason;
      if (!e.payload.empty()) out += " =" + e.payload;
    }
    return out;
  }
  std::vector<operate::slow_subscriber> worst(world& w, operate::rank by = operate::rank::bytes) {
    return operate::lag_board::of_this_thread()->worst(by, 10, w.now_ms());
  }
  uint64_t read_ = 0;
};

TEST_F(WatchSim, ATraceBeginsWhenItsClientConnectsAndShowsEveryPacketInOrder) {
  world& w = start();
  const auto t = trace(w, "c");
  EXPECT_EQ(told(w, t), "");
  client& c = w.make_client("c");
  w.connect(c);
  EXPECT_EQ(told(w, t), "connected new session; out CONNACK");
  c.subscribe("a/#", 1);
  w.run();
  EXPECT_EQ(told(w, t), "in SUBSCRIBE a/#; out SUBACK qos 1");
  c.publish("a/b", "hello", 1);
  w.run();
  EXPECT_EQ(told(w, t), "in PUBLISH a/b q1; out PUBLISH a/b q1; out PUBACK; in PUBACK");
  c.publish("nobody", "", 1);
  w.run();
  EXPECT_EQ(told(w, t),
            "in PUBLISH nobody q1; dropped nobody q1 no_subscriber; out PUBACK "
            "no_matching_subscribers");
  c.ping();
  w.run();
  EXPECT_EQ(told(w, t), "in PINGREQ; out PINGRESP");
  c.disconnect();
  w.run();
  EXPECT_EQ(told(w, t), "in DISCONNECT; disconnected; session_ended expired");
}

TEST_F(WatchSim, ATraceOfASessionThatIsThereShowsWhatWaitsAndTakeover) {
  world& w = start();
  client& s = ready("s", persistent());
  s.subscribe("t", 1);
  w.run();
  s.lose();
  w.run();
  const auto t = trace(w, "s", 60'000, 3);
  EXPECT_EQ(told(w, t), "traced_offline");
  client& p = ready("p");
  p.publish("t", "hello", 1);
  p.publish("t", "x", 0);
  w.run();
  EXPECT_EQ(told(w, t), "dropped not_connected; queued");
  w.connect(s, persistent());
  EXPECT_EQ(told(w, t),
            "connected session present; out CONNACK; out PUBLISH t q1 =hel; unqueued; in PUBACK");
  client& again = w.make_client("s");
  w.connect(again, persistent());
  EXPECT_EQ(told(w, t),
            "out DISCONNECT session_taken_over; taken_over session_taken_over; connected session "
            "present; out CONNACK");
}

TEST_F(WatchSim, ATraceIsOverByItselfAndCostsNothingMore) {
  world& w = start();
  client& c = ready("c");
  const auto t = trace(w, "c", 1000);
  EXPECT_EQ(told(w, t), "traced");
  w.advance(1500);
  c.ping();
  w.run();
  const auto page = t->read(read_, 10, w.now_ms());
  EXPECT_TRUE(page.over);
  EXPECT_TRUE(page.events.empty());
  EXPECT_EQ(t.use_count(), 2) << "the table's and ours: the session has let go of it";
}

TEST_F(WatchSim, ARefusedConnectIsToldWithWhy) {
  world& w = start();
  settings s = w.dir().now();
  s.anonymous = false;
  w.dir().put(std::move(s));
  const auto t = trace(w, "c");
  w.connect(w.make_client("c"));
  EXPECT_EQ(told(w, t), "connect_refused not_authorized");
}

TEST_F(WatchSim, SubscribersThatAreBehindAreRanked) {
  world& w = start({.output_high_bytes = 4096, .output_low_bytes = 1024});
  client& stuck = ready("stuck");
  client& less = ready("less");
  client& fine = ready("fine");
  for (client* c : {&stuck, &less, &fine}) c->subscribe(c->id(), 1);
  w.run();
  EXPECT_TRUE(worst(w).empty()) << "nobody is behind";
  client& p = ready("p");
  stuck.connection().block();
  less.connection().block();
  for (int i = 0; i < 50; ++i) {
    p.publish("stuck", std::string(200, 'x'), 1);
    p.publish("fine", std::string(200, 'x'), 1);
    if (i < 20) p.publish("less", std::string(200, 'x'), 1);
  }
  w.run();
  auto r = worst(w);
  ASSERT_EQ(r.size(), 2u);
  EXPECT_EQ(r[0].client_id + " " + r[1].client_id, "stuck less");
  EXPECT_GT(r[0].unsent_bytes + r[0].queued_bytes, 9'000u);
  w.advance(500);
  r = worst(w, operate::rank::behind);
  ASSERT_EQ(r.size(), 2u);
  EXPECT_GE(r[0].behind_ms, 500u);
  EXPECT_TRUE(r[0].slow) << "for longer than slow_grace_ms";
  EXPECT_GE(r[0].latency_ms, 500u);
  stuck.connection().unblock();
  less.connection().unblock();
  w.run();
  EXPECT_TRUE(worst(w).empty()) << "they have caught up";
  for (client* c : {&stuck, &less, &fine}) c->lose();
  w.run();
  EXPECT_EQ(operate::lag_board::of_this_thread()->size(), 0u);
}

TEST_F(WatchSim, AnOperatorDisconnectsAClient) {
  world& w = start();
  client& c = ready("c", persistent());
  caf::anon_send(w.dir().registries[0],
                 disconnect_client{"c", mqtt::reason::administrative_action, "by an operator"});
  w.run();
  EXPECT_EQ(c.take().substr(0, 13), "disconnect 98");
  EXPECT_FALSE(c.open());
}

}  // namespace
}  // namespace dunlin::sim
