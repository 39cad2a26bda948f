#include "broker/core/shared_text.hpp"

#include <absl/container/flat_hash_map.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "broker/core/filter.hpp"

namespace dunlin::core {
namespace {

TEST(SharedText, HoldsTheTextForEveryCopy) {
  shared_text copy;
  {
    const shared_text made("a/+/c");
    copy = made;
    EXPECT_EQ(copy.view().data(), made.view().data());
  }
  EXPECT_EQ(copy.view(), "a/+/c");
}

TEST(SharedText, OfNothingIsEmpty) {
  EXPECT_TRUE(shared_text().empty());
  EXPECT_TRUE(shared_text("").empty());
  EXPECT_EQ(shared_text("").view(), "");
  EXPECT_FALSE(shared_text("a").empty());
}

TEST(SharedText, MovesAndAssignsToItself) {
  shared_text a("a text");
  shared_text b(std::move(a));
  EXPECT_TRUE(a.empty());  // NOLINT: what a move leaves is part of what it promises
  b = *&b;
  EXPECT_EQ(b.view(), "a text");
  a = b;
  b = {};
  EXPECT_EQ(a.view(), "a text");
}

TEST(SharedText, IsCountedAcrossThreads) {
  const shared_text text("shared by all");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([copy = text] {
      for (int i = 0; i < 20'000; ++i) {
        shared_text mine = copy;
        ASSERT_EQ(mine.view().size(), 13u);
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(text.view(), "shared by all");
}

TEST(SharedText, IsFoundByItsText) {
  absl::flat_hash_map<filter_ptr, int, text_hash, text_equal> by_filter;
  by_filter[filter_ptr("a/b")] = 1;
  by_filter[filter_ptr("a/+")] = 2;
  by_filter[filter_ptr("a/b")] = 3;
  EXPECT_EQ(by_filter.size(), 2u);
  EXPECT_EQ(by_filter.find(std::string_view("a/b"))->second, 3);
  EXPECT_EQ(by_filter.find(std::string_view("a/c")), by_filter.end());
}

}  // namespace
}  // namespace dunlin::core
