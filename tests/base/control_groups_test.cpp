// Where the limits of a controller are, for what /proc/self/cgroup tells.
#include "base/control_groups.hpp"

#include <gtest/gtest.h>

namespace dunlin {
namespace {

using paths = std::vector<std::filesystem::path>;

paths of(std::string_view controller, std::string_view groups) {
  return control_groups(controller, groups, "/m");
}

TEST(ControlGroups, OfVersion2AreTheOwnAndThoseAroundIt) {
  EXPECT_EQ(of("cpu", "0::/kube/pod\n"), (paths{"/m/kube/pod", "/m/kube", "/m/"}));
  EXPECT_EQ(of("cpu", "0::/\n"), paths{"/m/"});
}

TEST(ControlGroups, OfVersion1AreThoseOfTheHierarchyThatNamesTheController) {
  const char* groups =
      "4:memory:/docker/x\n"
      "3:cpuset:/s\n"
      "2:cpu,cpuacct:/a\n";
  EXPECT_EQ(of("memory", groups), (paths{"/m/memory/docker/x", "/m/memory/docker", "/m/memory/"}));
  EXPECT_EQ(of("cpu", groups), (paths{"/m/cpu,cpuacct/a", "/m/cpu,cpuacct/"}));
  EXPECT_EQ(of("cpuacct", groups), of("cpu", groups));
  EXPECT_TRUE(of("io", groups).empty());
}

TEST(ControlGroups, BothVersionsCount) {
  EXPECT_EQ(of("memory", "4:memory:/a\n0::/b\n"),
            (paths{"/m/memory/a", "/m/memory/", "/m/b", "/m/"}));
}

TEST(ControlGroups, NonsenseIsNone) {
  EXPECT_TRUE(of("cpu", "").empty());
  EXPECT_TRUE(of("cpu", "nonsense\n4\n4:cpu\n").empty());
}

TEST(ControlGroups, OfThisProcessCanBeAskedFor) {
  for (const auto& p : control_groups("cpu")) EXPECT_EQ(p.string().find("/sys/fs/cgroup"), 0u) << p;
}

}  // namespace
}  // namespace dunlin
