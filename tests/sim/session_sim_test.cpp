// The life of a session: connect, takeover, disconnect, will, expiry, keep-alive, moving between
// reactors.
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::reason;

class SessionSim : public SimTest {};

mqtt::will_message will_of(std::string_view topic, uint32_t delay_s = 0) {
  mqtt::will_message w;
  w.topic = topic;
  w.payload = "gone";
  w.delay_interval_s = delay_s;
  return w;
}

// "count" is of sessions known to the registries.
uint64_t sessions(const world& w) {
  return w.total([](const metrics::counters& c) -> auto& { return c.sessions; });
}
uint64_t connections(const world& w) {
  return w.total([](const metrics::counters& c) -> auto& { return c.connections; });
}

TEST_F(SessionSim, ConnectsEveryVersion) {
  world& w = start();
  for (auto v : {v31, v311, v5}) {
    client& c = w.make_client("c" + std::to_string(static_cast<int>(v)), v);
    w.connect(c);
    EXPECT_EQ(c.take(), "connack 00");
  }
  EXPECT_EQ(connections(w), 3u);
}

TEST_F(SessionSim, SessionPresentTellsWhetherItWasKept) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent());
  EXPECT_EQ(c.take(), "connack 00");
  c.disconnect();
  w.run();
  EXPECT_EQ(c.take(), "closed");
  w.connect(c, persistent());
  EXPECT_EQ(c.take(), "connack 00 present");
  c.disconnect();
  w.connect(c, {.clean = true, .expiry_s = 100});
  EXPECT_EQ(c.take(), "connack 00");
}

TEST_F(SessionSim, ACleanSessionEndsWithItsConnection) {
  world& w = start();
  client& c = w.make_client("c", v311);
  w.connect(c);
  c.subscribe("t", 1);
  w.run();
  EXPECT_EQ(c.take(), "connack 00; suback 01");
  EXPECT_EQ(sessions(w), 1u);
  c.disconnect();
  w.run();
  EXPECT_EQ(sessions(w), 0u);
  EXPECT_EQ(w.total([](const metrics::counters& n) -> auto& { return n.subscriptions; }), 0u);
}

TEST_F(SessionSim, TakeoverClosesTheOldConnectionWithItsWill) {
  world& w = start();
  client& watcher = w.make_client("watcher");
  w.connect(watcher);
  watcher.subscribe("will");
  client& old5 = w.make_client("same");
  w.connect(old5, {.will = will_of("will")});
  client& next = w.make_client("same");
  w.connect(next);
  EXPECT_EQ(old5.take(), "connack 00; disconnect 8E; closed");
  EXPECT_EQ(next.take(), "connack 00");
  EXPECT_EQ(watcher.payloads(), "gone");
  client& old3 = w.make_client("same", v311);
  w.connect(old3);
  EXPECT_EQ(old3.take(), "connack 00");
  w.connect(next);
  EXPECT_EQ(old3.take(), "closed");
  EXPECT_EQ(connections(w), 2u);
}

TEST_F(SessionSim, TakeoverOfAPersistentSessionKeepsIt) {
  world& w = start({}, 2);
  client& one = w.make_client("same");
  w.connect(one, persistent(), 0);
  one.subscribe("t", 1);
  w.run();
  client& two = w.make_client("same");
  w.connect(two, persistent(), 1);
  EXPECT_EQ(two.take(), "connack 00 present");
  client& p = w.make_client("p");
  w.connect(p);
  p.publish("t", "x", 1);
  w.run();
  EXPECT_EQ(two.payloads(), "x");
  EXPECT_EQ(sessions(w), 2u);
}

TEST_F(SessionSim, ThreeConnectsAtOnceLeaveOneConnection) {
  world& w = start({}, 2);
  client& a = w.make_client("same");
  client& b = w.make_client("same");
  client& c = w.make_client("same");
  w.connect(a, persistent(), 0);
  // Both reach the session before it has moved.
  w.begin_connect(b, persistent(), 1);
  w.turn(1);
  w.turn(1);
  w.begin_connect(c, persistent(), 1);
  w.turn(1);
  w.run();
  EXPECT_EQ((a.open() ? 1 : 0) + (b.open() ? 1 : 0) + (c.open() ? 1 : 0), 1);
  EXPECT_EQ(connections(w), 1u);
  client& winner = a.open() ? a : b.open() ? b : c;
  winner.take();
  winner.ping();
  w.run();
  EXPECT_EQ(winner.take(), "pingresp");
}

TEST_F(SessionSim, ManyTakeoversOverTwoReactorsLeaveOneConnectionAndOneSession) {
  for (size_t spin = 0; spin < 40; ++spin) {
    world& w = start({}, 2);
    std::vector<client*> all;
    for (size_t i = 0; i < 6; ++i) {
      all.push_back(&w.make_client("same"));
      w.begin_connect(*all.back(), persistent(), (spin >> i) & 1);
      for (size_t t = 0; t < (spin + i) % 4; ++t) w.turn((spin + t) & 1);
    }
    w.run();
    int open = 0;
    for (client* c : all) open += c->open();
    EXPECT_EQ(open, 1) << "spin " << spin;
    EXPECT_EQ(connections(w), 1u);
    EXPECT_EQ(sessions(w), 1u);
    for (client* c : all)
      if (c->open()) {
        c->take();
        c->ping();
        w.run();
        EXPECT_EQ(c->take(), "pingresp");
      }
  }
}

TEST_F(SessionSim, ACleanDisconnectDropsTheWillALostConnectionSendsIt) {
  world& w = start();
  client& watcher = w.make_client("watcher");
  w.connect(watcher);
  watcher.subscribe("will");
  client& c = w.make_client("c", v311);
  w.connect(c, {.will = will_of("will")});
  c.disconnect();
  w.run();
  EXPECT_EQ(watcher.payloads(), "");
  w.connect(c, {.will = will_of("will")});
  c.lose();
  w.run();
  EXPECT_EQ(watcher.payloads(), "gone");
  client& five = w.make_client("five");
  w.connect(five, {.will = will_of("will")});
  five.disconnect(reason::disconnect_with_will);
  w.run();
  EXPECT_EQ(watcher.payloads(), "gone");
}

TEST_F(SessionSim, AWillWithDelayWaitsAndIsDroppedByAReconnect) {
  world& w = start();
  client& watcher = w.make_client("watcher");
  w.connect(watcher);
  watcher.subscribe("will");
  client& c = w.make_client("c");
  auto o = persistent();
  o.will = will_of("will", 10);
  w.connect(c, o);
  c.lose();
  w.run();
  w.advance(9'000);
  EXPECT_EQ(watcher.payloads(), "");
  w.connect(c, persistent());
  w.advance(20'000);
  EXPECT_EQ(watcher.payloads(), "") << "the client was back in time [MQTT-3.1.3-9]";
  c.disconnect();
  // At every place within a tick of the timers.
  for (uint64_t shift = 0; shift < 64; shift += 7) {
    w.connect(c, o);
    w.advance(shift);
    c.lose();
    w.run();
    w.advance(9'900);
    EXPECT_EQ(watcher.payloads(), "");
    w.advance(300);
    EXPECT_EQ(watcher.payloads(), "gone") << shift;
  }
}

TEST_F(SessionSim, TheWillOfASessionThatACleanStartEndsIsNotForTheNewOne) {
  world& w = start({}, 2);
  client& watcher = w.make_client("watcher");
  w.connect(watcher);
  watcher.subscribe("will");
  client& c = w.make_client("c");
  auto o = persistent();
  o.will = will_of("will", 10);
  w.connect(c, o);
  c.subscribe("#", 1);
  w.run();
  c.lose();
  w.run();
  c.take();
  w.connect(c, {.clean = true});
  EXPECT_EQ(watcher.payloads(), "gone") << "the old session has ended";
  EXPECT_EQ(c.take(), "connack 00") << "the old subscription has ended with it [MQTT-3.1.2-4]";
}
// The session is gone before the shard on the other reactor has its will: the address sanitizer
// sees whether it is still looked at.
TEST_F(SessionSim, AWillThatOutlivesItsSession) {
  world& w = start({}, 2);
  fake_rule& rule = w.bind_rule_to("taken");
  for (const char* topic : {"nobody/a", "nobody/b", "taken/a", "taken/b", "home/p2p/nobody"}) {
    client& c = w.make_client("c");
    w.connect(c, {.will = will_of(topic)});
    c.lose();
    w.run();
  }
  EXPECT_EQ(rule.records, (std::vector<std::string>{"taken/a=gone", "taken/b=gone"}));
}
TEST_F(SessionSim, AWillGoesOutWhenTheSessionEndsBeforeItsDelay) {
  world& w = start();
  client& watcher = w.make_client("watcher");
  w.connect(watcher);
  watcher.subscribe("will");
  client& c = w.make_client("c");
  auto o = persistent(5);
  o.will = will_of("will", 60);
  w.connect(c, o);
  c.lose();
  w.advance(6'000);
  EXPECT_EQ(watcher.payloads(), "gone");
  EXPECT_EQ(sessions(w), 1u);
  w.connect(c, o);
  c.lose();
  w.run();
  w.connect(c, {.clean = true});
  EXPECT_EQ(watcher.payloads(), "gone") << "clean start ends the old session";
}

TEST_F(SessionSim, ASessionExpires) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent(100));
  c.disconnect();
  w.run();
  w.advance(99'000);
  EXPECT_EQ(sessions(w), 1u);
  w.advance(1'200);
  EXPECT_EQ(sessions(w), 0u);
  c.take();
  w.connect(c, persistent(100));
  EXPECT_EQ(c.take(), "connack 00");
  c.disconnect(reason::success, 10);
  w.run();
  w.advance(11'000);
  EXPECT_EQ(sessions(w), 0u);
}

TEST_F(SessionSim, RaisingTheExpiryFromNothingIsAProtocolError) {
  world& w = start();
  client& c = ready("c");
  c.disconnect(reason::success, 10);
  w.run();
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(SessionSim, KeepAliveClosesASilentClient) {
  world& w = start();
  client& c = ready("c", {.keep_alive_s = 10});
  w.advance(14'000);
  c.ping();
  w.run();
  EXPECT_EQ(c.take(), "pingresp");
  w.advance(14'900);
  EXPECT_EQ(c.take(), "");
  w.advance(300);
  EXPECT_EQ(c.take(), "disconnect 8D; closed");
}

TEST_F(SessionSim, WithoutConnectAConnectionIsClosed) {
  world& w = start();
  client& c = w.make_client("c");
  w.open(c);
  w.run();
  w.advance(10'200);
  EXPECT_FALSE(c.open());
  EXPECT_EQ(connections(w), 0u);
}

TEST_F(SessionSim, AConnectInPiecesIsAConnect) {
  world& w = start();
  client& c = w.make_client("c");
  w.open(c);
  mqtt::connect p;
  p.ver = v5;
  p.client_id = "c";
  std::string bytes;
  mqtt::encode(p, bytes);
  mqtt::encode(mqtt::pingreq{}, v5, bytes);
  for (char b : bytes) {
    c.send_bytes({&b, 1});
    w.run();
  }
  EXPECT_EQ(c.take(), "connack 00; pingresp");
}

TEST_F(SessionSim, WhatFollowsTheConnectIsHandledAfterIt) {
  world& w = start({}, 2);
  client& c = w.make_client("c");
  w.begin_connect(c, {}, 1);
  c.subscribe("t", 1);
  c.publish("t", "x", 1);
  w.run();
  EXPECT_EQ(c.take(), "connack 00; suback 01; t=x q1; puback 1");
}

TEST_F(SessionSim, ASecondConnectIsAProtocolError) {
  world& w = start();
  client& c = ready("c");
  c.connect(w.reactor(0));
  w.run();
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(SessionSim, MalformedBytesAreToldAndEndTheConnection) {
  world& w = start();
  client& c = ready("c");
  c.send_bytes(
      std::string_view("\x30\x03\x00\x05"
                       "a",
                       5));
  w.run();
  EXPECT_EQ(c.take(), "disconnect 81; closed");
}

TEST_F(SessionSim, StatusRulesSeeConnectAndDisconnect) {
  world& w = start();
  auto& events = w.watch_group("GID_a");
  client& c = w.make_client("GID_a@@@1", v311);
  client& other = w.make_client("GID_b@@@1", v311);
  w.connect(other);
  w.connect(c);
  c.disconnect();
  w.run();
  w.connect(c);
  c.lose();
  w.run();
  std::string kinds;
  for (const auto& e : events) {
    kinds += std::to_string(static_cast<int>(e.kind));
    EXPECT_EQ(e.client_id, "GID_a@@@1");
  }
  EXPECT_EQ(kinds, "01202") << "connect disconnect tcpclean; connect tcpclean";
  EXPECT_NE(events[0].channel_id, events[3].channel_id);
}

TEST_F(SessionSim, ShutDownTellsClientsAndKeepsTheirWills) {
  world& w = start();
  client& watcher = w.make_client("watcher", v311);
  w.connect(watcher, persistent());
  client& c = ready("c", {.will = will_of("will")});
  for (const auto& r : w.dir().registries) caf::anon_send(r, shut_down{});
  w.run();
  EXPECT_EQ(c.take(), "disconnect 8B; closed");
  EXPECT_EQ(connections(w), 0u);
}

TEST_F(SessionSim, OverOfflineSessionsMaxASessionIsNotKept) {
  options limits;
  limits.offline_sessions_max = 1;
  world& w = start(limits);
  client& a = w.make_client("a");
  client& b = w.make_client("b");
  w.connect(a, persistent());
  w.connect(b, persistent());
  a.disconnect();
  w.run();
  b.disconnect();
  w.run();
  EXPECT_EQ(sessions(w), 1u);
  w.connect(a, persistent());
  a.disconnect();
  w.run();
  w.connect(a, persistent());
  EXPECT_EQ(a.take(), "connack 00; connack 00 present; connack 00 present");
}

}  // namespace
}  // namespace dunlin::sim
