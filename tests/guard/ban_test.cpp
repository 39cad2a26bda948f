#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "base/log.hpp"
#include "broker/guard/address.hpp"
#include "broker/guard/ban_file.hpp"
#include "broker/guard/ban_list.hpp"
#include "broker/guard/bans.hpp"
#include "tests/fakes/random.hpp"

namespace dunlin::guard {
namespace {

struct network_row {
  const char* network;
  const char* normal;  // null: not one
  std::vector<const char*> in, out;
};

const network_row networks[] = {
    {"10.1.2.3", "10.1.2.3", {"10.1.2.3:1", "[::ffff:10.1.2.3]:1"}, {"10.1.2.4:1"}},
    {"10.1.2.3/8", "10.0.0.0/8", {"10.255.0.1:1"}, {"11.0.0.1:1", "[a00::]:1"}},
    {"192.168.1.128/25", "192.168.1.128/25", {"192.168.1.200:9"}, {"192.168.1.127:9"}},
    {"0.0.0.0/0", "0.0.0.0/0", {"1.2.3.4:5", "255.255.255.255:5"}, {"[::1]:5", "[2001:db8::1]:5"}},
    {"::/0", "::/0", {"[::1]:5", "1.2.3.4:5"}, {}},
    {"2001:db8::/33", "2001:db8::/33", {"[2001:db8:7fff::1]:1"}, {"[2001:db8:8000::1]:1"}},
    {"2001:DB8::1", "2001:db8::1", {"[2001:db8::1]:1"}, {"[2001:db8::2]:1"}},
    {"fe80::/10", "fe80::/10", {"[fe80::1%eth0]:77"}, {"[fec0::1]:77"}},
    {"10.0.0.0/33", nullptr, {}, {}},
    {"10.0.0/8", nullptr, {}, {}},
    {"::1/129", nullptr, {}, {}},
    {"10.0.0.0/", nullptr, {}, {}},
    {"10.0.0.0/8x", nullptr, {}, {}},
    {"10.0.0.0/-1", nullptr, {}, {}},
    {"localhost", nullptr, {}, {}},
    {"", nullptr, {}, {}},
};

TEST(Network, HoldsAsTheTableSays) {
  for (const auto& row : networks) {
    const auto n = parse_network(row.network);
    ASSERT_EQ(n.has_value(), row.normal != nullptr) << row.network;
    if (!n) continue;
    EXPECT_EQ(to_string(*n), row.normal);
    for (const char* peer : row.in) EXPECT_TRUE(n->holds(address_of_peer(peer).value())) << peer;
    for (const char* peer : row.out) EXPECT_FALSE(n->holds(address_of_peer(peer).value())) << peer;
  }
}

TEST(Network, APeerWithoutAnAddressHasNone) {
  for (const char* peer : {"", "unix", "unix:/run/dunlin.sock", "fake:1", "1.2.3.4"})
    EXPECT_FALSE(address_of_peer(peer)) << peer;
}

ban of(ban_kind k, std::string value, int64_t until_ms = 0) {
  ban b;
  b.kind = k;
  b.value = std::move(value);
  b.until_ms = until_ms;
  return b;
}

TEST(BanList, FindsByEachKind) {
  ban_list l;
  l.add(of(ban_kind::client_id, "c1"));
  l.add(of(ban_kind::user_name, "u1"));
  l.add(of(ban_kind::address, "10.0.0.0/8"));
  l.add(of(ban_kind::address, "2001:db8::/32"));
  EXPECT_TRUE(l.find({.client_id = "c1"}, 0));
  EXPECT_FALSE(l.find({.client_id = "u1"}, 0));
  EXPECT_TRUE(l.find({.client_id = "x", .user_name = "u1"}, 0));
  EXPECT_FALSE(l.find({.client_id = "x", .user_name = "c1"}, 0));
  EXPECT_TRUE(l.find({.client_id = "x", .address = parse_ip("10.9.9.9")}, 0));
  EXPECT_TRUE(l.find({.client_id = "x", .address = parse_ip("2001:db8:1::1")}, 0));
  EXPECT_FALSE(l.find({.client_id = "x", .address = parse_ip("11.9.9.9")}, 0));
  EXPECT_EQ(l.size(), 4u);
}

TEST(BanList, OneThatIsOverDoesNotHoldAndGoes) {
  ban_list l;
  l.add(of(ban_kind::client_id, "c1", 1000));
  l.add(of(ban_kind::address, "10.0.0.0/8", 1000));
  l.add(of(ban_kind::address, "10.1.0.0/16", 2000));
  EXPECT_TRUE(l.find({.client_id = "c1"}, 999));
  EXPECT_FALSE(l.find({.client_id = "c1"}, 1000));
  EXPECT_TRUE(l.find_address(*parse_ip("10.1.0.1"), 1999)) << "the more exact one still holds";
  EXPECT_EQ(l.remove_expired(1000), 2u);
  EXPECT_EQ(l.size(), 1u);
}

TEST(BanList, IsReplacedAndRemovedByItsNormalValue) {
  ban_list l;
  l.add(of(ban_kind::address, "10.0.0.0/8"));
  l.add(of(ban_kind::address, "10.0.0.0/8", 77));
  EXPECT_EQ(l.size(), 1u);
  EXPECT_EQ(l.get(ban_kind::address, "10.1.2.3/8")->until_ms, 77);
  EXPECT_FALSE(l.remove(ban_kind::address, "10.0.0.0/9"));
  EXPECT_TRUE(l.remove(ban_kind::address, "10.1.1.1/8"));
  EXPECT_FALSE(l.remove(ban_kind::client_id, "c1"));
  EXPECT_EQ(l.size(), 0u);
}

std::vector<ban> some_bans() {
  std::vector<ban> out;
  for (int i = 0; i < 20; ++i) {
    ban b = of(static_cast<ban_kind>(i % 2), "tab\tline\n%" + std::to_string(i) + "\x7f", i * 1000);
    b.reason = i % 3 ? "because\t100 %" : "";
    b.by = "me\n";
    b.since_ms = 5;
    b.source = i % 5 ? ban_source::api : ban_source::flapping;
    out.push_back(b);
  }
  out.push_back(of(ban_kind::address, "10.0.0.0/8"));
  return out;
}

std::string text_of(const std::vector<ban>& all) { return write_bans(all); }

TEST(BanFile, WhatIsWrittenIsRead) {
  const auto bans = some_bans();
  const auto back = read_bans(write_bans(bans));
  EXPECT_TRUE(back.damaged.empty());
  ASSERT_EQ(back.bans.size(), bans.size());
  EXPECT_EQ(text_of(back.bans), text_of(bans));
}

TEST(BanFile, ADamagedLineCostsItselfAlone) {
  std::string text = write_bans(some_bans());
  const size_t second = text.find('\n', text.find('\n') + 1) + 1;
  text[second + 6] ^= 1;
  const auto back = read_bans(text);
  EXPECT_EQ(back.damaged, std::vector<size_t>{3});
  EXPECT_EQ(back.bans.size(), some_bans().size() - 1);
}

TEST(BanFile, EveryPrefixGivesItsWholeLines) {
  const std::string text = write_bans(some_bans());
  for (size_t n = 0; n < text.size(); ++n) {
    const auto back = read_bans(text.substr(0, n));
    const auto lines = std::count(text.begin(), text.begin() + static_cast<long>(n), '\n');
    EXPECT_EQ(back.bans.size(), static_cast<size_t>(std::max(0l, lines - 1))) << n;
  }
}

TEST(BanFile, RandomDamageIsSurvived) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  for (int round = 0; round < 2000; ++round) {
    std::string text = write_bans(some_bans());
    for (uint64_t i = 0, n = 1 + random.below(20); i < n; ++i)
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    EXPECT_LE(read_bans(text).bans.size(), some_bans().size() + 20);
  }
}

class BansTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::configure(log::level::off, log::format::text);
    dir_ = std::filesystem::path(::testing::TempDir()) / "bans_test";
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
  }
  std::unique_ptr<bans> open() {
    auto b = std::make_unique<bans>([this] { return now_; });
    b->apply(policy_);
    b->open(dir_.string());
    return b;
  }
  static absl::Status add(bans& b, ban what) {
    std::promise<absl::Status> p;
    b.add(std::move(what), [&](absl::Status s) { p.set_value(s); });
    return p.get_future().get();
  }
  static absl::Status remove(bans& b, ban_kind k, const std::string& value) {
    std::promise<absl::Status> p;
    b.remove(k, value, [&](absl::Status s) { p.set_value(s); });
    return p.get_future().get();
  }

  int64_t now_ = 1'000'000;
  policy policy_;
  std::filesystem::path dir_;
};

TEST_F(BansTest, SurviveARestart) {
  auto b = open();
  EXPECT_TRUE(add(*b, of(ban_kind::client_id, "c1")).ok());
  EXPECT_TRUE(add(*b, of(ban_kind::address, "10.0.0.1/8", now_ + 5000)).ok());
  EXPECT_TRUE(add(*b, of(ban_kind::user_name, "u1")).ok());
  EXPECT_TRUE(remove(*b, ban_kind::user_name, "u1").ok());
  b = open();
  EXPECT_EQ(b->count(), 2u);
  EXPECT_TRUE(b->find({.client_id = "c1"}));
  EXPECT_TRUE(b->address_banned(*parse_ip("10.2.2.2")));
  b.reset();
  now_ += 5000;
  b = open();
  EXPECT_EQ(b->count(), 1u) << "one that was over is not read back";
}

TEST_F(BansTest, ADamagedFileIsReadAsFarAsItCanBeAndKept) {
  auto b = open();
  EXPECT_TRUE(add(*b, of(ban_kind::client_id, "c1")).ok());
  EXPECT_TRUE(add(*b, of(ban_kind::client_id, "c2")).ok());
  b.reset();
  std::fstream f(dir_ / "bans", std::ios::in | std::ios::out);
  f.seekp(22);
  f << "\xFF\xFF";
  f.close();
  b = open();
  EXPECT_EQ(b->count(), 1u);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "bans.damaged"));
  EXPECT_TRUE(add(*b, of(ban_kind::client_id, "c3")).ok());
}

TEST_F(BansTest, AFolderThatIsGoneIsTold) {
  auto b = open();
  std::filesystem::remove_all(dir_);
  EXPECT_FALSE(add(*b, of(ban_kind::client_id, "c1")).ok());
  EXPECT_TRUE(b->find({.client_id = "c1"})) << "in force all the same";
}

TEST_F(BansTest, AreBoundedAndChecked) {
  policy_.bans_max = 2;
  auto b = open();
  EXPECT_EQ(add(*b, of(ban_kind::address, "nonsense")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add(*b, of(ban_kind::client_id, "")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add(*b, of(ban_kind::client_id, "c", now_)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(add(*b, of(ban_kind::client_id, "c1")).ok());
  EXPECT_TRUE(add(*b, of(ban_kind::client_id, "c2")).ok());
  EXPECT_EQ(add(*b, of(ban_kind::client_id, "c3")).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(add(*b, of(ban_kind::client_id, "c2", now_ + 1)).ok()) << "replaced";
  EXPECT_EQ(remove(*b, ban_kind::client_id, "c3").code(), absl::StatusCode::kNotFound);
}

TEST_F(BansTest, OfTheConfigurationComeAndGoWithIt) {
  ban fixed = of(ban_kind::client_id, "c1");
  fixed.source = ban_source::config;
  policy_.bans = {fixed};
  auto b = open();
  EXPECT_TRUE(b->find({.client_id = "c1"}));
  EXPECT_EQ(remove(*b, ban_kind::client_id, "c1").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(add(*b, of(ban_kind::client_id, "c1")).code(), absl::StatusCode::kFailedPrecondition);
  std::vector<std::string> told;
  b->on_ban([&](const ban& x) { told.push_back(x.value); });
  policy other;
  ban second = of(ban_kind::client_id, "c2");
  second.source = ban_source::config;
  other.bans = {second};
  b->apply(other);
  EXPECT_FALSE(b->find({.client_id = "c1"}));
  EXPECT_TRUE(b->find({.client_id = "c2"}));
  EXPECT_EQ(told, std::vector<std::string>{"c2"});
}

TEST_F(BansTest, AFlappingClientIsBannedForATime) {
  policy_.flapping = {3, 10, 60, 1000};
  auto b = open();
  for (uint64_t i = 0; i < 3; ++i) EXPECT_FALSE(b->connected("c1", i * 100));
  EXPECT_FALSE(b->connected("c2", 300));
  EXPECT_TRUE(b->connected("c1", 300));
  EXPECT_TRUE(b->find({.client_id = "c1"}));
  EXPECT_FALSE(b->find({.client_id = "c2"}));
  now_ += 60'000;
  EXPECT_FALSE(b->find({.client_id = "c1"}));
  b->remove_expired();
  EXPECT_EQ(b->count(), 0u);
}

}  // namespace
}  // namespace dunlin::guard
