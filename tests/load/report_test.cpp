#include "tests/load/report.hpp"

#include <gtest/gtest.h>

namespace dunlin::load {
namespace {

outcome good() {
  outcome r;
  r.drained = drain_end::complete;
  r.checked.sent = r.checked.acknowledged = r.checked.expected = 10;
  r.latency.delivery.add(2'000'000);
  return r;
}

options with_qos(uint8_t qos) {
  options o;
  o.what = scenario::fan_in;
  o.qos = o.subscribe_qos = qos;
  return o;
}

TEST(Judge, PassesWhatIsComplete) { EXPECT_EQ(judge(with_qos(1), good()), ok); }

TEST(Judge, FailsWhenClientsFailed) {
  outcome r = good();
  r.checked.failed_clients = 1;
  EXPECT_EQ(judge(with_qos(1), r), failed);
  r = good();
  r.error = "not all clients could connect";
  EXPECT_EQ(judge(with_qos(1), r), failed);
}

TEST(Judge, LossComesBeforeLesserFaults) {
  outcome r = good();
  r.checked.missing = r.checked.reordered = 1;
  EXPECT_EQ(judge(with_qos(0), r), loss);
}

TEST(Judge, WhatWasCutOffIsNotASuccess) {
  outcome r = good();
  r.drained = drain_end::cut_off;
  EXPECT_EQ(judge(with_qos(0), r), loss);
  EXPECT_NE(to_json(with_qos(0), r).find("\"verified\": false"), std::string::npos);
  r.checked.missing = 4;
  EXPECT_NE(to_text(with_qos(0), r).find("not known"), std::string::npos);
  EXPECT_EQ(to_text(with_qos(0), r).find("4 lost"), std::string::npos);
}

TEST(Judge, AnUnansweredPublishIsNotASuccess) {
  outcome r = good();
  r.checked.acknowledged = 9;
  EXPECT_EQ(judge(with_qos(1), r), loss);
  EXPECT_EQ(judge(with_qos(0), r), ok);
}

TEST(Judge, DuplicatesFailAtQos2Only) {
  outcome r = good();
  r.checked.duplicates = 1;
  EXPECT_EQ(judge(with_qos(0), r), ok);
  EXPECT_EQ(judge(with_qos(1), r), ok);
  EXPECT_EQ(judge(with_qos(2), r), duplicate);
}

TEST(Judge, ReorderingFails) {
  outcome r = good();
  r.checked.reordered = 1;
  EXPECT_EQ(judge(with_qos(1), r), reordered);
}

TEST(Judge, HoldsTheLatencyGoal) {
  options o = with_qos(1);
  o.goal_p99_ms = 3;
  EXPECT_EQ(judge(o, good()), ok);
  o.goal_p99_ms = 1;
  EXPECT_EQ(judge(o, good()), goal_missed);
  o.goal_p99_ms = 3;
  outcome unsent = good();
  unsent.checked.unsent = 1;  // its latency is not in the figures
  EXPECT_EQ(judge(o, unsent), goal_missed);
  outcome nothing = good();
  nothing.latency = {};
  EXPECT_EQ(judge(o, nothing), goal_missed);
}

TEST(Json, EscapesWhatTheBrokerSaid) {
  outcome r = good();
  r.checked.first_error = "a \"quoted\"\nline";
  EXPECT_NE(to_json(with_qos(0), r).find(R"("a \"quoted\"\u000aline")"), std::string::npos);
}

}  // namespace
}  // namespace dunlin::load
