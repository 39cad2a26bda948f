#include "base/control_groups.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace dunlin {
namespace {

namespace fs = std::filesystem;

bool names(const std::string& controllers, std::string_view controller) {
  std::istringstream in{controllers};
  for (std::string name; std::getline(in, name, ',');)
    if (name == controller) return true;
  return false;
}

}  // namespace

std::vector<fs::path> control_groups(std::string_view controller, std::string_view groups,
                                     const fs::path& mount) {
  std::vector<fs::path> found;
  std::istringstream lines{std::string(groups)};
  // number:controllers:path; version 2 names no controllers.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !names(controllers, controller)) continue;
    for (fs::path at = fs::path(line.substr(second + 1)).relative_path();; at = at.parent_path()) {
      found.push_back(mount / controllers / at);
      if (at.empty()) break;
    }
  }
  return found;
}

std::vector<fs::path> control_groups(std::string_view controller) {
  std::ifstream in("/proc/self/cgroup");
  std::ostringstream groups;
  groups << in.rdbuf();
  return control_groups(controller, groups.str(), "/sys/fs/cgroup");
}

}  // namespace dunlin
