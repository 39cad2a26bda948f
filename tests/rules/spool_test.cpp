#include "rules/spool.hpp"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "tests/rules/faulty_env.hpp"
#include "tests/rules/temp_dir.hpp"

namespace dunlin::rules {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<spool> open_at(const std::string& path, spool_sync sync = spool_sync::always) {
  auto s = spool::open({.path = path, .sync = sync});
  EXPECT_TRUE(s.ok()) << s.status();
  return s.ok() ? *s : nullptr;
}

std::future<absl::Status> append(spool& s, const std::string& rule, uint64_t sequence,
                                 const std::string& records, uint32_t count = 1) {
  auto done = std::make_shared<std::promise<absl::Status>>();
  spool_entry e{sequence, sequence * 10, count, 1000 + static_cast<int64_t>(sequence),
                std::make_shared<const std::string>(records)};
  s.append(rule, e, true, [done](absl::Status st) { done->set_value(std::move(st)); });
  return done->get_future();
}

std::vector<spool_entry> read(spool& s, const std::string& rule, uint64_t from, uint64_t to,
                              size_t bytes = 1 << 20) {
  std::promise<spool::entries> done;
  s.read(rule, from, to, bytes, [&](spool::entries e) { done.set_value(std::move(e)); });
  auto found = done.get_future().get();
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() ? *found : std::vector<spool_entry>{};
}

absl::Status bury(spool& s, const std::string& rule, std::vector<dead_letter> letters) {
  std::promise<absl::Status> done;
  s.add_dead_letters(rule, std::move(letters),
                     [&](absl::Status st) { done.set_value(std::move(st)); });
  return done.get_future().get();
}

std::string newest_log(const std::string& dir) {
  std::string newest;
  for (auto& f : fs::directory_iterator(dir)) {
    if (f.path().extension() == ".log" && f.path().string() > newest) newest = f.path().string();
  }
  return newest;
}

TEST(Spool, EntriesComeBackInOrderAndRulesDoNotMix) {
  temp_dir dir;
  auto s = open_at(dir / "s");
  for (auto rule : {"a", "ab", "b"}) ASSERT_TRUE(s->attach(rule).ok());
  for (uint64_t n = 0; n < 300; ++n) {
    for (auto rule : {"a", "ab", "b"})
      ASSERT_TRUE(append(*s, rule, n, rule + std::to_string(n)).get().ok());
  }
  auto all = read(*s, "ab", 0, 300);
  ASSERT_EQ(all.size(), 300u);
  for (uint64_t n = 0; n < 300; ++n) {
    EXPECT_EQ(all[n].sequence, n);
    EXPECT_EQ(*all[n].records, "ab" + std::to_string(n));
    EXPECT_EQ(all[n].first_message, n * 10);
  }
  EXPECT_EQ(read(*s, "ab", 100, 103).size(), 3u);
  EXPECT_EQ(read(*s, "ab", 100, 300, 10).size(), 2u);  // five bytes each
}

TEST(Spool, BacklogIsKnownAfterAReopenWithoutReadingIt) {
  temp_dir dir;
  std::string source;
  {
    auto s = open_at(dir / "s");
    source = s->attach("r")->source;
    for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(append(*s, "r", n, "12345", 10).get().ok());
    s->remove("r", 4, 40);
  }
  auto s = open_at(dir / "s");
  auto state = s->attach("r");
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->source, source);
  EXPECT_EQ(state->first_sequence, 4u);
  EXPECT_EQ(state->next_sequence, 10u);
  EXPECT_EQ(state->next_message, 100u);
  EXPECT_EQ(state->messages, 60u);
  EXPECT_EQ(state->bytes, 30u);
  EXPECT_EQ(state->oldest_ms, 1004);
  EXPECT_EQ(read(*s, "r", 0, 10).size(), 6u);
}

TEST(Spool, NumbersGoOnAfterAReopenOfAnEmptySpool) {
  temp_dir dir;
  {
    auto s = open_at(dir / "s");
    ASSERT_TRUE(s->attach("r").ok());
    ASSERT_TRUE(append(*s, "r", 0, "x").get().ok());
    s->remove("r", 1, 17);
  }
  auto state = open_at(dir / "s")->attach("r");
  EXPECT_EQ(state->first_sequence, 1u);
  EXPECT_EQ(state->next_sequence, 1u);
  EXPECT_EQ(state->next_message, 17u);
  EXPECT_EQ(state->messages, 0u);
}

// A copy of the files as they are while the spool is open is what a power cut would leave.
TEST(Spool, AnsweredAppendsAreInTheFilesAtThatMomentAndATornTailTakesOnlyTheRest) {
  temp_dir dir;
  auto s = open_at(dir / "s");
  ASSERT_TRUE(s->attach("r").ok());
  for (uint64_t n = 0; n < 20; ++n)
    ASSERT_TRUE(append(*s, "r", n, std::string(100, 'x')).get().ok());
  auto size = fs::file_size(newest_log(dir / "s"));
  for (uint64_t n = 20; n < 40; ++n)
    ASSERT_TRUE(append(*s, "r", n, std::string(100, 'y')).get().ok());
  fs::copy(dir / "s", dir / "crashed", fs::copy_options::recursive);
  fs::resize_file(newest_log(dir / "crashed"), size + 50);  // in the middle of the 21st
  s.reset();

  auto after = open_at(dir / "crashed");
  ASSERT_TRUE(after);
  auto state = after->attach("r");
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->next_sequence, 20u);
  EXPECT_EQ(read(*after, "r", 0, 100).size(), 20u);
  EXPECT_TRUE(append(*after, "r", 20, "z").get().ok());
}

TEST(Spool, DamageBeforeTheEndOfTheLogIsAnErrorThatNamesThePath) {
  temp_dir dir;
  auto s = open_at(dir / "s");
  ASSERT_TRUE(s->attach("r").ok());
  for (uint64_t n = 0; n < 40; ++n)
    ASSERT_TRUE(append(*s, "r", n, std::string(5000, 'x')).get().ok());
  fs::copy(dir / "s", dir / "crashed", fs::copy_options::recursive);
  s.reset();
  {
    std::fstream f(newest_log(dir / "crashed"), std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(50'000);
    f.write("????????", 8);
  }
  auto after = spool::open({.path = dir / "crashed"});
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(after.status().message().find(dir / "crashed"), std::string::npos);
  EXPECT_NE(after.status().message().find("move the directory away"), std::string::npos);
}

TEST(Spool, SecondNodeOnTheSameDirectoryIsTold) {
  temp_dir dir;
  auto s = open_at(dir / "s");
  auto second = spool::open({.path = dir / "s"});
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find("another node"), std::string::npos);
}

TEST(Spool, FullDiskIsToldAndItGoesOnWhenThereIsRoom) {
  temp_dir dir;
  faulty_env env;
  auto opened = spool::open({.path = dir / "s", .env = env.get()});
  ASSERT_TRUE(opened.ok()) << opened.status();
  auto s = *opened;
  ASSERT_TRUE(s->attach("r").ok());
  ASSERT_TRUE(append(*s, "r", 0, "a").get().ok());
  env.fill_disk();
  auto fault = append(*s, "r", 1, "b").get();
  EXPECT_EQ(fault.code(), absl::StatusCode::kResourceExhausted) << fault;
  EXPECT_NE(fault.message().find(dir / "s"), std::string::npos);
  EXPECT_FALSE(append(*s, "r", 2, "c").get().ok());
  env.free_disk();
  // It looks at the disk again now and then: as many appends as that takes.
  uint64_t n = 3;
  absl::Status last;
  while (!(last = append(*s, "r", n, "d").get()).ok()) ASSERT_LT(++n, 200'000u) << last;
  auto all = read(*s, "r", 0, n + 1);
  ASSERT_GE(all.size(), 2u);
  EXPECT_EQ(*all.front().records, "a");
  EXPECT_EQ(*all.back().records, "d");
}

TEST(Spool, DeadLettersAreKeptWithTheirReasonOverAReopen) {
  temp_dir dir;
  {
    auto s = open_at(dir / "s");
    ASSERT_TRUE(s->attach("r").ok());
    ASSERT_TRUE(
        bury(*s, "r", {{5, 40007, "control character", "rec1"}, {6, 0, "too big", "rec2"}}).ok());
  }
  auto s = open_at(dir / "s");
  ASSERT_TRUE(s->attach("r").ok());
  EXPECT_EQ(s->count_dead_letters("r").messages, 2u);
  auto letters = s->list_dead_letters("r", 10);
  ASSERT_TRUE(letters.ok());
  ASSERT_EQ(letters->size(), 2u);
  EXPECT_EQ((*letters)[0].time_ms, 5);
  EXPECT_EQ((*letters)[0].code, 40007);
  EXPECT_EQ((*letters)[0].reason, "control character");
  EXPECT_EQ((*letters)[0].record, "rec1");
  EXPECT_EQ((*letters)[1].record, "rec2");
}

TEST(Spool, DeadLettersAreBoundedTheOldestGoAndAreCounted) {
  temp_dir dir;
  auto opened = spool::open({.path = dir / "s", .dead_letters_max = 3});
  ASSERT_TRUE(opened.ok());
  auto s = *opened;
  ASSERT_TRUE(s->attach("r").ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(bury(*s, "r", {{i, 0, "", std::to_string(i)}}).ok());
  EXPECT_EQ(s->count_dead_letters("r").messages, 3u);
  EXPECT_EQ(s->count_dead_letters("r").dropped, 7u);
  auto letters = s->list_dead_letters("r", 10);
  ASSERT_EQ(letters->size(), 3u);
  EXPECT_EQ(letters->front().record, "7");
}

}  // namespace
}  // namespace dunlin::rules
