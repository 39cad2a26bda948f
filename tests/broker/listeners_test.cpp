// Who looks at the listeners (/metrics, the reload of certificates) while a reload changes them
// sees those of before or those of after. Threads, since that is what it is about; Unix sockets, so
// that no port is needed.
#include "broker/listeners.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

namespace dunlin {
namespace {

class ListenersTest : public ::testing::Test {
 protected:
  ListenersTest() {
    directory_.put({});
    directory_.reactors = {&reactor_};
    reactor_.start();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    EXPECT_TRUE(listeners_.open(of("a")).ok());
    EXPECT_TRUE(listeners_.start().ok());
  }
  ~ListenersTest() override {
    listeners_.stop();
    reactor_.stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // The listeners that are called so: one letter each.
  std::vector<listener_config> of(std::string_view names) const {
    std::vector<listener_config> out;
    for (char name : names) {
      auto profile = std::make_shared<listener_profile>();
      profile->name = std::string(1, name);
      net::transport_options transport;
      transport.kind = net::transport_kind::unix_socket;
      out.push_back({path(profile->name), std::move(profile), transport});
    }
    return out;
  }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string seen() const {
    std::string names;
    for (const auto& n : listeners_.numbers()) names += n.name;
    return names;
  }

  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("sharing")); }
  };
  config config_;
  caf::actor_system system_{config_};
  net::reactor reactor_{system_, 0, [] { return uint64_t{1}; }};
  directory directory_;
  std::string folder_ = "/tmp/dunlin_XXXXXX";  // short: a socket's path has 107 bytes
  listeners listeners_{directory_};
};

TEST_F(ListenersTest, AreThoseOfBeforeUntilAChangeIsMade) {
  std::promise<void> release;
  reactor_.post([held = release.get_future().share()] { held.wait(); });
  std::thread change([&] { EXPECT_TRUE(listeners_.change(of("ab")).empty()); });
  // Bound: what was there has been taken apart, and the change waits for the reactor.
  while (!std::filesystem::exists(path("b"))) std::this_thread::yield();
  EXPECT_EQ(seen(), "a");
  EXPECT_TRUE(listeners_.reload_certificates().wrong.empty());
  release.set_value();
  change.join();
  EXPECT_EQ(seen(), "ab");
}

TEST_F(ListenersTest, AreSeenWholeWhileChangesFollowEachOther) {
  std::atomic<bool> over{false};
  std::atomic<int> looks{0};
  std::thread looking([&] {
    while (!over) {
      const auto now = seen();
      EXPECT_TRUE(now == "a" || now == "ab" || now == "b") << now;
      EXPECT_TRUE(listeners_.reload_certificates().reloaded.empty());
      ++looks;
    }
  });
  while (looks == 0) std::this_thread::yield();
  for (int i = 0; i < 50; ++i)
    for (const char* names : {"ab", "b", "ab", "a"})
      EXPECT_TRUE(listeners_.change(of(names)).empty());
  over = true;
  looking.join();
}

}  // namespace
}  // namespace dunlin
