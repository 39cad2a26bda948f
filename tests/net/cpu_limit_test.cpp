// The CPU limits of control groups, as the kernel's files tell them.
#include "broker/net/cpu_limit.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/control_groups.hpp"

namespace dunlin::net {
namespace {

class CpuLimit : public ::testing::Test {
 protected:
  void file(const std::string& name, const std::string& text) {
    const auto path = mount_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::optional<double> of(std::string_view groups) {
    return cpu_limit(control_groups("cpu", groups, mount_));
  }

  std::filesystem::path mount_ = std::filesystem::path(::testing::TempDir()) /
                                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(CpuLimit, OfVersion2) {
  file("kubepods/pod1/cpu.max", "150000 100000\n");
  EXPECT_EQ(of("0::/kubepods/pod1\n"), 1.5);
  file("kubepods/pod1/cpu.max", "max 100000\n");
  EXPECT_FALSE(of("0::/kubepods/pod1\n"));
}

TEST_F(CpuLimit, OfVersion1) {
  file("cpu,cpuacct/docker/c1/cpu.cfs_quota_us", "50000\n");
  file("cpu,cpuacct/docker/c1/cpu.cfs_period_us", "100000\n");
  const std::string groups =
      "4:memory:/docker/c1\n"
      "3:cpuset:/docker/c1\n"
      "2:cpu,cpuacct:/docker/c1\n"
      "0::/\n";
  EXPECT_EQ(of(groups), 0.5);
  file("cpu,cpuacct/docker/c1/cpu.cfs_quota_us", "-1\n");
  EXPECT_FALSE(of(groups));
}

TEST_F(CpuLimit, TheLowestOfTheGroupsAroundCounts) {
  file("cpu.max", "800000 100000\n");
  file("a/cpu.max", "200000 100000\n");
  file("a/b/cpu.max", "400000 100000\n");
  EXPECT_EQ(of("0::/a/b\n"), 2.0);
  EXPECT_EQ(of("0::/a\n"), 2.0);
  EXPECT_EQ(of("0::/\n"), 8.0);
}

TEST_F(CpuLimit, APathThatOnlyTheHostHasMeansTheGroupThatIsMounted) {
  file("cpu.max", "100000 100000\n");
  EXPECT_EQ(of("0::/kubepods/burstable/pod7/c2\n"), 1.0);
  EXPECT_EQ(of("0::/../c2\n"), 1.0) << "as a namespace shows a group beside its root";
}

TEST_F(CpuLimit, NothingThatCanBeReadIsNoLimit) {
  EXPECT_FALSE(of("0::/a\n"));
  EXPECT_FALSE(of(""));
  EXPECT_FALSE(of("nonsense\n::\n"));
  file("cpu.max", "");
  EXPECT_FALSE(of("0::/\n"));
  file("cpu.max", "0 0\n");
  EXPECT_FALSE(of("0::/\n"));
}

TEST_F(CpuLimit, ThisMachineHasOneCoreAtLeastAndNoMoreThanThereAre) {
  EXPECT_GE(usable_cores(), 1u);
  EXPECT_LE(usable_cores(), std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace dunlin::net
