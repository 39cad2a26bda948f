// A directory of a test's own, removed at its end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace dunlin::rules {

class temp_dir {
 public:
  temp_dir() {
    const char* base = std::getenv("TEST_TMPDIR");
    auto name = std::string(base ? base : "/tmp") + "/rules_XXXXXX";
    path_ = mkdtemp(name.data()) ? name : std::string();
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;
  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace dunlin::rules
