#include "broker/guard/ban_writer.hpp"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/log.hpp"

namespace dunlin::guard {
namespace {

constexpr std::chrono::seconds soon{1};

absl::Status failed(const std::string& path, const char* what) {
  return absl::UnavailableError(absl::StrCat(path, ": cannot be ", what, ": ", std::strerror(errno),
                                             ". Hint: look at the disk that node.data_dir is on"));
}

bool write_all(int fd, std::string_view s) {
  while (!s.empty()) {
    const ssize_t n = ::write(fd, s.data(), s.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    s.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void sync_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

absl::Status replace_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  const int fd = ::open(beside.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return failed(beside, "opened");
  const bool written = write_all(fd, text) && ::fsync(fd) == 0;
  const auto status = written ? absl::OkStatus() : failed(beside, "written");
  ::close(fd);
  if (!written) return status;
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed(path, "replaced");
  sync_folder_of(path);
  return absl::OkStatus();
}

ban_writer::ban_writer(std::string path, std::function<std::string()> text)
    : path_(std::move(path)), text_(std::move(text)), thread_([this] { run(); }) {}

ban_writer::~ban_writer() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ban_writer::write(done d) {
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(d));
  }
  wake_.notify_one();
}

void ban_writer::write_soon() {
  {
    std::lock_guard lock(mutex_);
    dirty_ = true;
  }
  wake_.notify_one();
}

void ban_writer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || dirty_ || !waiting_.empty(); });
    if (waiting_.empty() && dirty_)
      wake_.wait_for(lock, soon, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty() && !dirty_) return;
    std::vector<done> asked;
    asked.swap(waiting_);
    dirty_ = false;
    lock.unlock();
    const absl::Status s = replace_file(path_, text_());
    if (!s.ok()) log::error("bans_not_stored", {{"why", std::string(s.message())}});
    for (const auto& d : asked) d(s);
    lock.lock();
  }
}

}  // namespace dunlin::guard
