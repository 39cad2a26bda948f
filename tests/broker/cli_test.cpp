#include "broker/cli.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/version.hpp"

namespace dunlin {
namespace {

struct outcome {
  int code;
  std::string out, err;
};

outcome run(
    std::vector<std::string> words,
    std::function<int(const loaded_config&)> serve = [](const auto&) {
      ADD_FAILURE() << "served";
      return 1;
    }) {
  words.insert(words.begin(), "dunlin");
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_cli(static_cast<int>(argv.size()), argv.data(), std::move(serve));
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

const std::string sample = "tools/dunlin.sample.yaml";

TEST(Cli, VersionIsPrinted) {
  const auto r = run({"version"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out, "dunlin " + std::string(version) + "\n");
}
TEST(Cli, CheckSaysOkAndWhatTheConfigurationMeans) {
  const auto r = run({"check", "--config", sample});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out,
            "ok\n  file: tools/dunlin.sample.yaml\n  node: n1, data in ./data\n  listener: tcp on "
            "127.0.0.1:1883\n"
            "  http: on 127.0.0.1:8080\n  queue: embedded\n  rule: report, topic sensors to queue "
            "sensors_up\n"
            "  rule: command, queue sensors_down to topic sensors\n"
            "  rule: presence, group GID_demo to queue presence\n");
}
TEST(Cli, AWrongConfigurationEndsWith2BeforeAnythingIsServed) {
  for (const char* command : {"check", "serve", "show-config"}) {
    const auto r = run({command, "--config", sample, "--set", "rules.1.id=report"});
    EXPECT_EQ(r.code, 2);
    EXPECT_EQ(r.out, "");
    EXPECT_EQ(r.err.substr(0, 65),
              "--set: rules.1.id: the id \"report\" is taken by rules.0 (tools/dun");
  }
}
TEST(Cli, AWrongCommandLineEndsWith2) {
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"sevre"}).code, 2);
  EXPECT_EQ(run({"check", "--confg", sample}).code, 2);
  EXPECT_EQ(run({"--help"}).code, 0);
}
TEST(Cli, ServeGetsTheConfigurationAndItsResultIsTheExitCode) {
  std::string name, address;
  const auto r =
      run({"serve", "-c", sample, "--set", "node.name=n5", "--set", "http.address=127.0.0.1:9"},
          [&](const loaded_config& c) {
            name = c.values.node().name();
            address = c.values.http().address();
            return 7;
          });
  EXPECT_EQ(r.code, 7);
  EXPECT_EQ(name, "n5");
  EXPECT_EQ(address, "127.0.0.1:9");
}
TEST(Cli, ShowConfigTellsTheOrigin) {
  EXPECT_NE(run({"show-config", "-c", sample, "-s", "node.name=n5"}).out.find("node.name: \"n5\""),
            std::string::npos);
  EXPECT_EQ(run({"show-config", "-c", sample, "--json"}).out.substr(0, 2), "{\n");
}

}  // namespace
}  // namespace dunlin
