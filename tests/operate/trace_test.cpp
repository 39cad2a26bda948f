// The ring of a trace and the table of traces: bounds, ends, waiting.
#include <gtest/gtest.h>

#include "broker/operate/traces.hpp"

namespace dunlin::operate {
namespace {

trace_event event(std::string detail) { return {.what = "in", .detail = std::move(detail)}; }
std::string numbers(const trace::page& p) {
  std::string out;
  for (const auto& e : p.events) out += std::to_string(e.number) + " ";
  return out + "next " + std::to_string(p.next) + " lost " + std::to_string(p.lost) +
         (p.over ? " over" : "");
}

TEST(Trace, IsReadPageByPage) {
  trace t(1, {.client_id = "c"}, 0);
  for (int i = 0; i < 5; ++i) t.record(event(""), 0);
  EXPECT_EQ(numbers(t.read(0, 2, 0)), "1 2 next 2 lost 0");
  EXPECT_EQ(numbers(t.read(2, 10, 0)), "3 4 5 next 5 lost 0");
  EXPECT_EQ(numbers(t.read(5, 10, 0)), "next 5 lost 0");
}

TEST(Trace, TheOldestEventsGoAndAreCounted) {
  trace t(1, {.client_id = "c", .events_max = 3}, 0);
  for (int i = 0; i < 10; ++i) t.record(event(""), 0);
  EXPECT_EQ(numbers(t.read(0, 10, 0)), "8 9 10 next 10 lost 7");
  EXPECT_EQ(numbers(t.read(8, 10, 0)), "9 10 next 10 lost 0");
}

TEST(Trace, ItsTextsAreBounded) {
  trace t(1, {.client_id = "c", .bytes_max = 10'000}, 0);
  for (int i = 0; i < 10; ++i) t.record(event(std::string(3000, 'x')), 0);
  const auto p = t.read(0, 10, 0);
  EXPECT_LE(p.events.size(), 3u);
  EXPECT_EQ(p.events.size() + p.lost, 10u);
  t.record(event(std::string(50'000, 'x')), 0);
  EXPECT_EQ(t.read(0, 10, 0).events.size(), 1u) << "one that is larger than all is still told";
}

TEST(Trace, IsOverAtItsTimeAndTakesNothingMore) {
  trace t(1, {.client_id = "c", .milliseconds = 100}, 1000);
  t.record(event(""), 1099);
  EXPECT_FALSE(t.over(1099));
  t.record(event(""), 1100);
  EXPECT_EQ(numbers(t.read(0, 10, 1100)), "1 next 1 lost 0 over");
}

TEST(Trace, IsNotOverForAReaderWhoHasNotReadAll) {
  trace t(1, {.client_id = "c"}, 0);
  t.record(event(""), 0);
  t.record(event(""), 0);
  t.end();
  EXPECT_EQ(numbers(t.read(0, 1, 0)), "1 next 1 lost 0");
  EXPECT_EQ(numbers(t.read(1, 1, 0)), "2 next 2 lost 0 over");
}

TEST(Trace, WhoWaitsIsCalledOnce) {
  trace t(1, {.client_id = "c"}, 0);
  int calls = 0;
  EXPECT_NE(t.wait(0, 0, [&] { ++calls; }), 0u);
  EXPECT_EQ(calls, 0);
  t.record(event(""), 0);
  t.record(event(""), 0);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(t.wait(1, 0, [&] { ++calls; }), 0u) << "there is an event already";
  EXPECT_EQ(calls, 2);
  const uint64_t ticket = t.wait(2, 0, [&] { ++calls; });
  t.wake_up(ticket);
  t.wake_up(ticket);
  EXPECT_EQ(calls, 3);
  t.wait(2, 0, [&] { ++calls; });
  t.end();
  EXPECT_EQ(calls, 4);
}

TEST(Trace, WaitersAreBounded) {
  trace t(1, {.client_id = "c"}, 0);
  size_t calls = 0;
  for (size_t i = 0; i < trace::waiters_max + 3; ++i) t.wait(0, 0, [&] { ++calls; });
  EXPECT_EQ(calls, 3u) << "what is over the bound is called at once";
}

TEST(Traces, OneForAClientAndNoMoreThanAllowed) {
  traces all;
  const trace_limits most{.traces_max = 2, .seconds_max = 1};
  EXPECT_FALSE(all.any());
  const auto a = all.start({.client_id = "a"}, most, 0);
  ASSERT_TRUE(a.ok());
  EXPECT_TRUE(all.any());
  EXPECT_EQ((*a)->request().milliseconds, 1000u) << "cut to trace.seconds_max";
  EXPECT_TRUE(absl::IsAlreadyExists(all.start({.client_id = "a"}, most, 0).status()));
  ASSERT_TRUE(all.start({.client_id = "b"}, most, 0).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(all.start({.client_id = "c"}, most, 0).status()));
  EXPECT_EQ(all.find("a", 0), *a);
  EXPECT_EQ(all.find("a", 1000), nullptr) << "it is over";
  EXPECT_EQ(all.get((*a)->id()), *a) << "and can still be read";
  EXPECT_TRUE(all.start({.client_id = "c"}, most, 1000).ok()) << "it takes the place of one";
}

TEST(Traces, EndedByNumber) {
  traces all;
  const auto a = all.start({.client_id = "a"}, {}, 0);
  EXPECT_TRUE(all.end((*a)->id()));
  EXPECT_FALSE(all.end((*a)->id()));
  EXPECT_TRUE((*a)->over(0));
  EXPECT_FALSE(all.any());
}

}  // namespace
}  // namespace dunlin::operate
