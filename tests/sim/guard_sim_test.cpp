// Bans, flapping, rates and overload on a whole node.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {

using guard::ban_kind;

namespace {

void ban(world& w, ban_kind kind, std::string value, int64_t until_ms = 0) {
  guard::ban b;
  b.kind = kind;
  b.value = std::move(value);
  b.until_ms = until_ms;
  w.dir().guard.ban_list.add(b, [](absl::Status s) { EXPECT_TRUE(s.ok()) << s.message(); });
  w.run();
}

void set_policy(world& w, guard::policy p) {
  settings s = w.dir().now();
  s.guard = std::move(p);
  w.dir().put(std::move(s));
}

guard::policy of_listener(guard::listener_limits l) {
  guard::policy p;
  p.listeners = {{"tcp", l}};
  return p;
}

void connect_as(world& w, client& c, std::string_view user) {
  w.open(c);
  mqtt::connect p;
  p.ver = c.version();
  p.client_id = c.id();
  p.clean_start = true;
  p.user_name = user;
  c.send(p);
  w.run();
}

uint64_t refused(world& w, mqtt::reason r) {
  uint64_t n = 0;
  for (size_t i = 0; i < w.reactors(); ++i) n += w.reactor(i).count().connects_refused[r].value();
  return n;
}

uint64_t rate_holds(world& w) {
  return w.total([](const metrics::counters& c) -> auto& { return c.rate_holds; });
}

}  // namespace

// 3.x has return codes; the client shows 5 as 87 and 3 as 88.
class GuardSim : public SimTest {};

TEST_F(GuardSim, ABannedClientIsRefusedWithItsVersionsCode) {
  world& w = start();
  ban(w, ban_kind::client_id, "bad");
  for (const auto& [version, answer] : {std::pair{v5, "connack 8A; closed"},
                                        {v311, "connack 87; closed"},
                                        {v31, "connack 87; closed"}}) {
    client& c = w.make_client("bad", version);
    w.connect(c);
    EXPECT_EQ(c.take(), answer);
  }
  EXPECT_EQ(refused(w, mqtt::reason::banned), 3u);
  client& other = w.make_client("good");
  w.connect(other);
  EXPECT_EQ(other.take(), "connack 00");
}

TEST_F(GuardSim, AUserNameIsBannedWhateverTheClientId) {
  world& w = start();
  ban(w, ban_kind::user_name, "mallory");
  client& a = w.make_client("a");
  connect_as(w, a, "mallory");
  EXPECT_EQ(a.take(), "connack 8A; closed");
  client& b = w.make_client("mallory");
  connect_as(w, b, "alice");
  EXPECT_EQ(b.take(), "connack 00");
}

TEST_F(GuardSim, ABanThatIsOverDoesNotHold) {
  world& w = start();
  ban(w, ban_kind::client_id, "c", static_cast<int64_t>(w.now_ms()) + 10'000);
  client& c = w.make_client("c");
  w.connect(c);
  EXPECT_EQ(c.take(), "connack 8A; closed");
  w.advance(10'000);
  client& again = w.make_client("c");
  w.connect(again);
  EXPECT_EQ(again.take(), "connack 00");
}

TEST_F(GuardSim, BanningAConnectedClientDisconnectsIt) {
  world& w = start({}, 2);
  client& by_id = w.make_client("by_id");
  w.connect(by_id, {}, 1);
  client& by_user = w.make_client("x");
  connect_as(w, by_user, "u");
  client& old = w.make_client("old", v311);
  w.connect(old, {}, 1);
  client& other = w.make_client("other");
  w.connect(other, {}, 1);
  for (client* c : {&by_id, &by_user, &old, &other}) c->take();
  ban(w, ban_kind::client_id, "by_id");
  ban(w, ban_kind::client_id, "old");
  ban(w, ban_kind::user_name, "u");
  ban(w, ban_kind::client_id, "nobody");
  EXPECT_EQ(by_id.take(), "disconnect 98; closed");
  EXPECT_EQ(by_user.take(), "disconnect 98; closed");
  EXPECT_EQ(old.take(), "closed");
  other.ping();
  w.run();
  EXPECT_EQ(other.take(), "pingresp");
}

TEST_F(GuardSim, ABanThatComesWhileAClientConnectsEndsItToo) {
  world& w = start({}, 2);
  client& c = w.make_client("c");
  w.begin_connect(c, {}, 1);
  for (int i = 0; i < 2; ++i) w.turn(1);  // CONNECT was read; its session does not exist yet
  ban(w, ban_kind::client_id, "c");
  EXPECT_FALSE(c.open());
}

TEST_F(GuardSim, AConfiguredBanEndsConnectionsWhenItIsLoaded) {
  world& w = start();
  client& c = ready("c");
  guard::policy p;
  guard::ban b;
  b.value = "c";
  b.source = guard::ban_source::config;
  p.bans = {b};
  set_policy(w, p);
  w.run();
  EXPECT_EQ(c.take(), "disconnect 98; closed");
}

TEST_F(GuardSim, AFlappingClientIsBannedForATimeAndOthersAreNot) {
  world& w = start();
  guard::policy p;
  p.flapping = {3, 10, 60, 1000};
  set_policy(w, p);
  const auto connects = [&](const char* id) {
    client& c = w.make_client(id);
    w.connect(c);
    const std::string got = c.take();
    if (c.open()) c.disconnect();
    w.run();
    return got;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(connects("f"), "connack 00");
  EXPECT_EQ(connects("f"), "connack 8A; closed");
  EXPECT_EQ(connects("f"), "connack 8A; closed");
  EXPECT_EQ(connects("g"), "connack 00");
  w.advance(61'000);
  EXPECT_EQ(connects("f"), "connack 00");
}

// -- rates --------------------------------------------------------------------

TEST_F(GuardSim, AClientOverItsRateIsSlowedAndLosesNothing) {
  world& w = start();
  auto p = of_listener({.client_messages_per_s = 100});
  p.rate_disconnects = false;
  set_policy(w, p);
  client& s = w.make_client("s");
  client& fast = w.make_client("fast");
  client& calm = w.make_client("calm");
  for (client* c : {&s, &fast, &calm}) w.connect(*c, {.keep_alive_s = 0});
  s.subscribe("t");
  w.run();
  for (client* c : {&s, &fast, &calm}) c->take();
  for (int i = 0; i < 500; ++i) fast.publish("t", "x");
  w.run();
  EXPECT_NEAR(static_cast<double>(s.take_packets().size()), 100, 1);  // the burst
  calm.publish("t", "calm");
  w.run();
  EXPECT_EQ(s.payloads(), "calm");
  w.advance(2000);
  EXPECT_NEAR(static_cast<double>(s.take_packets().size()), 200, 15);
  w.advance(3000);
  EXPECT_NEAR(static_cast<double>(s.take_packets().size()), 200, 15);
  EXPECT_TRUE(fast.open());
  EXPECT_GT(rate_holds(w), 10u);
  fast.ping();
  w.run();
  EXPECT_EQ(fast.take(), "pingresp");
}

void expect_cut(world& w, guard::listener_limits l, const std::string& told) {
  auto p = of_listener(l);
  p.rate_patience_ms = 5000;
  set_policy(w, p);
  client& c = w.make_client("c");
  client& old = w.make_client("old", v311);
  w.connect(c);
  w.connect(old);
  c.take();
  old.take();
  for (int i = 0; i < 2000; ++i) {
    c.publish("t", "0123456789");
    old.publish("t", "0123456789");
  }
  w.advance(4000);
  EXPECT_TRUE(c.open() && old.open());
  w.advance(2000);
  EXPECT_EQ(c.take(), told);
  EXPECT_EQ(old.take(), "closed");
}

TEST_F(GuardSim, AClientThatStaysOverItsMessagesIsToldAndCut) {
  expect_cut(start(), {.client_messages_per_s = 100}, "disconnect 96; closed");
}

TEST_F(GuardSim, AClientThatStaysOverItsBytesIsToldAndCut) {
  expect_cut(start(), {.client_bytes_per_s = 1000}, "disconnect 97; closed");
}

TEST_F(GuardSim, KeepAliveDoesNotCountWhileAClientIsNotRead) {
  world& w = start();
  auto p = of_listener({.client_bytes_per_s = 100});
  p.rate_disconnects = false;
  set_policy(w, p);
  client& c = ready("c", {.keep_alive_s = 2});
  c.publish("t", std::string(2000, 'x'));  // twenty seconds' worth
  w.advance(15'000);
  EXPECT_EQ(c.take(), "");
  EXPECT_TRUE(c.open());
  w.advance(10'000);  // it is read again, and has nothing to say
  EXPECT_EQ(c.take(), "disconnect 8D; closed");
}

TEST_F(GuardSim, AllClientsOfAListenerShareItsRate) {
  world& w = start({}, 2);
  set_policy(w, of_listener({.messages_per_s = 100}));
  client& s = w.make_client("s");
  w.connect(s);
  s.subscribe("t");
  w.run();
  s.take();
  std::vector<client*> senders;
  for (int i = 0; i < 10; ++i) {
    senders.push_back(&w.make_client("p" + std::to_string(i)));
    w.connect(*senders.back(), {}, static_cast<size_t>(i) % 2);
    for (int n = 0; n < 200; ++n) senders.back()->publish("t", "x");
  }
  w.run();
  // The burst, and one packet of each.
  EXPECT_NEAR(static_cast<double>(s.take_packets().size()), 105, 5);
  w.advance(5000);
  EXPECT_NEAR(static_cast<double>(s.take_packets().size()), 500, 40);
  for (client* c : senders) EXPECT_TRUE(c->open()) << "nobody is cut for it";
}

TEST_F(GuardSim, ARateThatIsLoadedHoldsForThoseConnectedAndGoesAgain) {
  world& w = start();
  client& s = ready("s");
  client& c = ready("c");
  subscribe(s, "t", 0);
  const auto sends = [&](int n) {
    for (int i = 0; i < n; ++i) c.publish("t", "x");
    w.run();
    return s.take_packets().size();
  };
  EXPECT_EQ(sends(300), 300u);
  set_policy(w, of_listener({.client_messages_per_s = 50}));
  EXPECT_NEAR(static_cast<double>(sends(100)), 50, 1);
  set_policy(w, {});
  w.advance(1100);
  EXPECT_NEAR(static_cast<double>(sends(300)), 350, 1) << "with what had waited";
}

TEST_F(GuardSim, ListenersBoundConnectionsAndConnects) {
  world& w = start();
  set_policy(w, of_listener({.connections_max = 2}));
  client& a = w.make_client("a");
  client& b = w.make_client("b");
  client& c = w.make_client("c");
  client& old = w.make_client("old", v311);
  for (client* x : {&a, &b, &c, &old}) w.connect(*x);
  EXPECT_EQ(b.take(), "connack 00");
  EXPECT_EQ(c.take(), "connack 97; closed");
  EXPECT_EQ(old.take(), "connack 88; closed");
  a.lose();
  w.run();
  client& d = w.make_client("d");
  w.connect(d);
  EXPECT_EQ(d.take(), "connack 00");

  set_policy(w, of_listener({.connects_per_s = 2}));
  const auto connects = [&](std::string id, mqtt::version v) {
    client& x = w.make_client(std::move(id), v);
    w.connect(x);
    return x.take();
  };
  EXPECT_EQ(connects("e1", v5), "connack 00");
  EXPECT_EQ(connects("e2", v5), "connack 00");
  EXPECT_EQ(connects("e3", v5), "connack 9F; closed");
  EXPECT_EQ(connects("e4", v311), "connack 88; closed");
  w.advance(1000);
  EXPECT_EQ(connects("e5", v311), "connack 00");
}

// -- overload -----------------------------------------------------------------

TEST_F(GuardSim, ShortOfMemoryItRefusesThenHoldsTheBusiestThenRecovers) {
  world& w = start();
  uint64_t used = 100;
  w.dir().guard.load.read_memory_from([&] { return used; }, 1'000'000);
  guard::policy p;
  p.overload = {.enabled = true, .memory_high_bytes = 200, .memory_critical_bytes = 300};
  set_policy(w, p);
  client& s = w.make_client("s");
  client& busy = w.make_client("busy");
  client& calm = w.make_client("calm");
  for (client* c : {&s, &busy, &calm}) w.connect(*c, {.keep_alive_s = 3});
  s.subscribe("t");
  w.run();
  const auto sends = [&](client& c, int n) {
    for (int i = 0; i < n; ++i) c.publish("t", c.id());
    s.ping();
    busy.ping();
    calm.ping();
    w.run();
    const std::string got = s.payloads();
    return static_cast<size_t>(std::count(got.begin(), got.end(), 'y') +
                               std::count(got.begin(), got.end(), 'm'));
  };
  EXPECT_EQ(sends(busy, 50), 50u);
  used = 200;
  w.advance(350);
  client& late = w.make_client("late");
  client& old = w.make_client("old", v311);
  w.connect(late);
  w.connect(old);
  EXPECT_EQ(late.take(), "connack 97; closed");
  EXPECT_EQ(old.take(), "connack 88; closed");
  EXPECT_EQ(sends(busy, 50), 50u) << "those connected are served";

  w.advance(1500);  // holding now
  EXPECT_EQ(sends(calm, 1), 1u);
  w.advance(350);
  EXPECT_EQ(sends(calm, 1), 1u) << "also when nobody sends more";
  w.advance(350);
  EXPECT_EQ(sends(busy, 50), 50u) << "counted from here";
  EXPECT_EQ(sends(calm, 1), 1u);
  w.advance(350);
  EXPECT_EQ(sends(busy, 50), 0u) << "the busiest is not read";
  EXPECT_EQ(sends(calm, 1), 1u) << "others are";
  w.advance(1600);
  EXPECT_EQ(s.payloads().size(), 50 * 4 + 49u) << "its turn comes again";

  used = 300;
  w.advance(350);
  sends(calm, 1);
  sends(busy, 1);
  w.advance(350);
  EXPECT_EQ(sends(calm, 1) + sends(busy, 1), 0u) << "critical: no publisher is read";
  for (int i = 0; i < 10; ++i) {  // longer than a keep-alive; s is no publisher
    s.ping();
    w.advance(500);
  }
  EXPECT_TRUE(busy.open() && calm.open());

  used = 100;
  w.advance(350);
  s.take();
  client& after = w.make_client("after");
  w.connect(after);
  EXPECT_EQ(after.take(), "connack 00");
  EXPECT_EQ(sends(busy, 50), 50u);
}

TEST_F(GuardSim, APublisherThatWasBusyInAnOverloadMovesWhenItIsNotHeld) {
  world& w = start({}, 2);
  uint64_t used = 300;
  w.dir().guard.load.read_memory_from([&] { return used; }, 1'000'000);
  client& c = w.make_client("c");
  w.connect(c, {}, 1);
  guard::policy p;
  p.overload = {.enabled = true, .memory_high_bytes = 200, .memory_critical_bytes = 300};
  set_policy(w, p);
  w.advance(300);
  c.publish("t", "noted", 1);
  w.run();
  w.advance(300);
  w.use_reactors(1);
  c.publish("t", "held", 1);
  w.run();
  EXPECT_EQ(c.connection().reactor().index(), 1u) << "its watch will release it there";
  used = 100;
  w.advance(2000);
  c.publish("t", "free", 1);
  w.run();
  c.publish("t", "moves", 1);
  w.run();
  EXPECT_EQ(c.connection().reactor().index(), 0u);
  EXPECT_EQ(c.take_packets().size(), 5u) << "CONNACK and four PUBACKs";
}

TEST_F(GuardSim, AHeldPublisherThatGoesIsForgotten) {
  world& w = start();
  w.dir().guard.load.read_memory_from([] { return 300; }, 1'000'000);
  guard::policy p;
  p.overload = {.enabled = true, .memory_high_bytes = 200, .memory_critical_bytes = 300};
  client& c = w.make_client("c");
  w.connect(c);
  set_policy(w, p);
  w.advance(300);
  c.publish("t", "x");
  w.run();
  w.advance(300);
  ban(w, ban_kind::client_id, "c");
  EXPECT_FALSE(c.open());
  w.advance(1000);
  set_policy(w, {});
  w.advance(1000);
}

}  // namespace dunlin::sim
