#include "rules/outbound_core.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/rules/outbound_world.hpp"

namespace dunlin::rules {
namespace {

using namespace std::chrono_literals;

outbound_options some_options() {
  outbound_options o;
  o.config.id = "r";
  o.config.topic = "t";
  o.config.queue = "q";
  o.limits = {
      .messages_max = 4, .bytes_max = 1 << 20, .body_bytes_max = 1 << 20, .mixed_properties = true};
  return o;
}
outbound_options device_order() {
  auto o = some_options();
  o.config.order = rule_order::device;
  return o;
}
using bodies = std::vector<std::string>;

TEST(OutboundCore, AnswersWhenWrittenAndSendsAfterTheLinger) {
  outbound_world w(some_options());
  auto t = w.store("c", "1");
  EXPECT_EQ(w.answers.at(t), ec::none);
  EXPECT_TRUE(w.flying.empty());
  EXPECT_EQ(w.core.due(), w.now.at + 5ms);
  w.advance(5ms);
  ASSERT_EQ(w.flying.size(), 1u);
  w.answer(outcome::ok);
  EXPECT_EQ(w.sent_bodies(), bodies{"1"});
  EXPECT_TRUE(w.disk.empty());
  EXPECT_EQ(w.core.status(w.now).lag, 0u);
  EXPECT_EQ(w.core.status(w.now).spool_bytes, 0u);
}

TEST(OutboundCore, FullBatchDoesNotWait) {
  outbound_world w(some_options());
  for (auto p : {"1", "2", "3"}) w.store("c", p);
  EXPECT_TRUE(w.flying.empty());
  w.store("c", "4");
  ASSERT_EQ(w.flying.size(), 1u);
  EXPECT_EQ(w.flying[0].second.size(), 4u);
}

TEST(OutboundCore, WhatIsJustWrittenIsNotReadBack) {
  outbound_world w(some_options());
  for (int i = 0; i < 100; ++i) {
    w.store("c", std::to_string(i));
    while (!w.flying.empty()) w.answer(outcome::ok);
  }
  EXPECT_EQ(w.sent.size(), 100u);
  EXPECT_EQ(w.reads, 0);
}

TEST(OutboundCore, RetrySendsTheSameBatchAfterGrowingWaits) {
  outbound_world w(some_options());
  for (auto p : {"1", "2", "3", "4"}) w.store("c", p);
  auto first = w.answer(outcome::retry, 503, "down");
  EXPECT_EQ(w.core.status(w.now).state, "retrying");
  EXPECT_EQ(w.core.status(w.now).last_error, "down");
  std::chrono::milliseconds wait = 100ms;
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(w.core.due(), w.now.at + wait) << i;
    w.advance(wait - 1ms);
    EXPECT_TRUE(w.flying.empty());
    w.advance(1ms);
    ASSERT_EQ(w.flying.size(), 1u);
    auto again = w.answer(outcome::retry);
    ASSERT_EQ(again.size(), first.size());
    for (size_t n = 0; n < again.size(); ++n) {
      EXPECT_EQ(again[n].body, first[n].body);
      EXPECT_EQ(again[n].message_id, first[n].message_id);
    }
    wait = std::min(wait * 2, 10000ms);
  }
  w.advance(10s);
  w.answer(outcome::ok);
  EXPECT_EQ(w.sent_bodies(), (bodies{"1", "2", "3", "4"}));
  EXPECT_EQ(w.core.status(w.now).state, "running");
}

TEST(OutboundCore, WaitingBatchesGoWhenTheQueueIsBack) {
  auto o = some_options();
  o.config.in_flight_max = 2;
  outbound_world w(o);
  for (int i = 0; i < 8; ++i) w.store("c", std::to_string(i));
  ASSERT_EQ(w.flying.size(), 2u);
  w.answer(outcome::retry);
  w.advance(5s);                     // the first has gone out again
  w.answer(outcome::misconfigured);  // the second
  ASSERT_EQ(w.flying.size(), 1u);
  w.answer(outcome::ok);
  EXPECT_EQ(w.flying.size(), 1u);  // the second, before its ten seconds are over
}

TEST(OutboundCore, MisconfiguredRetriesSlowlyAndDropsNothing) {
  outbound_world w(some_options());
  w.store("c", "1");
  w.advance(5ms);
  for (int i = 0; i < 3; ++i) {
    w.answer(outcome::misconfigured, 40402, "no topic q: create it");
    EXPECT_EQ(w.core.status(w.now).state, "misconfigured");
    EXPECT_EQ(w.core.due(), w.now.at + 10s);
    w.advance(10s);
  }
  w.answer(outcome::ok);
  EXPECT_EQ(w.sent_bodies(), bodies{"1"});
  EXPECT_TRUE(w.dead.empty());
}

TEST(OutboundCore, RefusedBatchIsHalvedUntilTheOneToBlameIsADeadLetter) {
  auto o = some_options();
  o.limits.messages_max = 64;
  outbound_world w(o);
  for (int i = 0; i < 64; ++i) w.store("c", std::to_string(i));
  int requests = 0;
  for (; !w.flying.empty(); ++requests) {
    bool bad = false;
    for (auto& m : w.flying[0].second) bad |= m.body == "37";
    w.answer(bad ? outcome::refused : outcome::ok, 40007, "illegal property");
    w.advance(5ms);
  }
  EXPECT_EQ(w.sent.size(), 63u);
  ASSERT_EQ(w.dead.size(), 1u);
  EXPECT_EQ(w.dead[0].code, 40007);
  EXPECT_EQ(w.dead[0].reason, "illegal property");
  EXPECT_EQ(w.dead[0].record, record_of("c", "37"));
  EXPECT_LE(requests, 20);
  EXPECT_TRUE(w.disk.empty());
  EXPECT_EQ(w.core.status(w.now).dead_letters, 1u);
}

TEST(OutboundCore, DeadLetterThatCannotBeWrittenIsTriedAgainAndItsEntryStays) {
  outbound_world w(some_options());
  w.store("c", "1");
  w.advance(5ms);
  w.disk_fails = true;
  w.answer(outcome::refused);
  EXPECT_EQ(w.disk.size(), 1u);
  EXPECT_EQ(w.core.status(w.now).state, "retrying");
  w.disk_fails = false;
  w.advance(10s);
  EXPECT_EQ(w.dead.size(), 1u);
  EXPECT_TRUE(w.disk.empty());
  EXPECT_EQ(w.core.status(w.now).state, "running");
}

TEST(OutboundCore, MessageThatTheQueueWouldNeverTakeIsADeadLetterWithoutBeingSent) {
  outbound_world w(some_options());
  w.store("c", "1", "t/with\nnewline");
  w.advance(5ms);
  EXPECT_TRUE(w.flying.empty());
  ASSERT_EQ(w.dead.size(), 1u);
  EXPECT_NE(w.dead[0].reason.find("control character in topic"), std::string::npos);
  EXPECT_TRUE(w.disk.empty());
}

TEST(OutboundCore, DeviceOrderHasOneBatchOnTheWayForEachClientAndManyClients) {
  outbound_world w(device_order());
  for (int i = 0; i < 3; ++i) {
    for (auto c : {"a", "b", "c"}) w.store(c, c + std::to_string(i));
  }
  ASSERT_EQ(w.flying.size(), 3u);
  std::set<std::string> groups;
  for (auto& [id, batch] : w.flying) {
    ASSERT_EQ(batch.size(), 1u);
    groups.insert(batch[0].message_group);
  }
  EXPECT_EQ(groups, (std::set<std::string>{"a", "b", "c"}));
  w.answer(outcome::retry);        // a0
  EXPECT_EQ(w.flying.size(), 2u);  // and a1 does not overtake it
  while (!w.flying.empty()) w.answer(outcome::ok);
  EXPECT_EQ(w.sent.size(), 6u);
  w.advance(100ms);
  while (!w.flying.empty()) w.answer(outcome::ok);
  bodies of_a;
  for (auto& b : w.sent_bodies()) {
    if (b[0] == 'a') of_a.push_back(b);
  }
  EXPECT_EQ(of_a, (bodies{"a0", "a1", "a2"}));
}

TEST(OutboundCore, BatchesOfEqualPropertiesWhereTheQueueNeedsThem) {
  auto o = some_options();
  o.limits.mixed_properties = false;
  o.limits.messages_max = 100;
  o.config.in_flight_max = 100;
  outbound_world w(o);
  for (int i = 0; i < 60; ++i) w.store("c" + std::to_string(i % 3), std::to_string(i));
  w.advance(5ms);
  ASSERT_EQ(w.flying.size(), 3u);
  for (auto& [id, batch] : w.flying) {
    EXPECT_EQ(batch.size(), 20u);
    for (auto& m : batch) {
      EXPECT_EQ(m.properties, batch[0].properties);
      EXPECT_EQ(m.keys, batch[0].keys);
      EXPECT_EQ(m.tag, batch[0].tag);
    }
  }
}

TEST(OutboundCore, DeliveredIsAnsweredOnlyWhenTheQueueHasIt) {
  auto o = some_options();
  o.config.ack = acknowledge::delivered;
  outbound_world w(o);
  auto t = w.store("c", "1");
  w.advance(5ms);
  w.answer(outcome::retry);
  EXPECT_FALSE(w.answers.contains(t));
  w.advance(100ms);
  w.answer(outcome::ok);
  EXPECT_EQ(w.answers.at(t), ec::none);
}

TEST(OutboundCore, DeliveredIsAnsweredForWhatWentThroughTheDiskToo) {
  auto o = some_options();
  o.config.ack = acknowledge::delivered;
  o.window_bytes_max = 200;
  o.config.in_flight_max = 1;
  outbound_world w(o);
  for (int i = 0; i < 50; ++i) w.store("c", std::to_string(i));
  EXPECT_TRUE(w.answers.empty());
  while (w.answers.size() < 50) {
    ASSERT_FALSE(w.flying.empty() && w.core.due() == std::chrono::steady_clock::time_point::max());
    while (!w.flying.empty()) w.answer(outcome::ok);
    w.advance(5ms);
  }
  EXPECT_GT(w.reads, 0);
  EXPECT_EQ(w.sent.size(), 50u);
}

TEST(OutboundCore, SpoolThatIsFullRefusesUntilThereIsRoom) {
  auto o = some_options();
  o.config.spool_bytes_max = 3 * record_of("c", "1").size();
  outbound_world w(o);
  for (auto p : {"1", "2", "3"}) EXPECT_EQ(w.answers.at(w.store("c", p)), ec::none);
  EXPECT_EQ(w.answers.at(w.store("c", "4")), ec::spool_full);
  EXPECT_EQ(w.core.status(w.now).refused, 1u);
  w.advance(5ms);
  w.answer(outcome::ok);
  EXPECT_EQ(w.answers.at(w.store("c", "5")), ec::none);
}

TEST(OutboundCore, DiskThatFailsIsToldAndTheRuleGoesOnWhenItIsBack) {
  outbound_world w(some_options());
  w.disk_fails = true;
  EXPECT_EQ(w.answers.at(w.store("c", "1")), ec::store_failed);
  EXPECT_EQ(w.core.status(w.now).state, "retrying");
  EXPECT_EQ(w.core.status(w.now).last_error, "disk full");
  w.disk_fails = false;
  EXPECT_EQ(w.answers.at(w.store("c", "2")), ec::none);
  EXPECT_EQ(w.core.status(w.now).state, "running");
  w.advance(5ms);
  w.answer(outcome::ok);
  EXPECT_EQ(w.sent_bodies(), bodies{"2"});
}

TEST(OutboundCore, RequestThatLiesAboutItsRecordsIsRefused) {
  outbound_world w(some_options());
  w.core.store(1, record_of("c", "1"), 2, w.now);
  w.core.store(2, "nonsense", 1, w.now);
  w.settle();
  EXPECT_EQ(w.answers.at(1), ec::bad_records);
  EXPECT_EQ(w.answers.at(2), ec::bad_records);
}

TEST(OutboundCore, ExpiredMessageIsCountedAndNotSent) {
  outbound_world w(some_options());
  device_message m;
  m.topic = "t";
  m.payload = "x";
  m.expiry_s = 2;
  m.born_ms = w.now.ms - 3000;
  std::string record;
  append_record(m, record);
  w.core.store(1, record, 1, w.now);
  w.settle();
  w.advance(5ms);
  EXPECT_TRUE(w.flying.empty());
  EXPECT_EQ(w.core.status(w.now).expired, 1u);
  EXPECT_TRUE(w.disk.empty());
}

TEST(OutboundCore, CrashAfterSendingAndBeforeRemovingSendsAgainWithTheSameIds) {
  outbound_world w(some_options());
  for (auto p : {"1", "2", "3", "4"}) w.store("c", p);
  auto disk = w.disk;
  auto first = w.answer(outcome::ok);
  w.disk = disk;  // the removal did not reach the disk
  w.low = w.low_message = 0;
  w.crash();
  ASSERT_EQ(w.flying.size(), 1u);
  auto again = w.answer(outcome::ok);
  ASSERT_EQ(again.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(again[i].message_id, first[i].message_id);
  EXPECT_TRUE(w.disk.empty());
}

TEST(OutboundCore, NumbersAreNotUsedTwiceOverARestartWithAnEmptySpool) {
  outbound_world w(some_options());
  w.store("c", "1");
  w.advance(5ms);
  w.answer(outcome::ok);
  w.crash();
  w.store("c", "2");
  w.advance(5ms);
  w.answer(outcome::ok);
  ASSERT_EQ(w.sent.size(), 2u);
  EXPECT_NE(w.sent[0].message_id, w.sent[1].message_id);
}

TEST(OutboundCore, BacklogIsSentInOrderWithABoundedWindow) {
  auto o = some_options();
  o.window_bytes_max = 10'000;
  o.config.in_flight_max = 1;
  outbound_world w(o);
  w.disk.clear();
  for (int i = 0; i < 3000; ++i) w.store("c", std::to_string(i));  // the queue answers nothing
  EXPECT_EQ(w.reads, 0);
  EXPECT_EQ(w.core.status(w.now).lag, 3000u);
  while (w.core.status(w.now).lag > 0) {
    while (!w.flying.empty()) w.answer(outcome::ok);
    w.advance(5ms);
  }
  bodies expected;
  for (int i = 0; i < 3000; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(w.sent_bodies(), expected);
  EXPECT_GT(w.reads, 10);
}

TEST(OutboundCore, StopFinishesWhatIsOnTheWayAndKeepsTheRest) {
  auto o = some_options();
  o.config.in_flight_max = 1;
  outbound_world w(o);
  for (int i = 0; i < 8; ++i) w.store("c", std::to_string(i));
  w.core.stop(w.now);
  w.settle();
  EXPECT_FALSE(w.core.idle());
  EXPECT_EQ(w.answers.at(w.store("c", "9")), ec::stopping);
  w.answer(outcome::ok);
  EXPECT_TRUE(w.core.idle());
  EXPECT_EQ(w.sent.size(), 4u);
  EXPECT_EQ(w.disk.size(), 4u);
}

// Random answers, faults and crashes: nothing that was taken is lost, and each device's
// messages are first sent in order. The queue refuses whatever ends in 7.
void run_chaos(unsigned seed, outbound_options o) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  o.window_bytes_max = 2000;
  o.config.in_flight_max = 1 + random() % 6;
  outbound_world w(o);
  std::map<std::string, int> next;
  std::set<std::string> taken;
  auto note_taken = [&](uint64_t ticket, const std::string& body) {
    if (w.answers.at(ticket) == ec::none) taken.insert(body);
  };
  for (int step = 0; step < 2000; ++step) {
    w.disk_fails = chance(3);
    if (chance(50)) {
      auto client = std::string(1, static_cast<char>('a' + random() % 5));
      auto body = client + std::to_string(1000 + next[client]++);
      note_taken(w.store(client, body), body);
    }
    if (!w.flying.empty() && chance(60)) {
      auto pick = random() % w.flying.size();
      bool bad =
          std::ranges::any_of(w.flying[pick].second, [](auto& m) { return m.body.ends_with("7"); });
      auto what = chance(30) ? outcome::retry : bad ? outcome::refused : outcome::ok;
      w.answer_at(pick, what);
    }
    if (chance(1)) w.crash();
    w.advance(std::chrono::milliseconds(random() % 50));
  }
  w.disk_fails = false;
  for (int i = 0; i < 5000 && !(w.disk.empty() && w.flying.empty()); ++i) {
    while (!w.flying.empty()) {
      bool bad =
          std::ranges::any_of(w.flying[0].second, [](auto& m) { return m.body.ends_with("7"); });
      w.answer(bad ? outcome::refused : outcome::ok);
    }
    w.advance(1s);
  }
  EXPECT_TRUE(w.disk.empty());
  std::set<std::string> arrived, dead;
  for (auto& letter : w.dead) {
    for_each_record(letter.record,
                    [&](const device_message& m) { dead.insert(std::string(m.payload)); });
  }
  std::map<char, std::string> last_new;
  for (auto& b : w.sent_bodies()) {
    if (!arrived.insert(b).second || o.config.order == rule_order::none) continue;
    EXPECT_LT(last_new[b[0]], b);
    last_new[b[0]] = b;
  }
  arrived.merge(dead);
  for (auto& b : taken) EXPECT_TRUE(arrived.contains(b)) << b;
  EXPECT_GT(taken.size(), 500u);
}

TEST(OutboundCore, NothingTakenIsLostInChaos) {
  for (unsigned seed = 1; seed <= 20; ++seed) run_chaos(seed, some_options());
}

TEST(OutboundCore, DeviceOrderHoldsInChaos) {
  for (unsigned seed = 1; seed <= 20; ++seed) run_chaos(seed, device_order());
}

}  // namespace
}  // namespace dunlin::rules
